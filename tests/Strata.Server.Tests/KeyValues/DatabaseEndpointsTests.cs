using System.Buffers.Text;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>What the page asks of KV databases: bounded answers, exact keys, and no write but of what was meant.</summary>
public sealed class DatabaseEndpointsTests : IAsyncLifetime
{
    private const string Root = "/_strata/v1/databases";
    private RunningServer _running = null!;

    private HttpClient Http => _running.Http;

    public async ValueTask InitializeAsync() => _running = await RunningServer.StartAsync(null, null, ("Strata:Kv:broken", "file:/dev/null/none"), ("Strata:Kv:cache", "memory:"));

    public ValueTask DisposeAsync() => _running.DisposeAsync();

    [Fact]
    public async Task The_list_opens_nothing_and_tells_figures_of_what_is_open()
    {
        Kv app = await _running.DatabaseAsync("app");
        await app.SetAsync(["a"], "x");
        Versionstamp last = await app.SetAsync(["b"], "y");
        JsonElement[] before = await ListAsync();
        Assert.Equal(["app", "broken", "cache"], before.Select(d => d.GetProperty("name").GetString()));
        Assert.Equal(["disk", "disk", "memory"], before.Select(d => d.GetProperty("backend").GetString()));
        Assert.Equal(["Open", "Closed", "Closed"], before.Select(d => d.GetProperty("state").GetString()));
        JsonElement figures = before[0].GetProperty("figures");
        Assert.Equal((2, last.ToString()), (figures.GetProperty("entries").GetInt64(), figures.GetProperty("lastCommit").GetString()));
        Assert.True(figures.GetProperty("fileBytes").GetInt64() > 0);

        Assert.Equal(HttpStatusCode.OK, (await Http.GetAsync(Root + "/cache/entries")).StatusCode);
        using HttpResponseMessage refused = await Http.GetAsync(Root + "/broken/entries");
        Assert.True((int)refused.StatusCode >= 500, $"A database that cannot be opened gave {refused.StatusCode}");
        JsonElement[] after = await ListAsync();
        Assert.Equal(["Open", "Failed", "Open"], after.Select(d => d.GetProperty("state").GetString()));
        Assert.NotEmpty(after[1].GetProperty("fault").GetString()!);
        Assert.Equal(0, after[2].GetProperty("figures").GetProperty("entries").GetInt64());
    }

    [Fact]
    public async Task A_server_that_keeps_no_databases_says_so()
    {
        await using ServedTiers served = await ServedTiers.StartAsync();
        Assert.Equal(JsonValueKind.Null, (await served.GetAsync(Root)).GetProperty("databases").ValueKind);
    }

    [Theory]
    [InlineData("nothing")]
    [InlineData("..%2Fcold")]
    [InlineData("UPPER")]
    public async Task Asking_for_a_database_that_is_not_there_makes_none(string name)
    {
        foreach (string path in (string[])["queues", "entries", "entry?id=AmEA"]) Assert.Equal(HttpStatusCode.NotFound, (await Http.GetAsync($"{Root}/{name}/{path}")).StatusCode);
        using HttpResponseMessage set = await Http.PutAsJsonAsync($"{Root}/{name}/entry", new { key = "[1]", value = "1" });
        Assert.Equal(HttpStatusCode.NotFound, set.StatusCode);
        Assert.Equal(2, (await ListAsync()).Length);
        Assert.False(Directory.Exists(Path.Combine(_running.Folder, "kv", "nothing")), "a question made a database");
    }

