using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Strata.KvConnect;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>KV Connect over HTTP/1.1: who is let in, what is told, and our client against our server.</summary>
public sealed class KvConnectTests : IAsyncLifetime
{
    private const string Secret = "a-token-of-app-1", Second = "a-token-of-app-2", Everything = "a-token-of-everything";
    private RunningServer _running = null!;

    public async ValueTask InitializeAsync() => _running = await RunningServer.StartAsync(new StrataServerOptions
    {
        Listen = "127.0.0.1:0",
        KvTokens = [new KvToken(Secret, "app"), new KvToken(Second, "app"), new KvToken(Everything)],
    });

    public ValueTask DisposeAsync() => _running.DisposeAsync();

    [Theory]
    [InlineData("app", Secret, HttpStatusCode.OK)]
    [InlineData("app", Second, HttpStatusCode.OK)]
    [InlineData("app", Everything, HttpStatusCode.OK)]
    [InlineData("other", Everything, HttpStatusCode.OK)]
    [InlineData("other", Secret, HttpStatusCode.Unauthorized)]
    [InlineData("app", "wrong", HttpStatusCode.Unauthorized)]
    [InlineData("app", null, HttpStatusCode.Unauthorized)]
    public async Task A_token_opens_its_database_and_no_other(string database, string? token, HttpStatusCode expected)
    {
        foreach (string call in (string[])["", "/snapshot_read", "/atomic_write", "/watch"])
        {
            using HttpResponseMessage response = await PostAsync($"/_kv/{database}{call}", token, "{}", call.Length == 0 ? [] : [("x-denokv-version", "9")]);
            Assert.Equal(call.Length > 0 && expected == HttpStatusCode.OK ? HttpStatusCode.BadRequest : expected, response.StatusCode);
            if (call.Length > 0 || expected != HttpStatusCode.OK) Assert.DoesNotContain("a-token", await TextOf(response), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_metadata_has_what_clients_demand_and_nothing_else()
    {
        string? id = null;
        foreach ((string versions, int expected) in ((string, int)[])[("[1,2,3]", 3), ("[2]", 2), ("[1]", 1), ("[3,4,99]", 3)])
        {
            using HttpResponseMessage response = await PostAsync("/_kv/app", Secret, $"{{\"supportedVersions\":{versions}}}");
            Assert.Equal("application/json", response.Content.Headers.ContentType?.ToString());
            JsonElement json = JsonDocument.Parse(await TextOf(response)).RootElement;
            Assert.Equal(["version", "databaseId", "endpoints", "token", "expiresAt"], json.EnumerateObject().Select(p => p.Name));
            Assert.Equal(expected, json.GetProperty("version").GetInt32());
            string now = json.GetProperty("databaseId").GetString()!;
            Assert.Equal(id ?? now, now);
            id = now;
            Assert.Equal(now, Guid.Parse(now).ToString());
            Assert.EndsWith("Z", json.GetProperty("expiresAt").GetString(), StringComparison.Ordinal);
            string url = Assert.Single(json.GetProperty("endpoints").EnumerateArray()).GetProperty("url").GetString()!;
            Assert.False(url.EndsWith('/'));
            Assert.Equal(expected == 1, url.StartsWith("http://", StringComparison.Ordinal));
        }

        using HttpResponseMessage none = await PostAsync("/_kv/app", Secret, "{\"supportedVersions\":[17]}");
        Assert.Equal(HttpStatusCode.BadRequest, none.StatusCode);
        using HttpResponseMessage broken = await PostAsync("/_kv/app", Secret, "{nope");
        Assert.Equal(HttpStatusCode.BadRequest, broken.StatusCode);
    }

    [Fact]
    public async Task Our_client_reads_writes_checks_and_watches()
    {
        await using KvConnectDatabase database = await OpenAsync();
        byte[] a = [2, 97, 0], b = [2, 98, 0];
        CommitResult first = await database.AtomicWriteAsync(new AtomicWrite { Mutations = [KvMutation.Set(a, KvValue.OfUInt64(7)), KvMutation.Set(b, KvValue.OfBytes(new byte[60_000]), TimeProvider.System.GetUtcNow().AddHours(1))] }, Token);
        Assert.True(first.IsCommitted);
        IReadOnlyList<KvRange> read = await database.SnapshotReadAsync([ReadRange.Of(a), new ReadRange(new byte[] { 2 }, new byte[] { 3 }, 10, Reverse: true, KeysOnly: true)], null, Token);
        Assert.Equal(7UL, read[0].Entries[0].Value.TryGetUInt64(out ulong number) ? number : 0);
        Assert.Equal(first.Versionstamp, read[0].Entries[0].Versionstamp);
        Assert.Equal([b, a], read[1].Entries.Select(e => e.Key.ToArray()));
        Assert.All(read[1].Entries, e => Assert.True(e.Value.Data.IsEmpty));
        Assert.NotNull(read[1].Entries[0].Expires);

        var stale = new AtomicWrite { Checks = [new KvCheck(b, first.Versionstamp), new KvCheck(a, new Versionstamp(1, 1))], Mutations = [KvMutation.Delete(a)] };
        Assert.Equal([1], (await database.AtomicWriteAsync(stale, Token)).FailedChecks);

        await using IAsyncEnumerator<WatchUpdate> watch = database.WatchAsync([a, new byte[] { 2, 99, 0 }], Token).GetAsyncEnumerator(Token);
        Assert.True(await watch.MoveNextAsync());
        Assert.Null(watch.Current.Entries[1]);
        CommitResult sum = await database.AtomicWriteAsync(new AtomicWrite { Mutations = [KvMutation.Sum(a, 5)] }, Token);
        Assert.True(await watch.MoveNextAsync());
        Assert.Equal(sum.Versionstamp, watch.Current.Entries[0]?.Versionstamp);
        Assert.True(sum.Versionstamp > first.Versionstamp);
    }

    [Fact]
    public async Task A_client_goes_on_after_the_server_was_started_anew()
    {
        // The address stays: a client is not told of another one.
        await using KvConnectDatabase database = await OpenAsync();
        byte[] key = [2, 97, 0];
        CommitResult before = await database.AtomicWriteAsync(new AtomicWrite { Mutations = [KvMutation.Set(key, KvValue.OfUInt64(1))] }, Token);
        await using IAsyncEnumerator<WatchUpdate> watch = database.WatchAsync([key], Token).GetAsyncEnumerator(Token);
        Assert.True(await watch.MoveNextAsync());
        _running = await _running.RestartInPlaceAsync(new StrataServerOptions { KvTokens = [new KvToken(Secret, "app")] });
        Assert.Equal(before.Versionstamp, (await database.SnapshotReadAsync([ReadRange.Of(key)], null, Token))[0].Entries[0].Versionstamp);
        CommitResult after = await database.AtomicWriteAsync(new AtomicWrite { Checks = [new KvCheck(key, before.Versionstamp)], Mutations = [KvMutation.Sum(key, 1)] }, Token);
        Assert.True(after.Versionstamp > before.Versionstamp);
        Assert.True(await watch.MoveNextAsync());
        Assert.Equal(after.Versionstamp, watch.Current.Entries[0]?.Versionstamp);
    }

    [Fact]
    public async Task What_is_no_message_or_beyond_the_limits_is_refused_for_good()
    {
        string id = JsonDocument.Parse(await TextOf(await PostAsync("/_kv/app", Secret, "{}"))).RootElement.GetProperty("databaseId").GetString()!;
        (string, string)[] headers = [("x-denokv-version", "3"), ("x-denokv-database-id", id)];
        byte[] noMessage = [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], noRoom = new byte[5 << 20];
        foreach (string call in (string[])["snapshot_read", "atomic_write", "watch"])
        {
            Assert.Equal(HttpStatusCode.BadRequest, (await PostAsync("/_kv/app/" + call, Secret, noMessage, headers)).StatusCode);
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await PostAsync("/_kv/app/" + call, Secret, noRoom, headers)).StatusCode);
            Assert.Equal(HttpStatusCode.BadRequest, (await PostAsync("/_kv/app/" + call, Secret, [], [("x-denokv-version", "3"), ("x-denokv-database-id", Guid.NewGuid().ToString())])).StatusCode);
            Assert.Equal(HttpStatusCode.BadRequest, (await PostAsync("/_kv/app/" + call, Secret, [], [])).StatusCode);
        }

        // By this our client knows that a 5xx is the server's own, which says that nothing was applied.
        using HttpResponseMessage refusal = await PostAsync("/_kv/app/atomic_write", Secret, noMessage, headers);
        Assert.True(refusal.Headers.Contains(Protocol.StrataHeader));

        await using KvConnectDatabase database = await OpenAsync(limits: KvLimits.Embedded);
        await RefusedAsync(() => database.SnapshotReadAsync([.. Enumerable.Repeat(ReadRange.Of(new byte[] { 1 }), 11)], null, Token).AsTask());
        await RefusedAsync(() => database.AtomicWriteAsync(new AtomicWrite { Mutations = [.. Enumerable.Range(0, 1_001).Select(i => KvMutation.Delete(BitConverter.GetBytes(i)))] }, Token).AsTask());
        await RefusedAsync(async () =>
        {
            await foreach (WatchUpdate _ in database.WatchAsync([.. Enumerable.Range(0, 11).Select(i => (ReadOnlyMemory<byte>)BitConverter.GetBytes(i))], Token)) Assert.Fail("It was not refused.");
        });
        Assert.Equal(HttpStatusCode.NotFound, (await PostAsync("/_kv/NO/snapshot_read", Everything, [], headers)).StatusCode);
    }

    [Fact]
    public async Task Queues_and_large_values_work_over_the_wire()
    {
        // Both are kept under keys beginning with FF: a server that keeps these for itself would break them.
        await using KvConnectDatabase database = await OpenAsync();
        var kv = new Kv(database);
        byte[] large = new byte[300_000];
        new Random(1).NextBytes(large);
        await kv.SetAsync(KvKey.Of("large"), large, cancellationToken: Token);
        Assert.Equal(large, (await kv.GetAsync<byte[]>(KvKey.Of("large"), cancellationToken: Token))!.Value);

        var queue = new KvQueue(database, "mails");
        await queue.EnqueueAsync(KvValue.OfUInt64(42), cancellationToken: Token);
        using var handled = CancellationTokenSource.CreateLinkedTokenSource(Token);
        ulong number = 0;
        await queue.ListenAsync(
            async (message, _) =>
            {
                Assert.True(message.Value.TryGetUInt64(out number));
                await handled.CancelAsync();
            },
            cancellationToken: handled.Token);
        Assert.Equal(42UL, number);
    }

    [Fact]
    public async Task Without_tokens_nobody_comes_in_once_there_are_access_keys()
    {
        var key = new AccessKey { Id = "STRATAKEY0000000001", Secret = "a-secret-of-forty-characters-000000000001", Grants = [AccessGrant.Everything] };
        await using RunningServer open = await RunningServer.StartAsync(new StrataServerOptions { Listen = "127.0.0.1:0" });
        await using RunningServer closed = await RunningServer.StartAsync(new StrataServerOptions { Listen = "127.0.0.1:0", Access = new AccessKeyRing(key) });
        foreach ((RunningServer server, HttpStatusCode expected) in ((RunningServer, HttpStatusCode)[])[(open, HttpStatusCode.OK), (closed, HttpStatusCode.Unauthorized)])
        {
            using HttpResponseMessage response = await server.Http.SendAsync(RequestOf("/_kv/app", "anything-at-all", Encoding.UTF8.GetBytes("{}"), []), Token);
            Assert.Equal(expected, response.StatusCode);
        }
    }

    [Theory]
    [InlineData("a-token-of-twelve", null)]
    [InlineData("app=a-token-of-twelve", "app")]
    [InlineData("NO=a-token-of-twelve", null)]
    public void A_token_is_read_from_a_setting(string text, string? database)
    {
        Assert.True(KvToken.TryParse(text, out KvToken? token));
        Assert.Equal(database, token.Database);
        Assert.DoesNotContain("twelve", token.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("short")]
    [InlineData("app=short")]
    [InlineData("with a blank in it")]
    public void What_is_no_token_is_refused(string text) => Assert.False(KvToken.TryParse(text, out _));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static async Task RefusedAsync(Func<Task> call)
    {
        ArgumentException e = await Assert.ThrowsAsync<ArgumentException>(call);
        Assert.Contains("400", e.Message, StringComparison.Ordinal);
    }

    private static async Task<string> TextOf(HttpResponseMessage response) => await response.Content.ReadAsStringAsync(Token);

    private static HttpRequestMessage RequestOf(string path, string? token, byte[] body, (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(body) };

        // Else the server has answered and closed before all of it is sent.
        if (body.Length > 1 << 20) request.Headers.ExpectContinue = true;
        if (token is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        foreach ((string name, string value) in headers) request.Headers.Add(name, value);
        return request;
    }

    private Task<HttpResponseMessage> PostAsync(string path, string? token, string body, params (string Name, string Value)[] headers) => PostAsync(path, token, Encoding.UTF8.GetBytes(body), headers);

    private Task<HttpResponseMessage> PostAsync(string path, string? token, byte[] body, (string Name, string Value)[] headers) => _running.Http.SendAsync(RequestOf(path, token, body, headers), Token);

    private ValueTask<KvConnectDatabase> OpenAsync(KvLimits? limits = null) =>
        KvConnectDatabase.OpenAsync(new KvConnectOptions { Url = new Uri(_running.Server.Address, "/_kv/app"), AccessToken = Secret, Limits = limits ?? KvLimits.Deno }, cancellationToken: Token);
}
