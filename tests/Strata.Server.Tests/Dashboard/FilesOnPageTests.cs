using System.Text;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Strata.Server.Tests;

/// <summary>Files that a person brings to the page, by choosing or dropping them.</summary>
public sealed class FilesOnPageTests(Chromium chromium) : IClassFixture<Chromium>
{
    private readonly List<string> _complaints = [];

    [Fact]
    public async Task Chosen_files_land_in_the_folder_that_is_shown_with_their_types_and_the_listing_shows_them()
    {
        await using ServedTiers served = await ServedTiers.StartAsync();
        await served.PutAsync("notes/old.txt");
        IPage page = await OpenAsync(served, "#/main/notes/");
        await Expect(page.GetByTitle("Into main/notes/")).ToHaveCountAsync(3);
        await page.Locator("#files").SetInputFilesAsync([File("a.txt", "text/plain", "the first"), File("ä b+&#?.json", "application/json", "{}")]);
        await Expect(page.Locator("#transfers-text")).ToHaveTextAsync("2 of 2 uploaded");
        await Expect(page.Locator("#rows .key")).ToHaveTextAsync(["a.txt", "old.txt", "ä b+&#?.json"]);
        Assert.Equal(("text/plain", 9L), await StatAsync(served, "notes/a.txt"));
        Assert.Equal(("application/json", 2L), await StatAsync(served, "notes/ä b+&#?.json"));
        await page.GetByRole(AriaRole.Button, new() { Name = "Clear" }).ClickAsync();
        await Expect(page.Locator("#transfers")).ToBeHiddenAsync();
        Assert.Empty(_complaints);
    }

    [Fact]
    public async Task Dropped_files_are_uploaded_and_a_drop_beside_the_place_does_nothing()
    {
        await using ServedTiers served = await ServedTiers.StartAsync();
        IPage page = await OpenAsync(served, "#/main/in/");
        await DropAsync(page, ".moves", "lost.txt");
        await DragOverAsync(page, ".keys");
        await Expect(page.Locator(".dropping")).ToBeVisibleAsync();
        Assert.Equal("Drop to upload into main/in/", await page.Locator(".dropping").GetAttributeAsync("data-drop"));
        await Chromium.ShootAsync(page, "dropping");
        await DropAsync(page, ".keys", "one.txt", "two.txt");
        await Expect(page.Locator("#transfers-text")).ToHaveTextAsync("2 of 2 uploaded");
        await Expect(page.Locator("#rows .key")).ToHaveTextAsync(["one.txt", "two.txt"]);
        Assert.Equal(("text/plain", 7L), await StatAsync(served, "in/one.txt"));
        Assert.Null(await served.Main.StatAsync(BlobKey.Parse("in/lost.txt")));
        Assert.Empty(_complaints);
    }