    [Fact]
    public async Task Entries_are_in_the_order_of_their_keys_with_values_that_can_be_read()
    {
        Kv kv = await _running.DatabaseAsync("app");
        DateTimeOffset expires = new(2999, 1, 2, 3, 4, 5, TimeSpan.Zero);
        await kv.SetAsync(["users", 1], V8Value.OfObject(new("name", V8Value.Of("Änn")), new("tags", V8Value.OfArray(V8Value.Of("a")))));
        await kv.SetAsync(["users", "bob"], new string('b', 5_000), expires);
        await kv.SetAsync(["visits"], 7UL);
        await RawAsync(kv, [3, 1, 2], KvValue.OfBytes(new byte[] { 0, 1, 255 }));
        await RawAsync(kv, KvKey.Of("json").Encoded.ToArray(), KvValue.OfBytes(Encoding.UTF8.GetBytes("{\"a\":\"\u202eb\"}")));
        await kv.SetAsync(["large"], new byte[200_000]);
        await new KvQueue(kv.Database, "mails").EnqueueAsync(KvValue.OfBytes(new byte[3]));

        JsonElement[] entries = (await EntriesAsync("")).Entries;
        Assert.Equal(["[\"json\"]", "[\"large\"]", "[\"users\",\"bob\"]", "[\"users\",{\"int\":1}]", "[\"visits\"]", "0x030102"], entries.Select(e => e.GetProperty("key").GetString()));
        Assert.Equal(["text", "bytes", "js", "js", "u64", "bytes"], entries.Select(e => e.GetProperty("form").GetString()));
        Assert.Equal("{\"a\":\"\\u202eb\"}", entries[0].GetProperty("text").GetString());
        Assert.Null(entries[1].GetProperty("text").GetString());
        Assert.Equal(200_000, entries[1].GetProperty("length").GetInt64());
        Assert.Equal((DatabaseEndpoints.ListedChars, true, expires), (entries[2].GetProperty("text").GetString()!.Length, entries[2].GetProperty("isCut").GetBoolean(), entries[2].GetProperty("expires").GetDateTimeOffset()));
        Assert.Equal("{\"name\": \"Änn\", \"tags\": [\"a\"]}", entries[3].GetProperty("text").GetString());
        Assert.Equal(["7", "0001ff"], entries[4..].Select(e => e.GetProperty("text").GetString()));

        // By itself it is shown whole, a large one too.
        JsonElement large = await Http.GetFromJsonAsync<JsonElement>($"{Root}/app/entry?id={entries[1].GetProperty("id")}");
        Assert.Equal(new string('0', DatabaseEndpoints.ShownChars), large.GetProperty("text").GetString());
        JsonElement bob = await Http.GetFromJsonAsync<JsonElement>($"{Root}/app/entry?id={entries[2].GetProperty("id")}");
        Assert.Equal(5_002, bob.GetProperty("text").GetString()!.Length);
        Assert.Equal(HttpStatusCode.NotFound, (await Http.GetAsync($"{Root}/app/entry?id=AmEA")).StatusCode);
    }

    [Fact]
    public async Task A_prefix_means_the_key_itself_and_those_below_it()
    {
        Kv kv = await _running.DatabaseAsync("app");
        foreach (KvKey key in (KvKey[])[["a"], ["a", 1], ["a", "b", "c"], ["a\0"], ["ab"], ["b"]]) await kv.SetAsync(key, true);
        Assert.Equal(["[\"a\"]", "[\"a\",\"b\",\"c\"]", "[\"a\",{\"int\":1}]"], (await EntriesAsync("?prefix=" + Uri.EscapeDataString("[\"a\"]"))).Keys);
        Assert.Equal(6, (await EntriesAsync("?prefix=" + Uri.EscapeDataString("[]"))).Keys.Length);
        Assert.Empty((await EntriesAsync("?prefix=" + Uri.EscapeDataString("[\"c\"]"))).Keys);
    }

    [Fact]
    public async Task Pages_follow_one_another_though_entries_come_and_go_between_them()
    {
        Kv kv = await _running.DatabaseAsync("app");
        for (int i = 0; i < 25; i++) await kv.SetAsync(["k", i], i);
        List<string> seen = [];
        string? next = null;
        do
        {
            (JsonElement[] entries, string[] keys, next) = await EntriesAsync($"?limit=10&prefix={Uri.EscapeDataString("[\"k\"]")}&after={next}");
            seen.AddRange(keys);
            Assert.True(entries.Length is 10 or 5);

            // The page goes on after a key, whether it is still there or not.
            await kv.DeleteAsync(KvKey.Parse(keys[^1]));
        }
        while (next is not null);
        Assert.Equal(Enumerable.Range(0, 25).Select(i => $"[\"k\",{{\"int\":{i}}}]"), seen);
    }

