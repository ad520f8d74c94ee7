using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Strata.Server.Tests;

public sealed class PageTests(Chromium chromium) : IClassFixture<Chromium>
{
    private readonly List<string> _complaints = [];

    [Fact]
    public async Task Shows_the_tiers_of_every_store()
    {
        await using ServedTiers served = await ServedTiers.StartAsync();
        await served.PutAsync("a", new string('x', 2048));
        IPage page = await OpenAsync(served);

        await Expect(page.Locator("#state")).ToHaveTextAsync("Live");
        await Expect(page.Locator("#address")).ToHaveTextAsync(served.Server.Address.ToString().TrimEnd('/'));
        ILocator main = page.GetByLabel("Store main");
        await Expect(main.Locator(".stratum h3")).ToHaveTextAsync(["hot", "warm", "cold"]);
        await Expect(main.Locator(".stratum .name .quiet")).ToHaveTextAsync(["fastest", "tier 2", "origin"]);
        await Expect(main.Locator("[data-tier=cold] .blobs")).ToHaveTextAsync("1 blob");
        await Expect(main.Locator("[data-tier=hot] .capacity")).ToContainTextAsync("of 256 KiB");
        await Expect(main.GetByRole(AriaRole.Meter)).ToHaveCountAsync(3);
        await Expect(page.GetByLabel("Store plain").Locator(".stratum")).ToHaveCountAsync(1);
        Quiet();
    }

    [Fact]
    public async Task Shows_a_write_and_a_promotion_without_being_loaded_again()
    {
        await using ServedTiers served = await ServedTiers.StartAsync();
        IPage page = await OpenAsync(served);
        await Expect(Tier(page, "cold").Locator(".blobs")).ToHaveTextAsync("0 blobs");
        await page.EvaluateAsync("window.sameDocument = true");

        // As a client does it: over the wire, by the S3 paths.
        using HttpResponseMessage put = await served.Http.PutAsync("/main/photos/1.jpg", new ByteArrayContent(new byte[3000]));
        Assert.True(put.IsSuccessStatusCode);
        await Expect(Tier(page, "cold").Locator(".blobs")).ToHaveTextAsync("1 blob");
        Assert.Equal(3000, (await served.Http.GetByteArrayAsync("/main/photos/1.jpg")).Length);

        await Expect(Figure(page, "hot", "Promoted")).ToHaveTextAsync("1");
        await Expect(Figure(page, "cold", "Hits")).ToHaveTextAsync("1");
        ILocator move = page.Locator(".move").Filter(new() { Has = page.Locator(".chip", new() { HasText = "hot" }) });
        await Expect(move).ToContainTextAsync("photos/1.jpg");
        await Expect(move).ToContainTextAsync("2.93 KiB");
        await Expect(page.Locator("#rows .key")).ToHaveTextAsync(["photos/"]);
        Assert.True(await page.EvaluateAsync<bool>("window.sameDocument === true"));
        Quiet();
    }

    [Fact]
    public async Task Finds_a_key_by_its_prefix_and_shows_where_it_is()
    {
        await using ServedTiers served = await ServedTiers.StartAsync();
        await served.PutAsync("docs/guide.txt", options: new WriteOptions { ContentType = "text/plain", Metadata = new Dictionary<string, string> { ["author"] = "Ann" } });
        await served.PutAsync("docs/other.txt");
        await served.PutAsync("photos/1.jpg");
        IPage page = await OpenAsync(served);
        await Expect(page.Locator("#rows .key")).ToHaveTextAsync(["docs/", "photos/"]);

        await page.GetByLabel("Prefix").FillAsync("docs/g");
        await Expect(page.Locator("#rows .key")).ToHaveTextAsync(["guide.txt"]);
        await Expect(page.Locator("#rows .tiers .chip")).ToHaveTextAsync(["cold"]);

        // A read moves it up, and the row tells so by itself.
        await served.ReadAsync("docs/guide.txt");
        await Expect(page.Locator("#rows .tiers .chip")).ToContainTextAsync(["hot", "cold"]);

        await page.GetByRole(AriaRole.Button, new() { Name = "guide.txt" }).First.ClickAsync();
        ILocator details = page.GetByRole(AriaRole.Dialog);
        await Expect(details).ToContainTextAsync("docs/guide.txt");
        await Expect(details).ToContainTextAsync("text/plain");
        await Expect(details).ToContainTextAsync("author");
        await Expect(details.Locator(".core .holds strong")).ToContainTextAsync(["hot", "cold"]);
        Quiet();
    }

