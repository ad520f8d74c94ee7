using System.Net;
using System.Net.Sockets;
using System.Text;
using Google.Protobuf;
using Strata.KvConnect;
using Xunit;
using Wire = Strata.KvConnect.Messages;

namespace Strata.Server.Tests;

/// <summary>What no client of KV Connect should send: each is refused for good (4xx), since what is answered with 5xx comes again without end.</summary>
public sealed class KvBadInputTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const string Secret = "a-token-of-app-1";
    private static readonly byte[] Key = [2, 97, 0];
    private static readonly string Id = KvEndpoints.IdOf("app").ToString();
    private RunningServer _running = null!;
    private WireClient _app = null!;

    public async ValueTask InitializeAsync()
    {
        _running = await RunningServer.StartAsync(new StrataServerOptions { KvTokens = [new KvToken(Secret, "app")], SlowGrace = TimeSpan.FromSeconds(2), MaxRefusalsPerSecond = 0 });
        _app = new WireClient(_running.Http, "app", Secret);
    }

    public ValueTask DisposeAsync() => _running.DisposeAsync();

    [Theory]
    [InlineData("a length beyond the end", new byte[] { 0x0A, 0xFF, 0x01, 0x00 })]
    [InlineData("a length beyond all", new byte[] { 0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F })]
    [InlineData("a number without end", new byte[] { 0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80 })]
    [InlineData("a field of number 0", new byte[] { 0x00, 0x00 })]
    [InlineData("a wire type that there is not", new byte[] { 0x0F, 0x00 })]
    [InlineData("the end of a group that did not begin", new byte[] { 0x0C })]
    [InlineData("a group without an end", new byte[] { 0x0B, 0x0B, 0x0B })]
    [InlineData("a broken message within", new byte[] { 0x0A, 0x02, 0x0A, 0x7F })]
    public async Task What_is_no_message_is_refused(string what, byte[] body)
    {
        foreach (string call in (string[])[Protocol.SnapshotRead, Protocol.AtomicWrite, Protocol.Watch]) await RefusedAsync($"{call}: {what}", call, body);
        await RefusedAsync("metadata: " + what, "", body);
    }

    [Fact]
    public async Task Groups_within_groups_do_not_end_the_process()
    {
        byte[] body = new byte[16_000];
        body.AsSpan().Fill(0x0B);
        foreach (string call in (string[])[Protocol.SnapshotRead, Protocol.AtomicWrite, Protocol.Watch]) await RefusedAsync("groups in " + call, call, body);
    }

    [Fact]
    public async Task Reads_are_taken_up_to_their_limits()
    {
        await TakenAsync(Protocol.SnapshotRead, Read(Enumerable.Repeat(new ReadRange(new byte[2_049], new byte[2_049], 1_000), 10)));
        await RefusedAsync("11 ranges", Protocol.SnapshotRead, Read(Enumerable.Repeat(ReadRange.Of(Key), 11)));
        await RefusedAsync("3,000 ranges", Protocol.SnapshotRead, Read(Enumerable.Repeat(new ReadRange(default, default, 1), 3_000)));
        await RefusedAsync("a long start", Protocol.SnapshotRead, Read([new ReadRange(new byte[2_050], Key, 1)]));
        await RefusedAsync("a long end", Protocol.SnapshotRead, Read([new ReadRange(Key, new byte[2_050], 1)]));
        foreach (int limit in (int[])[0, -1, int.MinValue, 1_001, int.MaxValue]) await RefusedAsync($"limit {limit}", Protocol.SnapshotRead, Read([new ReadRange(Key, new byte[] { 3 }, limit)]));
        await RefusedAsync("no keys", Protocol.Watch, []);
        await RefusedAsync("11 keys", Protocol.Watch, Watch(Enumerable.Repeat(Key, 11)));
        await RefusedAsync("an empty key", Protocol.Watch, Watch([[]]));
        await RefusedAsync("a long key", Protocol.Watch, Watch([new byte[2_049]]));
    }

    [Fact]
    public async Task Writes_are_taken_up_to_their_limits()
    {
        byte[] longest = [.. Enumerable.Repeat((byte)2, 2_048)], most = new byte[65_536];
        await TakenAsync(Protocol.AtomicWrite, Write([KvMutation.Set(longest, KvValue.OfBytes(most))]));
        await TakenAsync(Protocol.AtomicWrite, Write(Enumerable.Range(0, 1_000).Select(i => KvMutation.Delete(Numbered(i)))));
        await TakenAsync(Protocol.AtomicWrite, Write([KvMutation.Delete(Key)], Enumerable.Range(0, 100).Select(i => new KvCheck(Numbered(i), Versionstamp.None))));
        await RefusedAsync("a long key", Protocol.AtomicWrite, Write([KvMutation.Set((byte[])[.. longest, 0], KvValue.OfBytes(default))]));
        await RefusedAsync("a long key, with its versionstamp", Protocol.AtomicWrite, Write([KvMutation.SetVersionstampedKey(longest, KvValue.OfBytes(default))]));
        await RefusedAsync("an empty key", Protocol.AtomicWrite, Write([KvMutation.Delete(default)]));
        await RefusedAsync("a long value", Protocol.AtomicWrite, Write([KvMutation.Set(Key, KvValue.OfBytes(new byte[65_537]))]));
        await RefusedAsync("1,001 mutations", Protocol.AtomicWrite, Write(Enumerable.Range(0, 1_001).Select(i => KvMutation.Delete(Numbered(i)))));
        await RefusedAsync("101 checks", Protocol.AtomicWrite, Write([], Enumerable.Range(0, 101).Select(i => new KvCheck(Numbered(i), Versionstamp.None))));
        await RefusedAsync("keys of more than 81,920 bytes", Protocol.AtomicWrite, Write(Enumerable.Range(0, 41).Select(i => KvMutation.Delete((byte[])[.. longest[..^1], (byte)i]))));
        await RefusedAsync("more than 819,200 bytes", Protocol.AtomicWrite, Write(Enumerable.Range(0, 13).Select(i => KvMutation.Set(Numbered(i), KvValue.OfBytes(most)))));
        await RefusedAsync("1 MiB of nothing", Protocol.AtomicWrite, new byte[1 << 20], HttpStatusCode.RequestEntityTooLarge);
    }

    [Fact]
    public async Task What_a_write_cannot_mean_is_refused_and_nothing_of_it_is_applied()
    {
        (string What, Action<Wire.Mutation> Spoil)[] spoilt =
        [
            ("no kind", m => m.MutationType = Wire.MutationType.MUnspecified), ("kind 10", m => m.MutationType = (Wire.MutationType)10), ("no value", m => m.Value = null),
            ("no encoding", m => m.Value.Encoding = Wire.ValueEncoding.VeUnspecified), ("encoding 4", m => m.Value.Encoding = (Wire.ValueEncoding)4),
            ("a number of 7 bytes", m => m.Value.Data = ByteString.CopyFrom(new byte[7])), ("a sum of bytes", m => (m.MutationType, m.Value.Encoding) = (Wire.MutationType.MSum, Wire.ValueEncoding.VeBytes)),
            ("a sum of what V8 does not know", m => (m.MutationType, m.Value.Encoding) = (Wire.MutationType.MSum, Wire.ValueEncoding.VeV8)),
            ("a sum with limits", m => (m.MutationType, m.SumClamp) = (Wire.MutationType.MSum, true)), ("a maximum of V8", m => (m.MutationType, m.Value.Encoding) = (Wire.MutationType.MMax, Wire.ValueEncoding.VeV8)),
        ];
        foreach ((string what, Action<Wire.Mutation> spoil) in spoilt)
        {
            Wire.AtomicWrite write = WireClient.Set([2, 98, 0]);
            write.Mutations.AddRange(WireClient.Set(Key).Mutations);
            spoil(write.Mutations[1]);
            await RefusedAsync(what, Protocol.AtomicWrite, write.ToByteArray());
        }

        await RefusedAsync("a check with 9 bytes", Protocol.AtomicWrite, new Wire.AtomicWrite { Checks = { new Wire.Check { Key = ByteString.CopyFrom(Key), Versionstamp = ByteString.CopyFrom(new byte[9]) } } }.ToByteArray());
        await RefusedAsync("a message for a queue", Protocol.AtomicWrite, new Wire.AtomicWrite { Enqueues = { new Wire.Enqueue() } }.ToByteArray());
        Assert.Null(await _app.NumberAsync([2, 98, 0]));
        Assert.Null(await _app.NumberAsync(Key));
    }

    [Theory]
    [InlineData(-2)]
    [InlineData(1)]
    [InlineData(long.MinValue)]
    public async Task What_expired_before_it_was_written_is_written_and_not_there(long at)
    {
        Wire.AtomicWrite write = WireClient.Set(Key);
        write.Mutations[0].ExpireAtMs = at;
        await TakenAsync(Protocol.AtomicWrite, write.ToByteArray());
        Assert.Null(await _app.NumberAsync(Key));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(long.MaxValue)]
    public async Task What_never_expires_is_there(long at)
    {
        Wire.AtomicWrite write = WireClient.Set(Key);
        write.Mutations[0].ExpireAtMs = at;
        await TakenAsync(Protocol.AtomicWrite, write.ToByteArray());
        Assert.Equal(1UL, await _app.NumberAsync(Key));
    }

    [Fact]
    public async Task Headers_that_do_not_fit_are_refused_and_those_of_every_version_taken()
    {
        byte[] body = WireClient.Get(Key).ToByteArray();
        (string Name, string Value)[][] wrong =
        [
            [], [(Protocol.DatabaseHeader, Id)], [(Protocol.VersionHeader, "3")], [(Protocol.VersionHeader, "1"), (Protocol.DatabaseHeader, Id)], [(Protocol.VersionHeader, "4"), (Protocol.DatabaseHeader, Id)],
            [(Protocol.VersionHeader, "-3"), (Protocol.DatabaseHeader, Id)], [(Protocol.VersionHeader, "99999999999999999999"), (Protocol.DatabaseHeader, Id)], [(Protocol.VersionHeader, ""), (Protocol.DatabaseHeader, Id)],
            [(Protocol.VersionHeader, "3"), (Protocol.VersionHeader, "3"), (Protocol.DatabaseHeader, Id)], [(Protocol.VersionHeader, "3"), (Protocol.DatabaseHeader, Id), (Protocol.DatabaseHeader, Id)],
            [(Protocol.VersionHeader, "3"), (Protocol.DatabaseHeader, KvEndpoints.IdOf("other").ToString())], [(Protocol.VersionHeader, "3"), (Protocol.DatabaseHeader, new string('x', 8_000))],
            [(Protocol.DomainHeader, KvEndpoints.IdOf("other").ToString())], [(Protocol.VersionHeader, "3"), (Protocol.DomainHeader, Id)],
        ];
        foreach ((string Name, string Value)[] headers in wrong)
        {
            using HttpResponseMessage answer = await _app.CallAsync(Protocol.SnapshotRead, body, headers);
            await RefusedAsync(string.Join(", ", headers.Select(h => $"{h.Name}: {h.Value}")), answer);
        }

        foreach ((string Name, string Value)[] headers in ((string, string)[][])[[(Protocol.VersionHeader, "2"), (Protocol.DatabaseHeader, Id)], [(Protocol.VersionHeader, "3"), (Protocol.DatabaseHeader, Id)], [(Protocol.DomainHeader, Id)]])
        {
            using HttpResponseMessage answer = await _app.CallAsync(Protocol.SnapshotRead, body, headers);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }
    }

    [Theory]
    [InlineData("null")]
    [InlineData("[1,2,3]")]
    [InlineData("{\"supportedVersions\":3}")]
    [InlineData("{\"supportedVersions\":[\"3\"]}")]
    [InlineData("{\"supportedVersions\":[3.5]}")]
    [InlineData("{\"supportedVersions\":[0,4,-1,99999]}")]
    [InlineData("{\"supportedVersions\":[]}")]
    [InlineData("{\"supportedVersions\":[[[[[[[[[[[[[[[[[[[[[[")]
    public async Task A_question_for_metadata_that_says_nothing_is_refused(string json)
    {
        using HttpResponseMessage answer = await _app.AskAsync(json);
        await RefusedAsync(json, answer);
    }

    [Theory]
    [InlineData("half a body, and gone", "Content-Length: 100\r\n", "half", null)]
    [InlineData("a chunk that is no number", "Transfer-Encoding: chunked\r\n", "xyz\r\n", "400")]
    [InlineData("a chunk without end", "Transfer-Encoding: chunked\r\n", "FFFFFFFFFFFFFFFFFF\r\n", "400")]
    [InlineData("two lengths", "Content-Length: 5\r\nContent-Length: 6\r\n", "123456", "400")]
    [InlineData("a negative length", "Content-Length: -5\r\n", "", "400")]
    [InlineData("a length beyond all", "Content-Length: 9223372036854775807\r\n", "", "413")]
    [InlineData("a coding that nobody knows", "Transfer-Encoding: gzip\r\n", "x", "400")]
    public async Task What_is_no_request_is_refused_and_others_go_on(string what, string headers, string body, string? status)
    {
        using (RawConnection connection = await RawConnection.OpenAsync(_running.Server.Address))
        {
            await connection.WriteAsync(HeadOf(connection, headers) + body);
            if (status is not null)
            {
                string answer = await connection.ReadToEndAsync();
                Assert.True(answer.StartsWith("HTTP/1.1 " + status, StringComparison.Ordinal), $"{what} gave: {answer}");
            }
        }

        await TakenAsync(Protocol.AtomicWrite, WireClient.Set(Key).ToByteArray());
    }

    [Fact]
    public async Task A_body_in_chunks_is_too_long_as_soon_as_it_is()
    {
        using RawConnection connection = await RawConnection.OpenAsync(_running.Server.Address);
        await connection.WriteAsync(HeadOf(connection, "Transfer-Encoding: chunked\r\n"));
        string chunk = $"10000\r\n{new string('x', 0x10000)}\r\n";
        try
        {
            for (int i = 0; i < 64; i++) await connection.WriteAsync(chunk);
        }
        catch (SocketException)
        {
            // It has been answered, and is not listened to any more.
        }

        string answer = await connection.ReadToEndAsync();
        Assert.True(answer.Length == 0 || answer.StartsWith("HTTP/1.1 413", StringComparison.Ordinal), answer);
        await TakenAsync(Protocol.AtomicWrite, WireClient.Set(Key).ToByteArray());
    }

    [Theory]
    [InlineData("GET", "/snapshot_read")]
    [InlineData("PUT", "")]
    [InlineData("DELETE", "/atomic_write")]
    [InlineData("POST", "/nothing")]
    [InlineData("POST", "/snapshot_read/more")]
    [InlineData("POST", "/..%2f..%2fetc%2fpasswd")]
    [InlineData("HEAD", "/watch")]
    public async Task What_is_no_call_is_none(string method, string path)
    {
        using HttpResponseMessage answer = await _app.SendAsync(new HttpMethod(method), path, method is "HEAD" or "GET" ? null : "x"u8.ToArray());
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Fact]
    public async Task Bodies_that_stall_take_little_memory_leave_others_in_peace_and_are_cut_off()
    {
        const int Stalled = 400, Sent = 1_000;
        await TakenAsync(Protocol.AtomicWrite, WireClient.Set(Key).ToByteArray());
        long before = GC.GetTotalMemory(forceFullCollection: true);
        var sockets = new List<Socket>();
        try
        {
            for (int i = 0; i < Stalled; i++)
            {
                // From an address that is not that of the others, so that both are clients with a share of their own.
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                sockets.Add(socket);
                socket.Bind(new IPEndPoint(IPAddress.Parse("127.0.0.2"), 0));
                await socket.ConnectAsync(IPEndPoint.Parse(_running.Server.Address.Authority));
                await socket.SendAsync(Encoding.Latin1.GetBytes($"POST /_kv/app/atomic_write HTTP/1.1\r\nHost: {_running.Server.Address.Authority}\r\nAuthorization: Bearer {Secret}\r\n{Protocol.VersionHeader}: 3\r\n{Protocol.DatabaseHeader}: {Id}\r\nContent-Length: {(i % 2 == 0 ? 800_000 : 30_000)}\r\n\r\n{new string('x', Sent)}"));
            }

            for (int i = 0; i < 50; i++) await TakenAsync(Protocol.AtomicWrite, WireClient.Set(Key).ToByteArray());
            long grown = GC.GetTotalMemory(forceFullCollection: true) - before;
            output.WriteLine($"{Stalled} stalled bodies, half of them of 800,000 bytes: {grown / Stalled} bytes of memory each");
            Assert.True(grown < 64L * 1024 * Stalled, $"{grown / Stalled} bytes each: what has not arrived takes memory");
            using HttpResponseMessage large = await _app.CallAsync(Protocol.AtomicWrite, Write([KvMutation.Set(Key, KvValue.OfBytes(new byte[60_000]))]));
            Assert.Equal(HttpStatusCode.OK, large.StatusCode);
            foreach (Socket socket in sockets) await CutOffAsync(socket);
        }
        finally
        {
            foreach (Socket socket in sockets) socket.Dispose();
        }

        await TakenAsync(Protocol.AtomicWrite, WireClient.Set(Key).ToByteArray());
    }

    private static async Task CutOffAsync(Socket socket)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        try
        {
            byte[] buffer = new byte[4_096];
            while (await socket.ReceiveAsync(buffer, deadline.Token) > 0)
            {
                // The refusal, and then the end.
            }
        }
        catch (SocketException)
        {
            // Cut off.
        }
    }

    private static string HeadOf(RawConnection connection, string headers) =>
        $"POST /_kv/app/atomic_write HTTP/1.1\r\nHost: {connection.Authority}\r\nConnection: close\r\nAuthorization: Bearer {Secret}\r\n{Protocol.VersionHeader}: 3\r\n{Protocol.DatabaseHeader}: {Id}\r\n{headers}\r\n";

    private static byte[] Numbered(int i) => [2, .. BitConverter.GetBytes(i)];

    private static byte[] Read(IEnumerable<ReadRange> ranges) => WireClient.Read([.. ranges]).ToByteArray();

    private static byte[] Write(IEnumerable<KvMutation> mutations, IEnumerable<KvCheck>? checks = null) => WireForm.Of(new AtomicWrite { Mutations = [.. mutations], Checks = [.. checks ?? []] }).ToByteArray();

    private static byte[] Watch(IEnumerable<byte[]> keys)
    {
        var message = new Wire.Watch();
        message.Keys.AddRange(keys.Select(k => new Wire.WatchKey { Key = ByteString.CopyFrom(k) }));
        return message.ToByteArray();
    }

    private async Task TakenAsync(string call, byte[] body)
    {
        using HttpResponseMessage answer = await _app.CallAsync(call, body);
        if (answer.StatusCode != HttpStatusCode.OK) Assert.Fail($"{call} gave {answer.StatusCode}: {await answer.Content.ReadAsStringAsync()}");
    }

    private async Task RefusedAsync(string what, string call, byte[] body, HttpStatusCode status = HttpStatusCode.BadRequest)
    {
        using HttpResponseMessage answer = call.Length == 0 ? await _app.SendAsync(HttpMethod.Post, "", body) : await _app.CallAsync(call, body);
        await RefusedAsync(what, answer, status);
    }

    private static async Task RefusedAsync(string what, HttpResponseMessage answer, HttpStatusCode status = HttpStatusCode.BadRequest)
    {
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == status, $"{what} gave {answer.StatusCode}: {text}");
        Assert.Equal("text/plain", answer.Content.Headers.ContentType?.MediaType);
        Assert.DoesNotContain(Secret, text, StringComparison.Ordinal);
        Assert.InRange(text.Length, 10, 600);
    }
}