    [Fact]
    public async Task A_value_is_set_where_there_is_none_and_replaced_where_it_is_the_one_that_was_seen()
    {
        Kv kv = await _running.DatabaseAsync("app");
        JsonElement set = await SetAsync("[\"a\",1.5]", """{"big": 12345678901234567890, "text": "ä\ud83d\ude00"}""", null, HttpStatusCode.OK);
        string first = set.GetProperty("versionstamp").GetString()!;
        Assert.Equal(first, set.GetProperty("entry").GetProperty("versionstamp").GetString());
        V8Value value = (await kv.GetAsync<V8Value>(["a", 1.5]))!.Value;
        Assert.Equal(("ä😀", 12345678901234567890d), (value.Properties[1].Value.Text, value.Properties[0].Value.Number));

        JsonElement refused = await SetAsync("[\"a\",1.5]", "2", null, HttpStatusCode.PreconditionFailed);
        Assert.Equal((null, first), (refused.GetProperty("versionstamp").GetString(), refused.GetProperty("entry").GetProperty("versionstamp").GetString()));
        await SetAsync("[\"a\",1.5]", "2", "00000000000000990000", HttpStatusCode.PreconditionFailed);
        await SetAsync("[\"a\",1.5]", "2", first, HttpStatusCode.OK);
        Assert.Equal(2, (await kv.GetAsync<double>(["a", 1.5]))!.Value);
        JsonElement gone = await SetAsync("[\"none\"]", "2", first, HttpStatusCode.PreconditionFailed);
        Assert.Equal(JsonValueKind.Null, gone.GetProperty("entry").ValueKind);

        // What does not fit into one entry is split, as everywhere.
        await SetAsync("[\"long\"]", $"\"{new string('x', 500_000)}\"", null, HttpStatusCode.OK);
        Assert.Equal(500_000, (await kv.GetAsync<string>(["long"]))!.Value.Length);
        Assert.Contains("1048576", (await SetAsync("[\"longer\"]", $"\"{new string('x', 1 << 20)}\"", null, HttpStatusCode.BadRequest)).GetProperty("message").GetString(), StringComparison.Ordinal);
        await SetAsync("[\"longest\"]", $"\"{new string('x', 8 << 20)}\"", null, HttpStatusCode.RequestEntityTooLarge);
    }

