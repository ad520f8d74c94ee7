using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Strata.Server.Tests;

/// <summary>Where blobs are and why, on the page: seen, explained, and decided otherwise.</summary>
public sealed class TiersOnPageTests(Chromium chromium) : IClassFixture<Chromium>
{
    private const string Hostile = "<img src=x onerror=window.ran=1>";
    private readonly List<string> _complaints = [];

    [Fact]
    public async Task The_map_shows_what_each_tier_holds_and_follows_a_move()
    {
        await using ServedTiers served = await ServedTiers.StartAsync();
        await served.PutAsync("docs/a", new string('x', 2048));
        await served.PutAsync("docs/b", new string('x', 1024));
        IPage page = await OpenAsync(served, "");
        await page.GetByRole(AriaRole.Link, new() { Name = "Tiers" }).ClickAsync();
        await Expect(page.GetByLabel("Store main")).ToBeHiddenAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Placement in main" })).ToBeVisibleAsync();
        await Expect(Row(page, "cold")).ToContainTextAsync("KiB of 64.0 MiB");
        await Expect(Row(page, "hot").Locator("td").Nth(1)).ToHaveTextAsync("0");
        await Expect(page.Locator("#tier-runs")).ToContainTextAsync("none since the store was opened");
        await Expect(page.Locator("#tier-moves-empty")).ToBeVisibleAsync();

        ITiering tiering = TieringOf(served.Main);
        await tiering.PromoteAsync(BlobKey.Parse("docs/a"), "hot");
        await tiering.RunTieringAsync();
        await Expect(Row(page, "hot").Locator("td").Nth(1)).ToHaveTextAsync("1");
        Assert.InRange(await Row(page, "hot").Locator(".fill").First.EvaluateAsync<double>("bar => parseFloat(bar.style.width)"), 50, 80);
        await Expect(page.Locator("#tier-runs")).ToContainTextAsync("looked at");
        await Expect(page.Locator("#tier-runs .runs li")).ToHaveCountAsync(0);

        // The last is told apart; those before it are listed, as many as are kept.
        for (int i = 0; i < TieringStatus.MostRecent + 1; i++) await tiering.RunTieringAsync();
        await Expect(page.Locator("#tier-runs .runs li")).ToHaveCountAsync(TieringStatus.MostRecent - 1);

        // A store of one tier has nothing to move between, and is not offered; what is looked at is in the address.
        await Expect(page.Locator("#tiered-panel")).ToBeHiddenAsync();
        await page.ReloadAsync();
        await Expect(Row(page, "cold")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Blobs" }).ClickAsync();
        await Expect(page.GetByLabel("Store main")).ToBeVisibleAsync();
        await page.GoBackAsync();
        await Expect(Row(page, "cold")).ToBeVisibleAsync();
        await Chromium.ShootAsync(page, "tiers");
        Assert.Empty(_complaints);
    }

    [Fact]
    public async Task A_key_is_explained_promoted_pinned_and_demoted_by_the_keyboard()
    {
        await using ServedTiers served = await ServedTiers.StartAsync();
        await served.PutAsync("docs/a");
        ITiering tiering = TieringOf(served.Main);
        BlobKey key = BlobKey.Parse("docs/a");
        IPage page = await OpenAsync(served, "#tiers/main");
        ILocator result = page.GetByRole(AriaRole.Group, new() { Name = "Where it is, and why" });
        await page.GetByLabel("Key", new() { Exact = true }).FillAsync("docs/a");
        await page.Keyboard.PressAsync("Enter");
        await Expect(result.Locator(".holds strong")).ToHaveTextAsync(["cold"]);
        await Expect(result).ToContainTextAsync("Why");
        await Expect(Button(page, "Demote")).ToBeDisabledAsync();

        await Button(page, "Promote").FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#explain-done")).ToHaveTextAsync("It was moved.");
        await Expect(result.Locator(".holds strong")).ToHaveTextAsync(["warm", "cold"]);
        Assert.Equal("warm", await tiering.GetTierAsync(key));

        await page.GetByLabel("Tier", new() { Exact = true }).SelectOptionAsync("hot");
        await Button(page, "Pin").ClickAsync();
        await Expect(page.Locator("#explain-done")).ToContainTextAsync("Pinned to hot.");
        await Expect(result).ToContainTextAsync("pinned");
        Assert.Equal("hot", Assert.Single(tiering.GetPins()).Tier);
        await Expect(Button(page, "Promote")).ToBeDisabledAsync();
        await Button(page, "Unpin").ClickAsync();
        await Expect(Button(page, "Unpin")).ToBeHiddenAsync();
        Assert.Empty(tiering.GetPins());
        await Expect(result).ToBeFocusedAsync();

        await Button(page, "Demote").ClickAsync();
        await Expect(result.Locator(".holds strong").First).Not.ToHaveTextAsync("hot");
        await page.ReloadAsync();
        await Expect(page.GetByLabel("Key", new() { Exact = true })).ToHaveValueAsync("docs/a");
        await Expect(result).ToBeVisibleAsync();
        await Chromium.ShootAsync(page, "tiers-explained");
        Assert.Empty(_complaints);
    }

    [Fact]
    public async Task A_key_that_is_not_there_is_told_and_a_hostile_one_stays_text()
    {
        await using ServedTiers served = await ServedTiers.StartAsync();
        await served.PutAsync(Hostile);
        IPage page = await OpenAsync(served, "#tiers/main/none");
        await Expect(page.Locator("#explain-failure")).ToHaveTextAsync("There is no such blob.");
        await Expect(page.Locator("#explain-result")).ToBeHiddenAsync();
        Assert.All(_complaints, c => Assert.Contains("404", c));

        await page.GetByRole(AriaRole.Link, new() { Name = "Blobs" }).ClickAsync();
        await page.Locator("#rows .key").ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Why is it there?" }).ClickAsync();
        await Expect(page.Locator("#details")).ToBeHiddenAsync();
        await Expect(page.Locator("#explain-key")).ToHaveValueAsync(Hostile);
        await Expect(page.Locator("#explain-result")).ToBeVisibleAsync();
        Assert.Equal(0, await page.Locator("#tiers-view img").CountAsync());
        Assert.Null(await page.EvaluateAsync<int?>("window.ran"));
    }

    [Theory]
    [InlineData(1280, ColorScheme.Light)]
    [InlineData(400, ColorScheme.Dark)]
    public async Task Tens_of_stores_have_room_and_costs_are_shown_where_prices_are_set(int width, ColorScheme scheme)
    {
        var settings = new List<(string, string)>();
        for (int i = 0; i < 30; i++)
        {
            settings.Add(($"Strata:Stores:many{i:00}:Tiers:0:Name", "hot"));
            settings.Add(($"Strata:Stores:many{i:00}:Tiers:0:Url", "memory:"));
            settings.Add(($"Strata:Stores:many{i:00}:Tiers:1:Name", "cold"));
            settings.Add(($"Strata:Stores:many{i:00}:Tiers:1:Url", "memory:"));
        }

        settings.Add(("Strata:Stores:many07:Tiering:Prices:hot:PerGibMonth", "100000"));
        settings.Add(("Strata:Stores:many07:Tiering:Prices:cold:PerGibMonth", "20000"));
        await using RunningServer running = await RunningServer.StartAsync(null, null, [.. settings]);
        await running.StoreOf("many07").PutBytesAsync(BlobKey.Parse("a"), new byte[1 << 20]);
        IPage page = await chromium.OpenAsync(new Uri(running.Server.Address, "#tiers"), _complaints, scheme, width);
        await Expect(page.Locator(".placed")).ToHaveCountAsync(31);
        await page.GetByRole(AriaRole.Link, new() { Name = "many07" }).ClickAsync();
        await Expect(page.Locator("#placement-title")).ToHaveTextAsync("Placement in many07");
        await Expect(page.Locator("#placement-cost")).ToContainTextAsync("A month costs");
        await Expect(Row(page, "cold").Locator(".cost")).ToHaveTextAsync(new Regex(@"^19\.5\d$"));
        await page.GetByRole(AriaRole.Link, new() { Name = "main" }).ClickAsync();
        await Expect(page.Locator("#placement-title")).ToHaveTextAsync("Placement in main");
        await Expect(page.Locator("#placement-cost")).ToBeEmptyAsync();
        await Expect(Row(page, "cold").Locator(".cost")).ToBeHiddenAsync();
        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), "The page scrolls sideways.");
        await Chromium.ShootAsync(page, $"tiers-many-{width}");
        Assert.Empty(_complaints);
    }

    [Fact]
    public async Task Who_signs_out_leaves_nothing_of_the_tiers_behind()
    {
        var admin = new AccessKey { Id = "ADMIN", Secret = "the-secret-of-the-admin", Grants = [AccessGrant.Everything] };
        await using ServedTiers served = await ServedTiers.StartAsync(keys: new AccessKeyRing(admin));
        await served.PutAsync("confidential");
        IPage page = await OpenAsync(served, "#tiers/main/confidential");
        await page.GetByLabel("Access key id").FillAsync(admin.Id);
        await page.GetByLabel("Secret").FillAsync(admin.Secret);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Expect(page.Locator("#explain-result")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Sign in" })).ToBeVisibleAsync();
        await Expect(page.Locator("#views")).ToBeHiddenAsync();
        Assert.DoesNotContain("confidential", await page.ContentAsync());
        await Expect(page.Locator("#explain-key")).ToHaveValueAsync("");
    }

    private Task<IPage> OpenAsync(ServedTiers served, string hash) => chromium.OpenAsync(new Uri(served.Server.Address, hash), _complaints);

    private static ILocator Row(IPage page, string tier) => page.Locator($"#placement-body tr[data-tier={tier}]");

    private static ILocator Button(IPage page, string name) => page.Locator("#explain-result").GetByRole(AriaRole.Button, new() { Name = name, Exact = true });

    private static ITiering TieringOf(IBlobStore store) => store.TryGetFacet(out ITiering? tiering) ? tiering : throw new InvalidOperationException("The store has no tiers.");
}
