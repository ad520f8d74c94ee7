using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Strata.Server.Tests;

/// <summary>KV databases on the page: found, looked into, followed while they change, and changed with care.</summary>
public sealed class DatabasesOnPageTests(Chromium chromium) : IClassFixture<Chromium>, IAsyncLifetime
{
    private const string Hostile = "<img src=x onerror=window.ran=1>";
    private readonly List<string> _complaints = [];
    private RunningServer _running = null!;
    private Kv _app = null!;

    public async ValueTask InitializeAsync()
    {
        _running = await RunningServer.StartAsync();
        _app = await _running.DatabaseAsync("app");
    }

    public ValueTask DisposeAsync() => _running.DisposeAsync();

    [Fact]
    public async Task Databases_are_found_beside_the_blobs_and_one_is_looked_into()
    {
        await _running.DatabaseAsync("other");
        await _app.SetAsync(["users", "ann"], V8Value.OfObject(new KeyValuePair<string, V8Value>("name", V8Value.Of("Ann"))));
        Versionstamp last = await _app.SetAsync(["visits"], 7UL);
        var queue = new KvQueue(_app.Database, "mails");
        IPage page = await OpenAsync("");
        await Expect(page.GetByLabel("Store main")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Databases" }).ClickAsync();
        await Expect(page.GetByLabel("Store main")).ToBeHiddenAsync();
        await Expect(page.Locator(".database .key")).ToHaveTextAsync(["app", "other"]);
        await Expect(Figure(page, "app", "Entries")).ToHaveTextAsync("2");
        await Expect(Figure(page, "app", "Last commit")).ToHaveTextAsync(last.ToString());
        await Expect(page.Locator("#entries")).ToBeHiddenAsync();

        await page.GetByRole(AriaRole.Link, new() { Name = "app" }).ClickAsync();
        await Expect(Keys(page)).ToHaveTextAsync(["[\"users\",\"ann\"]", "[\"visits\"]"]);
        await Expect(page.Locator("#entry-rows .value")).ToHaveTextAsync(["{\"name\": \"Ann\"}", "7 u64"]);
        await Expect(page.Locator("#entry-rows .stamp").Last).ToHaveTextAsync(last.ToString());
        await Expect(page.Locator("#queues")).ToBeHiddenAsync();
        await queue.EnqueueAsync(KvValue.OfBytes(default));
        await Expect(page.Locator("#queues .chip")).ToHaveTextAsync("mails 1 waiting");

        // What is looked at is in the address: it survives being loaded again, and Back goes back.
        await page.ReloadAsync();
        await Expect(Keys(page)).ToHaveCountAsync(2);
        await page.GetByRole(AriaRole.Link, new() { Name = "Blobs" }).ClickAsync();
        await Expect(page.GetByLabel("Store main")).ToBeVisibleAsync();
        await page.GoBackAsync();
        await Expect(Keys(page)).ToHaveCountAsync(2);
        Assert.Empty(_complaints);
    }

    [Fact]
    public async Task Keys_are_found_by_the_array_that_they_begin_with()
    {
        foreach (KvKey key in (KvKey[])[["users", "ann"], ["users", "bob"], ["visits"], ["visits", 1.0]]) await _app.SetAsync(key, true);
        IPage page = await OpenAsync("#kv/app");
        await Expect(Keys(page)).ToHaveCountAsync(4);
        ILocator begins = page.GetByLabel("Keys that begin with");
        await begins.FillAsync("[\"users\"]");
        await Expect(Keys(page)).ToHaveTextAsync(["[\"users\",\"ann\"]", "[\"users\",\"bob\"]"]);
        await begins.FillAsync("[\"visits\"]");
        await Expect(Keys(page)).ToHaveTextAsync(["[\"visits\"]", "[\"visits\",1]"]);
        await page.ReloadAsync();
        await Expect(begins).ToHaveValueAsync("[\"visits\"]");
        await Expect(Keys(page)).ToHaveCountAsync(2);

        // Half an array asks for nothing; whoever insists is told in the server's words.
        await begins.FillAsync("[\"vis");
        await Expect(page.Locator("#begins-hint")).ToContainTextAsync("A JSON array");
        await Expect(Keys(page)).ToHaveCountAsync(2);
        Assert.Empty(_complaints);
        await begins.PressAsync("Enter");
        await Expect(page.Locator("#entries-failure")).ToContainTextAsync("A key is a JSON array");
        await begins.FillAsync("[\"none\"]");
        await Expect(page.Locator("#entries-empty")).ToContainTextAsync("No key begins with");
        await Expect(page.Locator("#entries-failure")).ToBeHiddenAsync();
    }

    [Fact]
    public async Task A_long_list_is_shown_in_pages()
    {
        for (int i = 0; i < 120; i++) await _app.SetAsync(["k", i], i);
        IPage page = await OpenAsync("#kv/app");
        await Expect(Keys(page)).ToHaveCountAsync(50);
        ILocator more = page.GetByRole(AriaRole.Button, new() { Name = "Show more" });
        await more.ClickAsync();
        await Expect(Keys(page)).ToHaveCountAsync(100);
        await Expect(Keys(page).Nth(50)).ToBeFocusedAsync();
        await more.ClickAsync();
        await Expect(Keys(page)).ToHaveCountAsync(120);
        await Expect(more).ToBeHiddenAsync();
        Assert.Equal(Enumerable.Range(0, 120).Select(i => $"[\"k\",{{\"int\":{i}}}]"), await Keys(page).AllTextContentsAsync());
        Assert.Empty(_complaints);
    }

    [Fact]
    public async Task What_others_write_is_noticed_and_the_entry_that_is_open_follows_it()
    {
        IPage page = await OpenAsync("#kv/app");
        await Expect(page.Locator("#entries-empty")).ToContainTextAsync("strata kv set --db app");
        await _app.SetAsync(["a"], "first");
        await Expect(Keys(page)).ToHaveTextAsync(["[\"a\"]"]);
        await Keys(page).First.ClickAsync();
        await Expect(Entry(page).Locator(".shown")).ToHaveTextAsync("\"first\"");
        await _app.SetAsync(["a"], "second");
        await Expect(Entry(page).Locator(".shown")).ToHaveTextAsync("\"second\"");
        await _app.DeleteAsync(["a"]);
        await Expect(Entry(page)).ToContainTextAsync("not there any more");
        await page.Keyboard.PressAsync("Escape");
        await Expect(page.Locator("#entries-refresh.changed")).ToBeVisibleAsync();
        await page.Locator("#entries-refresh").ClickAsync();
        await Expect(page.Locator("#entries-empty")).ToBeVisibleAsync();
        await Expect(page.Locator("#entries-refresh.changed")).ToBeHiddenAsync();
    }

    [Fact]
    public async Task An_entry_is_deleted_after_a_question_and_only_if_it_is_the_one_that_was_shown()
    {
        foreach (string key in (string[])["a", "b", "c"]) await _app.SetAsync([key], key);
        IPage page = await OpenAsync("#kv/app");
        await page.GetByRole(AriaRole.Button, new() { Name = "[\"b\"]" }).ClickAsync();
        ILocator delete = Entry(page).GetByRole(AriaRole.Button, new() { Name = "Delete…" });
        ILocator question = page.GetByRole(AriaRole.Dialog, new() { Name = "Delete this entry?" });
        await delete.ClickAsync();
        await Expect(question).ToContainTextAsync("[\"b\"]");
        await question.GetByRole(AriaRole.Button, new() { Name = "Keep it" }).ClickAsync();
        Assert.NotNull(await _app.GetAsync<string>(["b"]));

        // Nobody polls while the question is answered; somebody else writes.
        await page.RouteAsync("**/_strata/v1/databases", route => route.AbortAsync());
        await delete.ClickAsync();
        await _app.SetAsync(["b"], "somebody else's");
        await question.GetByRole(AriaRole.Button, new() { Name = "Delete it" }).ClickAsync();
        await Expect(Entry(page).Locator("#entry-failure")).ToContainTextAsync("changed meanwhile");
        await Expect(Entry(page).Locator(".shown")).ToHaveTextAsync("\"somebody else's\"");
        Assert.NotNull(await _app.GetAsync<string>(["b"]));
        await delete.ClickAsync();
        await question.GetByRole(AriaRole.Button, new() { Name = "Delete it" }).ClickAsync();
        await Expect(Entry(page)).ToBeHiddenAsync();
        await Expect(Keys(page)).ToHaveTextAsync(["[\"a\"]", "[\"c\"]"]);
        await Expect(Keys(page).Last).ToBeFocusedAsync();
        await Expect(page.Locator("#entries-count")).ToHaveTextAsync("2 entries");
        Assert.Null(await _app.GetAsync<string>(["b"]));
    }

    [Fact]
    public async Task What_this_page_deletes_is_no_news_to_it()
    {
        foreach (string key in (string[])["a", "b"]) await _app.SetAsync([key], key);
        IPage page = await OpenAsync("#kv/app");
        await Keys(page).First.ClickAsync();
        await Entry(page).GetByRole(AriaRole.Button, new() { Name = "Delete…" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Delete it" }).ClickAsync();
        await Expect(Keys(page)).ToHaveTextAsync(["[\"b\"]"]);
        await Expect(Figure(page, "app", "Entries")).ToHaveTextAsync("1");
        await Expect(page.Locator("#entries-refresh.changed")).ToBeHiddenAsync();
        await _app.SetAsync(["c"], "c");
        await Expect(page.Locator("#entries-refresh.changed")).ToBeVisibleAsync();
        Assert.Empty(_complaints);
    }

    [Fact]
    public async Task A_value_is_set_and_one_that_is_there_is_replaced_only_after_somebody_says_so()
    {
        IPage page = await OpenAsync("#kv/app");
        ILocator form = page.GetByRole(AriaRole.Dialog, new() { Name = "Set a value" });
        await page.GetByRole(AriaRole.Button, new() { Name = "Set a value…" }).ClickAsync();
        await form.GetByLabel("Key").FillAsync("[\"users\",{\"int\":1}]");
        await form.GetByLabel("Value").FillAsync("{\"name\": ");
        await form.GetByRole(AriaRole.Button, new() { Name = "Set", Exact = true }).ClickAsync();
        await Expect(form.Locator("#set-failure")).ToContainTextAsync("The value is no JSON");
        _complaints.Clear();
        await form.GetByLabel("Value").FillAsync("{\"name\": \"Ann\", \"age\": 40}");
        await form.GetByRole(AriaRole.Button, new() { Name = "Set", Exact = true }).ClickAsync();
        await Expect(form).ToBeHiddenAsync();
        await Expect(Entry(page).Locator(".shown")).ToHaveTextAsync("{\"name\": \"Ann\", \"age\": 40}");
        await Expect(Keys(page)).ToHaveTextAsync(["[\"users\",{\"int\":1}]"]);
        Assert.Equal(40, (await _app.GetAsync<V8Value>(["users", 1]))!.Value.Properties[1].Value.Number);

        // What it is now is offered to be changed.
        await Entry(page).GetByRole(AriaRole.Button, new() { Name = "Replace…" }).ClickAsync();
        ILocator replace = page.GetByRole(AriaRole.Dialog, new() { Name = "Replace the value", Exact = true });
        await Expect(replace.GetByLabel("Value")).ToHaveValueAsync("{\"name\": \"Ann\", \"age\": 40}");
        await replace.GetByLabel("Value").FillAsync("41");
        await replace.GetByRole(AriaRole.Button, new() { Name = "Set", Exact = true }).ClickAsync();
        await Expect(Entry(page).Locator(".shown")).ToHaveTextAsync("41");
        await page.Keyboard.PressAsync("Escape");

        await page.GetByRole(AriaRole.Button, new() { Name = "Set a value…" }).ClickAsync();
        await form.GetByLabel("Key").FillAsync("[\"users\",{\"int\":1}]");
        await form.GetByLabel("Value").FillAsync("42");
        await form.GetByRole(AriaRole.Button, new() { Name = "Set", Exact = true }).ClickAsync();
        ILocator question = page.Locator("#question");
        await Expect(question).ToContainTextAsync("has a value already");
        Assert.Equal(41, (await _app.GetAsync<double>(["users", 1]))!.Value);
        await question.GetByRole(AriaRole.Button, new() { Name = "Replace it" }).ClickAsync();
        await Expect(Entry(page).Locator(".shown")).ToHaveTextAsync("42");
        Assert.Equal(42, (await _app.GetAsync<double>(["users", 1]))!.Value);
    }

    [Fact]
    public async Task Markup_in_keys_and_values_and_queues_is_shown_as_text_and_runs_nothing()
    {
        await _app.SetAsync([Hostile], Hostile);
        await _app.SetAsync(["bytes", Hostile], "'; rm -rf $HOME; '" + new string('x', 70_000));
        await _app.Database.AtomicWriteAsync(new AtomicWrite { Mutations = [KvMutation.Set(KvKey.Of("text").Encoded, KvValue.OfBytes(System.Text.Encoding.UTF8.GetBytes(Hostile)))] }, CancellationToken.None);
        await new KvQueue(_app.Database, Hostile).EnqueueAsync(KvValue.OfBytes(default));
        IPage page = await OpenAsync("#kv/app");
        await Expect(Keys(page)).ToHaveTextAsync([$"[\"{Hostile}\"]", $"[\"bytes\",\"{Hostile}\"]", "[\"text\"]"]);
        await Expect(page.Locator("#entry-rows .value").Last).ToHaveTextAsync(Hostile);
        await Expect(page.Locator("#queues .chip")).ToContainTextAsync(Hostile);
        await Keys(page).First.ClickAsync();
        await Expect(page.Locator("#entry-title")).ToHaveTextAsync($"[\"{Hostile}\"]");
        await Expect(Entry(page).Locator(".shown")).ToHaveTextAsync($"\"{Hostile}\"");
        await Entry(page).GetByRole(AriaRole.Button, new() { Name = "Delete…" }).ClickAsync();
        await Expect(page.Locator("#question-text bdi")).ToHaveTextAsync($"[\"{Hostile}\"]");
        await page.Keyboard.PressAsync("Escape");
        await page.Keyboard.PressAsync("Escape");
        await page.GotoAsync(new Uri(_running.Server.Address, $"/#kv/app/{Uri.EscapeDataString($"[\"{Hostile}x\"]")}").ToString());
        await Expect(page.Locator("#entries-empty bdi")).ToHaveTextAsync($"[\"{Hostile}x\"]");
        await page.GotoAsync(new Uri(_running.Server.Address, $"/#kv/{Uri.EscapeDataString(Hostile)}").ToString());
        await Expect(page.Locator("#entries-failure")).ToContainTextAsync(Hostile);
        Assert.Equal(0, await page.Locator("main img, main script, dialog img, dialog script, main a[href^='javascript']").CountAsync());
        Assert.Null(await page.EvaluateAsync<int?>("window.ran"));
    }

    [Fact]
    public async Task A_command_that_is_offered_names_the_very_key_to_a_shell()
    {
        await _app.SetAsync(["it's", "$HOME `x`"], new string('x', 70_000));
        IPage page = await OpenAsync("#kv/app");
        await Expect(page.Locator("#entry-rows .value")).ToContainTextAsync("a large value (js), 68.4 KiB");
        await Keys(page).First.ClickAsync();
        await Expect(Entry(page)).ToContainTextAsync("This is the beginning of 68.4 KiB");
        await Expect(Entry(page).Locator(".command code")).ToHaveTextAsync("""strata kv get --db app '["it'\''s","$HOME `x`"]'""");
        Assert.Empty(_complaints);
    }

    [Fact]
    public async Task The_keyboard_alone_reaches_an_entry_opens_it_and_comes_back()
    {
        foreach (string key in (string[])["a", "b"]) await _app.SetAsync([key], key);
        IPage page = await OpenAsync("#kv/app");
        await Expect(Keys(page)).ToHaveCountAsync(2);
        await page.Keyboard.PressAsync("Tab");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByLabel("Keys that begin with")).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("ArrowDown");
        await page.Keyboard.PressAsync("ArrowDown");
        await Expect(Keys(page).Last).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(Entry(page).Locator(".shown")).ToHaveTextAsync("\"b\"");
        Assert.True(await page.EvaluateAsync<bool>("document.querySelector('#entry').contains(document.activeElement)"));
        await page.Keyboard.PressAsync("Escape");
        await Expect(Entry(page)).ToBeHiddenAsync();
        await Expect(Keys(page).Last).ToBeFocusedAsync();
        Assert.Empty(_complaints);
    }

    [Fact]
    public async Task Who_signs_out_leaves_nothing_of_a_database_behind()
    {
        const string Secret = "the-secret-of-the-admin";
        _running = await _running.RestartAsync(new StrataServerOptions { Access = new AccessKeyRing(new AccessKey { Id = "ADMIN", Secret = Secret, Grants = [AccessGrant.Everything] }) });
        _app = await _running.DatabaseAsync("ledger");
        await _app.SetAsync(["confidential"], "confidential");
        await new KvQueue(_app.Database, "confidential-queue").EnqueueAsync(KvValue.OfBytes(default));
        IPage page = await OpenAsync("#kv/ledger");
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Sign in" })).ToBeVisibleAsync();
        await Expect(page.Locator("#views")).ToBeHiddenAsync();
        await page.GetByLabel("Access key id").FillAsync("ADMIN");
        await page.GetByLabel("Secret").FillAsync(Secret);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Expect(Keys(page)).ToHaveTextAsync(["[\"confidential\"]"]);
        await Expect(page.Locator("#queues")).ToContainTextAsync("confidential-queue");
        await Keys(page).First.ClickAsync();
        await Expect(Entry(page).Locator(".shown")).ToHaveTextAsync("\"confidential\"");
        Assert.Empty(_complaints);

        // What the page had asked for just before may be refused by now, which its console tells.
        await page.EvaluateAsync("document.getElementById('sign-out').click()");
        await Expect(page.Locator("#sign-in")).ToBeVisibleAsync();
        await Expect(page.Locator("#sign-in-failure")).ToBeHiddenAsync();
        string left = await page.ContentAsync();
        Assert.DoesNotContain("confidential", left);
        Assert.DoesNotContain("ledger", left);
    }

    [Theory]
    [InlineData(ColorScheme.Light, 1280)]
    [InlineData(ColorScheme.Dark, 1280)]
    [InlineData(ColorScheme.Light, 400)]
    [InlineData(ColorScheme.Dark, 400)]
    public async Task Databases_fit_the_window_in_either_scheme(ColorScheme scheme, int width)
    {
        await _running.DatabaseAsync("a-database-with-a-name-that-is-rather-long-so-that-it-has-63-ch");
        await _app.SetAsync(["users", "ann"], V8Value.OfObject(new("name", V8Value.Of("Ann")), new("roles", V8Value.OfArray(V8Value.Of("admin"), V8Value.Of("author")))));
        await _app.SetAsync(["users", "bob", 42], new string('b', 3_000));
        await _app.SetAsync(["sessions", "9f2c41"], true, TimeSpan.FromHours(12));
        await _app.SetAsync([new string('k', 700)], new byte[40]);
        await _app.SetAsync(["photo"], new byte[300_000]);
        await _app.SetAsync(["visits"], 12_345UL);
        await _app.Database.AtomicWriteAsync(new AtomicWrite { Mutations = [KvMutation.Set(new byte[] { 3, 4 }, KvValue.OfBytes(new byte[] { 0, 1, 254, 255 }))] }, CancellationToken.None);
        await new KvQueue(_app.Database, "mails").EnqueueAsync(KvValue.OfBytes(default));
        IPage page = await OpenAsync("#kv/app", scheme, width);
        await Expect(Keys(page)).ToHaveCountAsync(7);
        await Expect(page.Locator("#queues .chip")).ToBeVisibleAsync();
        await Expect(page.Locator("#entry-rows .value").Filter(new() { HasText = "the beginning of" })).ToContainTextAsync("2.93 KiB");
        await Chromium.ShootAsync(page, $"databases-{scheme}-{width}");
        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), "The page scrolls sideways.");
        await page.GetByRole(AriaRole.Button, new() { Name = "[\"users\",\"ann\"]" }).ClickAsync();
        await Expect(Entry(page).Locator(".shown")).ToBeVisibleAsync();
        await Chromium.ShootAsync(page, $"entry-{scheme}-{width}");
        await Entry(page).GetByRole(AriaRole.Button, new() { Name = "Replace…" }).ClickAsync();
        await Chromium.ShootAsync(page, $"set-{scheme}-{width}");
        Assert.True(await page.EvaluateAsync<bool>("[...document.querySelectorAll('dialog[open]')].every(d => d.scrollWidth <= d.clientWidth)"), "A dialog scrolls sideways.");
        Assert.Empty(_complaints);
    }

    private Task<IPage> OpenAsync(string fragment, ColorScheme scheme = ColorScheme.Light, int width = 1280) =>
        chromium.OpenAsync(new Uri(_running.Server.Address, "/" + fragment), _complaints, scheme, width);

    private static ILocator Keys(IPage page) => page.Locator("#entry-rows .key");

    private static ILocator Entry(IPage page) => page.Locator("#entry");

    private static ILocator Figure(IPage page, string database, string label) =>
        page.Locator(".database").Filter(new() { Has = page.GetByRole(AriaRole.Link, new() { Name = database, Exact = true }) }).Locator("dl div").Filter(new() { HasText = label }).Locator("dd");
}