    [Fact]
    public async Task Folders_are_links_and_Back_goes_back()
    {
        await using ServedTiers served = await ServedTiers.StartAsync();
        foreach (string key in (string[])["a/b/1", "a/b/2", "a/c", "z"]) await served.PutAsync(key);
        IPage page = await OpenAsync(served);
        await page.GetByRole(AriaRole.Link, new() { Name = "a/" }).ClickAsync();
        await Expect(page.Locator("#rows .key")).ToHaveTextAsync(["b/", "c"]);
        await page.GetByRole(AriaRole.Link, new() { Name = "b/" }).ClickAsync();
        await Expect(page.Locator("#rows .key")).ToHaveTextAsync(["1", "2"]);
        await Expect(page.GetByRole(AriaRole.Navigation, new() { Name = "Folder" }).GetByRole(AriaRole.Link)).ToHaveTextAsync(["main", "a", "b"]);
        await page.GoBackAsync();
        await Expect(page.Locator("#rows .key")).ToHaveTextAsync(["b/", "c"]);
        await page.GetByLabel("Store", new() { Exact = true }).SelectOptionAsync("plain");
        await Expect(page.Locator("#empty")).ToContainTextAsync("strata put photo.jpg plain/photo.jpg");
        await Expect(page.Locator("#empty")).ToContainTextAsync($"--endpoint-url {served.Server.Address.ToString().TrimEnd('/')}");
        Quiet();
    }

    [Fact]
    public async Task A_long_listing_is_shown_in_pages()
    {
        await using ServedTiers served = await ServedTiers.StartAsync();
        for (int i = 0; i < 120; i++) await served.PutAsync($"key-{i:000}");
        IPage page = await OpenAsync(served);
        await Expect(page.Locator("#rows tr")).ToHaveCountAsync(50);
        ILocator more = page.GetByRole(AriaRole.Button, new() { Name = "Show more" });
        await more.ClickAsync();
        await Expect(page.Locator("#rows tr")).ToHaveCountAsync(100);
        await Expect(page.Locator("#rows tr:nth-child(51) .key")).ToBeFocusedAsync();
        await more.ClickAsync();
        await Expect(page.Locator("#rows tr")).ToHaveCountAsync(120);
        await Expect(more).ToBeHiddenAsync();
        Assert.Equal(120, (await page.Locator("#rows .key").AllTextContentsAsync()).Distinct().Count());
        Quiet();
    }

    [Theory]
    [InlineData("<img src=x onerror=window.ran=1>")]
    [InlineData("<script>window.ran=1</script>")]
    [InlineData("\"><svg onload=window.ran=1>")]
    [InlineData("javascript:window.ran=1")]
    public async Task Markup_in_a_key_or_its_metadata_is_shown_as_text_and_runs_nothing(string key)
    {
        await using ServedTiers served = await ServedTiers.StartAsync();
        await served.PutAsync(key, options: new WriteOptions { ContentType = key, Metadata = new Dictionary<string, string> { [key] = key } });
        await served.ReadAsync(key);
        await served.HoldAsync(key, "hot");
        IPage page = await OpenAsync(served, "#/main/" + Uri.EscapeDataString(key[..^1]));

        await Expect(page.Locator("#rows .key")).ToHaveTextAsync([key[(key.LastIndexOf('/') + 1)..]]);
        await Expect(page.Locator("#moves .key").First).ToHaveTextAsync(key);
        await page.Locator("#rows .key").ClickAsync();
        await Expect(page.Locator("#details-title")).ToHaveTextAsync(key);
        await Expect(page.Locator(".terms").Last).ToContainTextAsync(key);
        Assert.Equal(0, await page.Locator("main img, main script, dialog img, dialog script, dialog svg, main a[href^='javascript']").CountAsync());
        Assert.Null(await page.EvaluateAsync<int?>("window.ran"));
        Quiet();
    }

    [Fact]
    public async Task The_download_link_leads_to_the_very_bytes()
    {
        await using ServedTiers served = await ServedTiers.StartAsync();
        const string Key = "ordner/ä b+c%2F?#&.txt";
        await served.PutAsync(Key, "the bytes");
        IPage page = await OpenAsync(served, "#/main/ordner/");
        await page.Locator("#rows .key").ClickAsync();
        ILocator link = page.GetByRole(AriaRole.Link, new() { Name = "Download" });
        IDownload download = await page.RunAndWaitForDownloadAsync(() => link.ClickAsync());
        using var reader = new StreamReader(await download.CreateReadStreamAsync());
        Assert.Equal("the bytes", await reader.ReadToEndAsync());
        Quiet();
    }

