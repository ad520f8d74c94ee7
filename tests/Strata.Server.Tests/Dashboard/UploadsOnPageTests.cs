using System.Net;
using System.Text.Json;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Strata.Server.Tests;

/// <summary>Uploads in parts that clients have begun: seen while they grow, and ended from the page.</summary>
public sealed class UploadsOnPageTests(Chromium chromium) : IClassFixture<Chromium>
{
    private static readonly BlobKey Key = BlobKey.Parse("videos/long.mp4");
    private readonly List<string> _complaints = [];

    [Fact]
    public async Task An_upload_appears_grows_and_is_aborted_after_a_question()
    {
        await using ServedTiers served = await ServedTiers.StartAsync();
        IPage page = await chromium.OpenAsync(served.Server.Address, _complaints);
        await Expect(page.Locator("#state")).ToHaveTextAsync("Live");
        await Expect(page.Locator("#uploads")).ToBeHiddenAsync();

        MultipartUpload upload = await served.Uploads.CreateAsync(Key);
        await Expect(page.Locator(".upload")).ToContainTextAsync("0 parts");
        await WritePartAsync(served, upload, 1, 3 << 20);
        await WritePartAsync(served, upload, 2, 1 << 20);
        await Expect(page.Locator(".upload")).ToContainTextAsync("2 parts · 4.00 MiB");
        await Expect(page.Locator(".upload-key")).ToContainTextAsync("videos/long.mp4 in main");

        ILocator abort = page.GetByRole(AriaRole.Button, new() { Name = "Abort the upload of videos/long.mp4" });
        await abort.ClickAsync();
        ILocator question = page.GetByRole(AriaRole.Dialog, new() { Name = "Abort this upload?" });
        await Expect(question).ToContainTextAsync("2 parts of 4.00 MiB");
        await question.GetByRole(AriaRole.Button, new() { Name = "Keep it" }).ClickAsync();
        await Expect(question).ToBeHiddenAsync();
        Assert.NotNull(await served.Uploads.FindAsync(Key, upload.Id));

        await abort.FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await question.GetByRole(AriaRole.Button, new() { Name = "Abort the upload" }).ClickAsync();
        await Expect(page.Locator("#uploads")).ToBeHiddenAsync();
        Assert.Null(await served.Uploads.FindAsync(Key, upload.Id));
        Assert.Empty(_complaints);
    }

    [Fact]
    public async Task An_upload_that_is_completed_elsewhere_goes_by_itself_and_a_hostile_key_stays_text()
    {
        await using ServedTiers served = await ServedTiers.StartAsync();
        const string Hostile = "<img src=x onerror=window.ran=1>";
        MultipartUpload upload = await served.Uploads.CreateAsync(BlobKey.Parse(Hostile));
        await WritePartAsync(served, upload, 1, 100);
        IPage page = await chromium.OpenAsync(served.Server.Address, _complaints, width: 400);
        await Expect(page.Locator(".upload-key bdi")).ToHaveTextAsync(Hostile);
        await page.Locator(".upload button").ClickAsync();
        await Expect(page.Locator("#question-text bdi")).ToHaveTextAsync(Hostile);
        await page.Keyboard.PressAsync("Escape");
        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), "The page scrolls sideways.");

        IReadOnlyList<UploadedPart>? parts = await served.Uploads.ListPartsAsync(upload.Key, upload.Id);
        await served.Uploads.CompleteAsync(upload.Key, upload.Id, [.. parts!.Select(p => new PartReference(p.Number, p.ETag))]);
        await Expect(page.Locator("#uploads")).ToBeHiddenAsync();
        Assert.Null(await page.EvaluateAsync<int?>("window.ran"));
        Assert.Empty(_complaints);
    }

    [Fact]
    public async Task The_endpoint_lists_ends_and_says_what_is_wrong()
    {
        await using ServedTiers served = await ServedTiers.StartAsync();
        MultipartUpload upload = await served.Uploads.CreateAsync(Key);
        JsonElement one = (await served.GetAsync("/_strata/v1/stores/main/uploads")).GetProperty("uploads")[0];
        Assert.Equal((Key.Value, upload.Id, 0), (one.GetProperty("key").GetString(), one.GetProperty("id").GetString(), one.GetProperty("parts").GetInt32()));
        Assert.Equal(0, (await served.GetAsync("/_strata/v1/stores/plain/uploads")).GetProperty("uploads").GetArrayLength());

        string path = $"/_strata/v1/stores/main/uploads?key={Uri.EscapeDataString(Key.Value)}";
        Assert.Equal(HttpStatusCode.BadRequest, await DeleteAsync(path));
        Assert.Equal(HttpStatusCode.BadRequest, await DeleteAsync("/_strata/v1/stores/main/uploads?id=x"));
        Assert.Equal(HttpStatusCode.NotFound, await DeleteAsync($"{path}&id=another"));
        Assert.Equal(HttpStatusCode.NotFound, await DeleteAsync("/_strata/v1/stores/none/uploads?key=k&id=x"));
        Assert.Equal(HttpStatusCode.NoContent, await DeleteAsync($"{path}&id={upload.Id}"));
        Assert.Equal(HttpStatusCode.NotFound, await DeleteAsync($"{path}&id={upload.Id}"));

        for (int n = 0; n <= UploadEndpoints.MaxListed; n++) await served.Uploads.CreateAsync(Key);
        JsonElement many = await served.GetAsync("/_strata/v1/stores/main/uploads");
        Assert.Equal((UploadEndpoints.MaxListed, true), (many.GetProperty("uploads").GetArrayLength(), many.GetProperty("more").GetBoolean()));

        async Task<HttpStatusCode> DeleteAsync(string uri)
        {
            using HttpResponseMessage answer = await served.Http.DeleteAsync(uri);
            return answer.StatusCode;
        }
    }

    private static async Task WritePartAsync(ServedTiers served, MultipartUpload upload, int number, int length)
    {
        await using IBlobWriter? part = await served.Uploads.OpenPartAsync(upload.Key, upload.Id, number);
        await part!.WriteAsync(new byte[length], CancellationToken.None);
        await part.CommitAsync(null, CancellationToken.None);
    }
}