    [Fact]
    public async Task A_delete_takes_the_entry_that_was_seen_and_no_other()
    {
        Kv kv = await _running.DatabaseAsync("app");
        Versionstamp seen = await kv.SetAsync(["a"], new byte[300_000]);
        Versionstamp now = await kv.SetAsync(["a"], "somebody else's");
        string id = Base64Url.EncodeToString(KvKey.Of("a").Encoded.Span);
        using HttpResponseMessage refused = await Http.DeleteAsync($"{Root}/app/entry?id={id}&versionstamp={seen}");
        Assert.Equal(HttpStatusCode.PreconditionFailed, refused.StatusCode);
        Assert.Equal(now.ToString(), (await refused.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("entry").GetProperty("versionstamp").GetString());
        Assert.NotNull(await kv.GetAsync<string>(["a"]));
        using HttpResponseMessage deleted = await Http.DeleteAsync($"{Root}/app/entry?id={id}&versionstamp={now}");
        Assert.Equal(HttpStatusCode.OK, deleted.StatusCode);
        Assert.Null(await kv.GetAsync<string>(["a"]));

        // The chunks of a large value go with it, and keys that are no tuples can be deleted, too.
        Versionstamp large = await kv.SetAsync(["a"], new byte[300_000]);
        using HttpResponseMessage chunked = await Http.DeleteAsync($"{Root}/app/entry?id={id}&versionstamp={large}");
        Assert.Equal(HttpStatusCode.OK, chunked.StatusCode);
        Assert.Empty((await kv.Database.SnapshotReadAsync([new ReadRange(new byte[] { 0xFF, (byte)'L', (byte)'c' }, new byte[] { 0xFF, (byte)'L', (byte)'d' }, 10)], null, default))[0].Entries);
        Versionstamp odd = await RawAsync(kv, [3], KvValue.OfBytes(new byte[1]));
        using HttpResponseMessage untupled = await Http.DeleteAsync($"{Root}/app/entry?id=Aw&versionstamp={odd}");
        Assert.Equal(HttpStatusCode.OK, untupled.StatusCode);
    }

    [Fact]
    public async Task Queues_are_told_with_what_waits_in_them_and_what_was_given_up()
    {
        Kv kv = await _running.DatabaseAsync("app");
        var mails = new KvQueue(kv.Database, "mails");
        for (int i = 0; i < 3; i++) await mails.EnqueueAsync(KvValue.OfBytes(new byte[1]), new EnqueueOptions { Backoff = [] });
        await new KvQueue(kv.Database).EnqueueAsync(KvValue.OfBytes(new byte[1]));
        using var stop = new CancellationTokenSource();
        Task listening = mails.ListenAsync(
            async (_, _) =>
            {
                await stop.CancelAsync();
                throw new InvalidOperationException("refused");
            },
            new QueueListenOptions { Concurrency = 1 },
            stop.Token);
        await listening;
        JsonElement[] queues = [.. (await Http.GetFromJsonAsync<JsonElement>(Root + "/app/queues")).GetProperty("queues").EnumerateArray()];
        Assert.Equal([("", 1, 0), ("mails", 2, 1)], queues.Select(q => (q.GetProperty("name").GetString()!, q.GetProperty("messages").GetInt32(), q.GetProperty("deadLetters").GetInt32())));
    }

    [Theory]
    [InlineData("entries?prefix=users", "JSON array")]
    [InlineData("entries?prefix=%5B%22a%22%5D&prefix=%5B%22b%22%5D", "only once")]
    [InlineData("entries?prefix=%5B%22a%22%5D&after=AmIA", "no key of this list")]
    [InlineData("entries?after=_3E", "no key of this list")]
    [InlineData("entries?after=!!!", "no entry's id")]
    [InlineData("entries?limit=0", "from 1 to 200")]
    [InlineData("entries?limit=201", "from 1 to 200")]
    [InlineData("entry", "'id'")]
    [InlineData("entry?id=_3E", "reserved")]
    public async Task What_is_asked_wrongly_is_refused_with_the_reason(string question, string reason)
    {
        await _running.DatabaseAsync("app");
        using HttpResponseMessage response = await Http.GetAsync($"{Root}/app/{question}");
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(reason, (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[]", "1", null, "at least one part")]
    [InlineData("users", "1", null, "JSON array")]
    [InlineData("[1]", "nothing", null, "no JSON")]
    [InlineData("[1]", "\"\\ud800\"", null, "no JSON")]
    [InlineData("[1]", "1 2", null, "no JSON")]
    [InlineData("[1]", "1", "17", "20 hexadecimal digits")]
    public async Task What_cannot_be_set_is_refused_with_the_reason(string key, string value, string? versionstamp, string reason)
    {
        Kv kv = await _running.DatabaseAsync("app");
        JsonElement refused = await SetAsync(key, value, versionstamp, HttpStatusCode.BadRequest);
        Assert.Contains(reason, refused.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal(0, await kv.CountAsync(KvSelector.All));
    }

    [Fact]
    public async Task One_value_that_cannot_be_read_hides_no_other()
    {
        Kv kv = await _running.DatabaseAsync("app");
        byte[] manifest = [0xFF, (byte)'S', (byte)'T', (byte)'R', (byte)'L', (byte)'V', 0x0D, 0x0A, 1, 9];
        await RawAsync(kv, KvKey.Of("a").Encoded.ToArray(), KvValue.OfBytes(manifest));
        await RawAsync(kv, KvKey.Of("b").Encoded.ToArray(), new KvValue(new byte[] { 9, 9, 9 }, KvEncoding.V8));
        await kv.SetAsync(["c"], "sound");
        JsonElement[] entries = (await EntriesAsync("")).Entries;
        Assert.Equal(("damaged", "js", "\"sound\""), (entries[0].GetProperty("form").GetString(), entries[1].GetProperty("form").GetString(), entries[2].GetProperty("text").GetString()));
        Assert.Contains("not known here", entries[1].GetProperty("text").GetString(), StringComparison.Ordinal);
        foreach (JsonElement entry in entries) Assert.Equal(HttpStatusCode.OK, (await Http.GetAsync($"{Root}/app/entry?id={entry.GetProperty("id")}")).StatusCode);
    }

    private static async Task<Versionstamp> RawAsync(Kv kv, byte[] key, KvValue value) =>
        (await kv.Database.AtomicWriteAsync(new AtomicWrite { Mutations = [KvMutation.Set(key, value)] }, CancellationToken.None)).Versionstamp;

    private async Task<JsonElement[]> ListAsync() => [.. (await Http.GetFromJsonAsync<JsonElement>(Root)).GetProperty("databases").EnumerateArray()];

    private async Task<(JsonElement[] Entries, string[] Keys, string? Next)> EntriesAsync(string query)
    {
        JsonElement page = await Http.GetFromJsonAsync<JsonElement>($"{Root}/app/entries{query}");
        JsonElement[] entries = [.. page.GetProperty("entries").EnumerateArray()];
        return (entries, [.. entries.Select(e => e.GetProperty("key").GetString()!)], page.GetProperty("next").GetString());
    }

    private async Task<JsonElement> SetAsync(string key, string value, string? versionstamp, HttpStatusCode expected)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, Root + "/app/entry") { Content = JsonContent.Create(new { key, value, versionstamp }) };

        // What is refused for its length is refused before it is sent.
        request.Headers.ExpectContinue = true;
        await request.Content.LoadIntoBufferAsync();
        using HttpResponseMessage response = await Http.SendAsync(request);
        Assert.Equal(expected, response.StatusCode);
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }
}