    [Fact]
    public async Task What_is_there_already_is_replaced_only_after_somebody_says_so()
    {
        await using ServedTiers served = await ServedTiers.StartAsync();
        foreach (string key in (string[])["a.txt", "b.txt", "c.txt"]) await served.PutAsync(key, "old");
        IPage page = await OpenAsync(served);
        await page.Locator("#files").SetInputFilesAsync([File("a.txt"), File("b.txt"), File("c.txt"), File("d.txt")]);
        await Expect(page.Locator("#transfers-text")).ToHaveTextAsync("1 of 4 uploaded · 3 there already");
        Assert.Equal(3, (await StatAsync(served, "a.txt")).Length);

        await page.GetByRole(AriaRole.Button, new() { Name = "Skip: c.txt" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Replace: a.txt" }).ClickAsync();
        await Expect(page.Locator("#transfers-text")).ToHaveTextAsync("2 of 3 uploaded · 1 there already");
        await page.GetByRole(AriaRole.Button, new() { Name = "Replace all" }).ClickAsync();
        await page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Replace all" }).ClickAsync();
        await Expect(page.Locator("#transfers-text")).ToHaveTextAsync("3 of 3 uploaded");
        (string? Type, long Length)[] now = await Task.WhenAll(((string[])["a.txt", "b.txt", "c.txt", "d.txt"]).Select(k => StatAsync(served, k)));
        Assert.Equal([9L, 9, 3, 9], now.Select(n => n.Length));
        Assert.Empty(_complaints);
    }

    [Fact]
    public async Task What_changed_since_somebody_was_asked_is_asked_about_again()
    {
        await using ServedTiers served = await ServedTiers.StartAsync();
        await served.PutAsync("a.txt", "old");
        IPage page = await OpenAsync(served);
        await page.Locator("#files").SetInputFilesAsync([File("a.txt")]);
        ILocator replace = page.GetByRole(AriaRole.Button, new() { Name = "Replace: a.txt" });
        await Expect(replace).ToBeVisibleAsync();
        await served.PutAsync("a.txt", "somebody else's");
        Task<IResponse> refused = page.WaitForResponseAsync(r => r.Request.Method == "PUT");
        await replace.ClickAsync();
        Assert.Equal(412, (await refused).Status);
        await Expect(replace).ToBeVisibleAsync();
        Assert.Equal(15, (await StatAsync(served, "a.txt")).Length);
        await replace.ClickAsync();
        await Expect(page.Locator("#transfers-text")).ToHaveTextAsync("1 of 1 uploaded");
        Assert.Equal(9, (await StatAsync(served, "a.txt")).Length);
    }

    [Fact]
    public async Task At_most_three_go_at_once_each_shows_its_progress_and_can_be_cancelled()
    {
        await using ServedTiers served = await ServedTiers.StartAsync();
        IPage page = await OpenAsync(served);
        int atOnce = 0, most = 0;
        var held = new List<IRoute>();
        await page.RouteAsync("**/blob?*", route =>
        {
            lock (held)
            {
                held.Add(route);
                most = Math.Max(most, ++atOnce);
            }
        });
        await page.Locator("#files").SetInputFilesAsync([.. Enumerable.Range(0, 7).Select(n => File($"{n}.txt"))]);
        await Expect(page.Locator(".transfer.sending")).ToHaveCountAsync(3);
        await Expect(page.GetByRole(AriaRole.Progressbar)).ToHaveCountAsync(3);
        await Expect(page.Locator("#transfers-text")).ToHaveTextAsync("0 of 7 uploaded · 4 waiting");

        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel: 1.txt" }).ClickAsync();
        await Expect(page.Locator(".transfer.sending .key-text")).ToHaveTextAsync(["0.txt", "2.txt", "3.txt"]);
        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel all" }).ClickAsync();
        await Expect(page.Locator("#transfers")).ToBeHiddenAsync();
        Assert.Equal(4, most);
        Assert.Null(await served.Main.StatAsync(BlobKey.Parse("1.txt")));
    }

    [Fact]
    public async Task A_name_that_is_no_key_is_told_in_the_servers_words_and_markup_in_names_stays_text()
    {
        await using ServedTiers served = await ServedTiers.StartAsync();
        IPage page = await OpenAsync(served);
        const string Markup = "<img src=x onerror=window.ran=1>";
        await DropAsync(page, ".keys", "bad\u0001name.txt", Markup);
        await Expect(page.Locator(".transfer.failed")).ToContainTextAsync("failed: ");
        await Expect(page.Locator(".transfer.failed")).ToContainTextAsync("control");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Try again: bad" })).ToBeVisibleAsync();
        await Expect(page.Locator(".transfer.done bdi")).ToHaveTextAsync(Markup);
        Assert.Equal(0, await page.Locator("main img").CountAsync());
        Assert.Null(await page.EvaluateAsync<int?>("window.ran"));
    }

    [Theory]
    [InlineData(ColorScheme.Light, 1280)]
    [InlineData(ColorScheme.Dark, 1280)]
    [InlineData(ColorScheme.Light, 400)]
    [InlineData(ColorScheme.Dark, 400)]
    public async Task Uploads_fit_the_window_in_either_scheme(ColorScheme scheme, int width)
    {
        await using ServedTiers served = await ServedTiers.StartAsync();
        await served.PutAsync("there.txt");
        await served.PutAsync("photos/2026/one.jpg");
        MultipartUpload upload = await served.Uploads.CreateAsync(BlobKey.Parse(string.Concat(Enumerable.Repeat("a-rather-long-segment/", 6)) + "film.mp4"));
        await served.Uploads.CreateAsync(BlobKey.Parse("backup.tar"));
        await using (IBlobWriter? part = await served.Uploads.OpenPartAsync(upload.Key, upload.Id, 1))
        {
            await part!.WriteAsync(new byte[5 << 20], CancellationToken.None);
            await part.CommitAsync(null, CancellationToken.None);
        }

        IPage page = await OpenAsync(served, scheme: scheme, width: width);
        var held = new List<IRoute>();
        await page.RouteAsync("**/blob?key=held*", held.Add);
        await DropAsync(page, ".keys", "there.txt", "new.txt", "bad\u0001.txt", "held-" + new string('x', 150) + ".txt");
        await Expect(page.Locator("#transfers-text")).ToContainTextAsync("failed");
        await Expect(page.Locator(".transfer.exists")).ToBeVisibleAsync();
        await Expect(page.Locator(".upload")).ToHaveCountAsync(2);
        await Expect(page.Locator(".transfer.sending")).ToBeVisibleAsync();
        await Chromium.ShootAsync(page, $"uploads-{scheme}-{width}");
        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), "The page scrolls sideways.");
        await page.Locator(".upload button").First.ClickAsync();
        await Chromium.ShootAsync(page, $"question-{scheme}-{width}");
    }

    private async Task<IPage> OpenAsync(ServedTiers served, string fragment = "", ColorScheme scheme = ColorScheme.Light, int width = 1280)
    {
        IPage page = await chromium.OpenAsync(new Uri(served.Server.Address, "/" + fragment), _complaints, scheme, width);
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Upload files" })).ToBeEnabledAsync();
        return page;
    }

    private static FilePayload File(string name, string type = "text/plain", string text = "the bytes") =>
        new() { Name = name, MimeType = type, Buffer = Encoding.UTF8.GetBytes(text) };

    /// <summary>As a drop from the desktop; each file holds the seven bytes 'dropped'.</summary>
    private static async Task DropAsync(IPage page, string place, params string[] names)
    {
        await page.EvaluateAsync(
            """
            ([place, names]) => {
              const dataTransfer = new DataTransfer();
              for (const name of names) dataTransfer.items.add(new File(['dropped'], name, { type: 'text/plain' }));
              const target = document.querySelector(place);
              for (const type of ['dragover', 'drop']) target.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
            }
            """,
            new object[] { place, names });
    }

    private static Task DragOverAsync(IPage page, string place) => page.EvaluateAsync(
        """
        place => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File([''], 'a.txt'));
          document.querySelector(place).dispatchEvent(new DragEvent('dragover', { dataTransfer, bubbles: true, cancelable: true }));
        }
        """,
        place);

    private static async Task<(string? Type, long Length)> StatAsync(ServedTiers served, string key)
    {
        BlobInfo? info = await served.Main.StatAsync(BlobKey.Parse(key));
        Assert.True(info is not null, $"'{key}' is not there");
        return (info.ContentType, info.Length);
    }
}
