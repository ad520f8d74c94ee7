using System.Net;
using System.Text;
using System.Text.Json;
using Strata.KvConnect;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>What Strata has beyond KV Connect, as any program that speaks HTTP uses it: queues, counts and deletes of ranges.</summary>
public sealed class KvOwnCallsTests : IAsyncLifetime
{
    private const string Secret = "a-token-of-app-1";
    private RunningServer _running = null!;
    private WireClient _app = null!;

    public async ValueTask InitializeAsync()
    {
        _running = await RunningServer.StartAsync(new StrataServerOptions { KvTokens = [new KvToken(Secret, "app")] });
        _app = new WireClient(_running.Http, "app", Secret);
    }

    public ValueTask DisposeAsync() => _running.DisposeAsync();

    [Fact]
    public async Task A_message_is_taken_once_and_gone_when_it_is_done()
    {
        await EnqueueAsync("""{"mail":"Änn","n":[1,-0.5,null,true,"x\ny"]}""");
        JsonElement message = Assert.Single(await TakeAsync());
        Assert.Equal("""{"mail":"Änn","n":[1,-0.5,null,true,"x\ny"]}""", message.GetProperty("value").GetRawText());
        Assert.Equal(1, message.GetProperty("attempt").GetInt32());
        Assert.Equal(24, message.GetProperty("id").GetString()!.Length);
        Assert.Empty(await TakeAsync());
        Assert.Equal((1, 0), await StatusAsync());
        Assert.Equal(HttpStatusCode.OK, await EndAsync("done", message));
        Assert.Equal((0, 0), await StatusAsync());

        // Who has not heard the answer asks again, and is not told that all is well with something else.
        Assert.Equal(HttpStatusCode.Gone, await EndAsync("done", message));
        Assert.Equal(HttpStatusCode.Gone, await EndAsync("keep", message));
        Assert.Equal(HttpStatusCode.Gone, await EndAsync("fail", message));
    }

    [Fact]
    public async Task A_message_whose_handler_died_comes_again_and_its_old_receipt_ends_nothing()
    {
        await EnqueueAsync("1");
        JsonElement first = Assert.Single(await TakeAsync("&lease=1s"));
        JsonElement second = Assert.Single(await TakeAsync("&wait=30s"));
        Assert.Equal(first.GetProperty("id").GetString(), second.GetProperty("id").GetString());
        Assert.Equal(2, second.GetProperty("attempt").GetInt32());
        Assert.Equal(HttpStatusCode.Gone, await EndAsync("done", first));
        Assert.Equal((1, 0), await StatusAsync());
        Assert.Equal(HttpStatusCode.OK, await EndAsync("done", second));
        Assert.Equal((0, 0), await StatusAsync());
    }

    [Fact]
    public async Task A_message_that_is_kept_comes_to_nobody_else_and_a_restart_changes_nothing()
    {
        await EnqueueAsync("1");
        JsonElement first = Assert.Single(await TakeAsync("&lease=1s"));
        JsonElement kept = await JsonAsync(HttpMethod.Post, $"/queue/keep?queue=mails&lease=1h&receipt={first.GetProperty("receipt").GetString()}");
        Assert.Empty(await TakeAsync("&wait=1.5s"));
        Assert.Equal(HttpStatusCode.Gone, await EndAsync("done", first));
        _running = await _running.RestartInPlaceAsync(new StrataServerOptions { KvTokens = [new KvToken(Secret, "app")] });
        _app = new WireClient(_running.Http, "app", Secret);
        Assert.Empty(await TakeAsync());
        Assert.Equal(HttpStatusCode.OK, await EndAsync("done", kept));
        Assert.Equal((0, 0), await StatusAsync());
    }