    [Fact]
    public async Task The_keyboard_alone_reaches_a_key_opens_it_and_comes_back()
    {
        await using ServedTiers served = await ServedTiers.StartAsync();
        foreach (string key in (string[])["notes/a.txt", "notes/b.txt"]) await served.PutAsync(key);
        IPage page = await OpenAsync(served);
        await Expect(page.Locator("#rows .key")).ToHaveTextAsync(["notes/"]);

        await page.Keyboard.PressAsync("Tab");
        await Expect(page.GetByText("Skip to the keys")).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByLabel("Prefix")).ToBeFocusedAsync();
        await ArrowDownToAsync(page, page.Locator("#rows .key").Last);
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#rows .key")).ToHaveTextAsync(["a.txt", "b.txt"]);
        await Expect(page.Locator("#rows .key").First).ToBeFocusedAsync();
        await ArrowDownToAsync(page, page.Locator("#rows .key").Last);
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#details-title")).ToHaveTextAsync("notes/b.txt");
        Assert.True(await page.EvaluateAsync<bool>("document.querySelector('dialog').contains(document.activeElement)"));
        await page.Keyboard.PressAsync("Escape");
        await Expect(page.GetByRole(AriaRole.Dialog)).ToBeHiddenAsync();
        await Expect(page.Locator("#rows .key").Last).ToBeFocusedAsync();
        Quiet();
    }

    /// <summary>Presses the arrow until the last row has the focus: a press while the rows are being drawn again moves nothing.</summary>
    private static async Task ArrowDownToAsync(IPage page, ILocator last)
    {
        for (int press = 0; press < 20; press++)
        {
            await page.Keyboard.PressAsync("ArrowDown");
            if (await last.EvaluateAsync<bool>("row => row === document.activeElement")) return;
        }

        await Expect(last).ToBeFocusedAsync();
    }

    [Fact]
    public async Task Says_when_the_connection_is_lost_and_finds_it_again()
    {
        ServedTiers served = await ServedTiers.StartAsync();
        int port = served.Server.Address.Port;
        IPage page = await OpenAsync(served);
        await Expect(page.Locator("#state")).ToHaveTextAsync("Live");
        await served.DisposeAsync();
        await Expect(page.Locator("#state")).ToContainTextAsync("lost");

        await using ServedTiers again = await ServedTiers.StartAsync(port);
        await again.PutAsync("new");
        await Expect(page.Locator("#state")).ToHaveTextAsync("Live");
        await Expect(Tier(page, "cold").Locator(".blobs")).ToHaveTextAsync("1 blob");
    }

    [Theory]
    [InlineData(ColorScheme.Light, 1280)]
    [InlineData(ColorScheme.Dark, 1280)]
    [InlineData(ColorScheme.Light, 400)]
    [InlineData(ColorScheme.Dark, 400)]
    public async Task Fits_the_window_and_is_legible_in_either_scheme(ColorScheme scheme, int width)
    {
        await using ServedTiers served = await ServedTiers.StartAsync();
        await served.PutAsync(string.Concat(Enumerable.Repeat("a-rather-long-segment/", 12)) + new string('x', 200));
        await served.PutAsync("short");
        IPage page = await OpenAsync(served, scheme: scheme, width: width);
        await page.Locator("#rows .tiers").ScrollIntoViewIfNeededAsync();
        await Expect(page.Locator("#rows .tiers .chip")).ToHaveTextAsync(["cold"]);

        Assert.Equal(scheme == ColorScheme.Dark, await page.EvaluateAsync<double>(Luminance, "backgroundColor") < 0.1);
        Assert.Equal(scheme == ColorScheme.Dark, await page.EvaluateAsync<double>(Luminance, "color") > 0.5);
        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), "The page scrolls sideways.");
        Quiet();
    }

    private const string Luminance = """
        property => {
          const [r, g, b] = getComputedStyle(document.body)[property].match(/[\d.]+/g).map(v => v / 255);
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        }
        """;

    private Task<IPage> OpenAsync(ServedTiers served, string fragment = "", ColorScheme scheme = ColorScheme.Light, int width = 1280) =>
        chromium.OpenAsync(new Uri(served.Server.Address, "/" + fragment), _complaints, scheme, width);

    private static ILocator Tier(IPage page, string tier) => page.GetByLabel("Store main").Locator($"[data-tier={tier}]");

    private static ILocator Figure(IPage page, string tier, string label) =>
        Tier(page, tier).Locator(".figures div").Filter(new() { HasText = label }).Locator("dd");

    private void Quiet() => Assert.Empty(_complaints);
}
