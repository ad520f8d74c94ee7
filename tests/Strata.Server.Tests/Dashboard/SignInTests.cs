using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Strata.Server.Tests;

/// <summary>The page of a server that asks for credentials: it shows nothing of the stores to who has not signed in.</summary>
public sealed class SignInTests(Chromium chromium) : IClassFixture<Chromium>
{
    private const string AdminSecret = "the-secret-of-the-admin", ReaderSecret = "the-secret-of-a-reader";
    private readonly List<string> _complaints = [];

    private readonly AccessKeyRing _keys = new(
        new AccessKey { Id = "ADMIN", Secret = AdminSecret, Grants = [AccessGrant.Everything], Name = "Ann" },
        new AccessKey { Id = "READER", Secret = ReaderSecret, Grants = [new AccessGrant(AccessRights.Read, "main")] });

    [Fact]
    public async Task Who_signs_in_sees_the_stores_and_who_signs_out_leaves_nothing_behind()
    {
        await using ServedTiers served = await StartAsync();
        await served.PutAsync("confidential.txt");
        IPage page = await chromium.OpenAsync(served.Server.Address, _complaints);
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Sign in" })).ToBeVisibleAsync();
        await Expect(page.Locator("#key-id")).ToBeFocusedAsync();
        await Expect(page.Locator("#inside")).ToBeHiddenAsync();
        Assert.DoesNotContain("cold", await page.ContentAsync());

        await SignInAsync(page, "ADMIN", AdminSecret);
        await Expect(page.Locator("#state")).ToHaveTextAsync("Live");
        await Expect(page.Locator("#who-name")).ToHaveTextAsync("Ann");
        await Expect(page.Locator("#rows .key")).ToHaveTextAsync(["confidential.txt"]);
        await Expect(page.Locator("#outside")).ToBeHiddenAsync();
        Assert.DoesNotContain(AdminSecret, await page.EvaluateAsync<string>("document.cookie + document.querySelector('#key-secret').value + JSON.stringify({ ...localStorage, ...sessionStorage })"));

        // A page that is loaded again is still signed in.
        await page.ReloadAsync();
        await Expect(page.Locator("#rows .key")).ToHaveTextAsync(["confidential.txt"]);
        await page.Locator("#rows .key").ClickAsync();
        IDownload download = await page.RunAndWaitForDownloadAsync(() => page.GetByRole(AriaRole.Link, new() { Name = "Download" }).ClickAsync());
        Assert.Equal("confidential.txt", download.SuggestedFilename);
        await page.Keyboard.PressAsync("Escape");

        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await Expect(page.Locator("#sign-in")).ToBeVisibleAsync();
        await Expect(page.Locator("#sign-in-failure")).ToBeHiddenAsync();
        string left = await page.ContentAsync();
        Assert.DoesNotContain("confidential", left);
        Assert.DoesNotContain("cold", left);
        await page.ReloadAsync();
        await Expect(page.Locator("#sign-in")).ToBeVisibleAsync();
        Assert.Empty(_complaints);
    }

    [Theory]
    [InlineData("ADMIN", "wrong-wrong-wrong", "no access key of this id and secret")]
    [InlineData("nobody", AdminSecret, "no access key of this id and secret")]
    [InlineData("READER", ReaderSecret, "is no admin key")]
    public async Task A_refusal_is_told_in_words_and_can_be_mended(string id, string secret, string words)
    {
        await using ServedTiers served = await StartAsync();
        IPage page = await chromium.OpenAsync(served.Server.Address, _complaints);
        await SignInAsync(page, id, secret);
        await Expect(page.Locator("#sign-in-failure")).ToContainTextAsync(words);
        await Expect(page.Locator("#inside")).ToBeHiddenAsync();
        await Expect(page.Locator("#key-secret")).ToHaveValueAsync("");
        await Expect(page.Locator("#key-secret")).ToBeFocusedAsync();
        await SignInAsync(page, "ADMIN", AdminSecret);
        await Expect(page.Locator("#state")).ToHaveTextAsync("Live");
    }

    [Fact]
    public async Task A_key_that_is_revoked_brings_the_form_back_and_takes_what_was_shown_away()
    {
        await using ServedTiers served = await StartAsync();
        await served.PutAsync("confidential.txt");
        IPage page = await chromium.OpenAsync(served.Server.Address, _complaints);
        await SignInAsync(page, "ADMIN", AdminSecret);
        await Expect(page.Locator("#rows .key")).ToHaveTextAsync(["confidential.txt"]);
        Assert.True(_keys.Remove("ADMIN"));
        await Expect(page.Locator("#sign-in-failure")).ToContainTextAsync("signed out");
        await Expect(page.Locator("#inside")).ToBeHiddenAsync();
        Assert.DoesNotContain("confidential", await page.ContentAsync());
    }

    [Theory]
    [InlineData(ColorScheme.Light, 1280)]
    [InlineData(ColorScheme.Dark, 400)]
    public async Task The_form_fits_the_window_and_the_keyboard_alone_signs_in(ColorScheme scheme, int width)
    {
        await using ServedTiers served = await StartAsync();
        IPage page = await chromium.OpenAsync(served.Server.Address, _complaints, scheme, width);
        await Expect(page.Locator("#key-id")).ToBeFocusedAsync();
        await Chromium.ShootAsync(page, $"sign-in-{scheme}-{width}");
        await page.Keyboard.TypeAsync("ADMIN");
        await page.Keyboard.PressAsync("Tab");
        await page.Keyboard.TypeAsync(AdminSecret);
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#state")).ToHaveTextAsync("Live");
        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), "The page scrolls sideways.");
        Assert.Empty(_complaints);
    }

    private Task<ServedTiers> StartAsync() => ServedTiers.StartAsync(keys: _keys);

    private static async Task SignInAsync(IPage page, string id, string secret)
    {
        await page.GetByLabel("Access key id").FillAsync(id);
        await page.GetByLabel("Secret").FillAsync(secret);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
    }
}