    [Fact]
    public async Task A_message_that_fails_comes_again_and_is_given_up_at_the_end()
    {
        await EnqueueAsync("1", "&backoff=10ms");
        await EnqueueAsync("2", "&backoff=&undelivered=" + Uri.EscapeDataString("[\"failed\"]"));
        JsonElement[] messages = [.. await TakeAsync("&max=5")];
        Assert.Equal(2, messages.Length);
        foreach (JsonElement message in messages) Assert.Equal(HttpStatusCode.OK, await EndAsync("fail", message, "&error=no%20mail"));
        JsonElement again = Assert.Single(await TakeAsync("&wait=30s&max=5"));
        Assert.Equal((1, 2), (again.GetProperty("value").GetInt32(), again.GetProperty("attempt").GetInt32()));
        Assert.Equal(HttpStatusCode.OK, await EndAsync("fail", again));
        Assert.Equal((0, 1), await StatusAsync());
        Assert.Equal(1, await CountAsync("?prefix=[]"));
    }

    [Fact]
    public async Task Who_waits_is_given_what_comes_and_each_message_goes_to_one()
    {
        const int Messages = 20;
        Task<List<JsonElement>>[] pollers = [.. Enumerable.Range(0, 4).Select(_ => PollAsync())];
        await Task.WhenAll(Enumerable.Range(0, Messages).Select(n => EnqueueAsync($"{n}")));
        await EnqueueAsync("0", "", "elsewhere");
        await Eventually.HoldsAsync(async () => await StatusAsync() == (0, 0));
        await _running.Server.DisposeAsync();
        Assert.Equal(Enumerable.Range(0, Messages), (await Task.WhenAll(pollers)).SelectMany(p => p).Select(m => m.GetProperty("value").GetInt32()).Order());

        async Task<List<JsonElement>> PollAsync()
        {
            List<JsonElement> seen = [];
            while (true)
            {
                // The server's end is the end of a poll too, without a message; one that comes later is refused.
                HttpResponseMessage? answer = await TryPollAsync();
                if (answer is null or { StatusCode: HttpStatusCode.ServiceUnavailable }) return seen;
                JsonElement[] taken = [.. JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.GetProperty("messages").EnumerateArray()];
                if (taken.Length == 0) return seen;
                seen.AddRange(taken);
                foreach (JsonElement message in taken) Assert.Equal(HttpStatusCode.OK, await EndAsync("done", message));
            }
        }

        async Task<HttpResponseMessage?> TryPollAsync()
        {
            try
            {
                return await _app.SendAsync(HttpMethod.Post, "/queue/take?queue=mails&wait=60s&max=3");
            }
            catch (HttpRequestException)
            {
                // There is no server any more.
                return null;
            }
        }
    }

    [Fact]
    public async Task Who_hangs_up_while_it_waits_takes_nothing_along()
    {
        using (RawConnection waiting = await RawConnection.OpenAsync(_running.Server.Address))
        {
            await waiting.WriteAsync($"POST /_kv/app/queue/take?queue=mails&wait=60s HTTP/1.1\r\nHost: {waiting.Authority}\r\nAuthorization: Bearer {Secret}\r\nContent-Length: 0\r\n\r\n");
            Assert.Empty(await TakeAsync());
            await Eventually.HoldsAsync(async () => await WatchesAsync() == 1, what: "Who waits does not listen.");
        }

        // Who enqueues before the server has noticed would see the message go to the one who has gone, and come back at the lease's end.
        await Eventually.HoldsAsync(async () => await WatchesAsync() == 0, what: "Who has gone is listened for.");
        await EnqueueAsync("1");
        JsonElement message = Assert.Single(await TakeAsync("&wait=30s"));
        Assert.Equal(1, message.GetProperty("attempt").GetInt32());
    }

    [Fact]
    public async Task What_JSON_cannot_say_comes_as_its_bytes()
    {
        using HttpResponseMessage bytes = await SendAsync("/queue?queue=mails", [0, 255], "application/octet-stream");
        Assert.Equal(HttpStatusCode.OK, bytes.StatusCode);
        JsonElement message = Assert.Single(await TakeAsync());
        Assert.Equal("Bytes", message.GetProperty("encoding").GetString());
        Assert.Equal([0, 255], message.GetProperty("data").GetBytesFromBase64());

        // A value of few bytes that would be a document without end: each array holds the next one twice.
        await EnqueueRawAsync(Doubling());
        message = Assert.Single(await TakeAsync());
        Assert.Equal("V8", message.GetProperty("encoding").GetString());
        Assert.Equal(Doubling(), message.GetProperty("data").GetBytesFromBase64());
    }

    [Fact]
    public async Task Ranges_are_counted_and_removed()
    {
        foreach (string key in (string[])["[\"a\"]", "[\"a\",1]", "[\"a\",2]", "[\"a\",3]", "[\"b\",1]"]) await SetAsync(key);
        await EnqueueAsync("1");
        Assert.Equal(5, await CountAsync(""));
        Assert.Equal(3, await CountAsync("?prefix=[\"a\"]"));
        Assert.Equal(1, await CountAsync("?prefix=[\"a\"]&start=[\"a\",2]&end=[\"a\",3]"));
        using (HttpResponseMessage all = await _app.SendAsync(HttpMethod.Delete, "/entries")) Assert.Equal(HttpStatusCode.BadRequest, all.StatusCode);
        Assert.Equal(2, (await JsonAsync(HttpMethod.Delete, "/entries?prefix=[\"a\"]&start=[\"a\",2]")).GetProperty("count").GetInt64());
        Assert.Equal(3, await CountAsync(""));
        Assert.Equal(3, (await JsonAsync(HttpMethod.Delete, "/entries?prefix=[]")).GetProperty("count").GetInt64());
        Assert.Equal(0, await CountAsync(""));
        Assert.Equal((1, 0), await StatusAsync());
    }

    [Theory]
    [InlineData("POST", "/queue?queeu=mails", "1", "queue, delay")]
    [InlineData("POST", "/queue?queue=a&queue=b", "1", "only once")]
    [InlineData("POST", "/queue?delay=soon", "1", "'delay'")]
    [InlineData("POST", "/queue?delay=36000d", "1", "'delay'")]
    [InlineData("POST", "/queue?backoff=1s,later", "1", "'backoff'")]
    [InlineData("POST", "/queue?undelivered=nokey", "1", "'undelivered'")]
    [InlineData("POST", "/queue", "{nope", "no JSON")]
    [InlineData("POST", "/queue", "\"\\ud800\"", "no JSON")]
    [InlineData("POST", "/queue", "", "no JSON")]
    [InlineData("POST", "/queue/take?max=101", "", "1 to 100")]
    [InlineData("POST", "/queue/take?max=-1", "", "1 to 100")]
    [InlineData("POST", "/queue/take?lease=2h", "", "'lease'")]
    [InlineData("POST", "/queue/take?wait=2m", "", "'wait'")]
    [InlineData("POST", "/queue/done", "", "'receipt' is missing")]
    [InlineData("POST", "/queue/done?receipt=0", "", "no receipt")]
    [InlineData("POST", "/queue/keep?receipt=ffffffffffffffff000000000000000000000000zz0000000000000001", "", "no receipt")]
    [InlineData("GET", "/count?prefix=nokey", "", "'prefix'")]
    [InlineData("GET", "/count?prefix=[\"a\"]&start=[\"b\"]", "", "does not begin")]
    [InlineData("DELETE", "/entries?prefix=[\"a\"]&start=[\"a\",2]&end=[\"a\",1]", "", "ends before")]
    public async Task What_is_wrong_with_a_call_is_told(string method, string path, string body, string says)
    {
        using HttpResponseMessage answer = await _app.SendAsync(new HttpMethod(method), path, Encoding.UTF8.GetBytes(body));
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == HttpStatusCode.BadRequest, $"{path} gave {answer.StatusCode}: {text}");
        Assert.Contains(says, text, StringComparison.Ordinal);
        Assert.DoesNotContain("Parameter", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_receipt_of_a_message_that_never_was_ends_nothing()
    {
        string receipt = string.Concat(new string('f', 16), new string('0', 24), new string('0', 19), "1");
        foreach (string call in (string[])["done", "keep", "fail"])
        {
            using HttpResponseMessage answer = await _app.SendAsync(HttpMethod.Post, $"/queue/{call}?receipt={receipt}");
            Assert.Equal(HttpStatusCode.Gone, answer.StatusCode);
        }
    }

    [Fact]
    public async Task The_owner_uses_the_same_calls_and_a_stranger_none()
    {
        var owner = new WireClient(_running.Http, "app", _running.Token, "/_strata/v1/kv/");
        await EnqueueAsync("1");
        using (HttpResponseMessage status = await owner.SendAsync(HttpMethod.Get, "/queue?queue=mails")) Assert.Contains("\"pending\":1", await status.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        var other = new WireClient(_running.Http, "other", Secret);
        foreach ((HttpMethod method, string path) in ((HttpMethod, string)[])[(HttpMethod.Get, "/count"), (HttpMethod.Delete, "/entries?prefix=[]"), (HttpMethod.Post, "/queue/take"), (HttpMethod.Post, "/queue")])
        {
            using HttpResponseMessage answer = await other.SendAsync(method, path);
            Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        }
    }

    private static byte[] Doubling()
    {
        V8Value value = V8Value.OfArray(V8Value.Null);
        for (int i = 0; i < 60; i++) value = V8Value.OfArray(value, value);
        return value.ToBytes();
    }

    private async Task EnqueueRawAsync(byte[] v8)
    {
        // As a program does that has the database itself: over KV Connect, keys beginning with FF are nobody's.
        var owner = new KvConnectOptions { Url = new Uri(_running.Server.Address, "/_strata/v1/kv/app"), AccessToken = _running.Token };
        await using KvConnectDatabase database = await KvConnectDatabase.OpenAsync(owner);
        await new KvQueue(database, "mails").EnqueueAsync(new KvValue(v8, KvEncoding.V8));
    }

    private async Task SetAsync(string key)
    {
        using HttpResponseMessage answer = await _app.CallAsync(Protocol.AtomicWrite, WireClient.Set(KvKey.Parse(key).Encoded.ToArray()));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    private async Task EnqueueAsync(string json, string more = "", string queue = "mails")
    {
        using HttpResponseMessage answer = await SendAsync($"/queue?queue={queue}{more}", Encoding.UTF8.GetBytes(json), "application/x-www-form-urlencoded");
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    private async Task<HttpResponseMessage> SendAsync(string path, byte[] body, string type)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/_kv/app" + path) { Content = new ByteArrayContent(body) };
        request.Headers.Authorization = new("Bearer", Secret);
        request.Content.Headers.ContentType = new(type);
        return await _running.Http.SendAsync(request);
    }

    private async Task<JsonElement.ArrayEnumerator> TakeAsync(string more = "") => (await JsonAsync(HttpMethod.Post, "/queue/take?queue=mails" + more)).GetProperty("messages").EnumerateArray();

    private async Task<HttpStatusCode> EndAsync(string call, JsonElement message, string more = "")
    {
        using HttpResponseMessage answer = await _app.SendAsync(HttpMethod.Post, $"/queue/{call}?queue=mails&receipt={message.GetProperty("receipt").GetString()}{more}");
        return answer.StatusCode;
    }

    private async Task<(long Pending, long DeadLetters)> StatusAsync()
    {
        JsonElement status = await JsonAsync(HttpMethod.Get, "/queue?queue=mails");
        return (status.GetProperty("pending").GetInt64(), status.GetProperty("deadLetters").GetInt64());
    }

    private async Task<int> WatchesAsync() => ((IKvStatistics)(await _running.DatabaseAsync("app")).Database).GetStatistics().Watches;

    private async Task<long> CountAsync(string query) => (await JsonAsync(HttpMethod.Get, "/count" + query)).GetProperty("count").GetInt64();

    private async Task<JsonElement> JsonAsync(HttpMethod method, string path)
    {
        using HttpResponseMessage answer = await _app.SendAsync(method, path);
        string text = await answer.Content.ReadAsStringAsync();
        if (!answer.IsSuccessStatusCode) Assert.Fail($"{method} {path} gave {(int)answer.StatusCode}: {text}");
        return JsonDocument.Parse(text).RootElement;
    }
}
