using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Strata.Testing;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>HTTP/2 by prior knowledge beside HTTP/1.1 on one port, without encryption: both are served, and what limits one limits the other.</summary>
public sealed class OnePortTests(ITestOutputHelper output) : IDisposable
{
    private const int EnhanceYourCalm = 11, RefusedStream = 7;

    /// <summary>Much faster than by default, so that the tests are short: 64 KiB a second, and two seconds of grace.</summary>
    private static readonly StrataServerOptions Impatient = new() { Listen = "127.0.0.1:0", MinBytesPerSecond = 64 << 10, SlowGrace = TimeSpan.FromSeconds(2) };

    private readonly CancellationTokenSource _deadline = new(TimeSpan.FromSeconds(60));

    public void Dispose() => _deadline.Dispose();

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Objects_of_any_size_go_and_come_by_either_protocol(string version)
    {
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions());
        await using StrataServer server = await StartAsync(store);
        using HttpClient http = ClientOf(server, Version.Parse(version));
        foreach (int length in (int[])[0, 1, 4000, 20 << 20])
        {
            byte[] bytes = ClientServer.Bytes(length, seed: length);
            using HttpResponseMessage put = await http.PutAsync("main/k", new ByteArrayContent(bytes), _deadline.Token);
            Assert.Equal((HttpStatusCode.OK, Version.Parse(version)), (put.StatusCode, put.Version));
            byte[] back = await http.GetByteArrayAsync("main/k", _deadline.Token);
            Assert.True(bytes.AsSpan().SequenceEqual(back), $"{length} bytes came back as others by HTTP/{version}.");
        }

        Assert.Equal("""{"status":"ok"}""", await http.GetStringAsync("_strata/health", _deadline.Token));
        Assert.Contains("<Key>k</Key>", await http.GetStringAsync("main?list-type=2", _deadline.Token));
        using HttpResponseMessage missing = await http.GetAsync("main/missing", _deadline.Token);
        Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);
    }

    [Theory]
    [InlineData(RawHttp2.Preface, "\0")]
    [InlineData("PUT /main/k HTTP/1.1\r\nHost: {0}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "HTTP/1.1 200")]
    [InlineData("PROPFIND /main/k HTTP/1.1\r\nHost: {0}\r\nConnection: close\r\n\r\n", "HTTP/1.1 40")]
    public async Task Bytes_that_come_one_by_one_are_understood(string sent, string begins)
    {
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions());
        await using StrataServer server = await StartAsync(store);
        using Socket socket = await ConnectAsync(server);
        socket.NoDelay = true;
        foreach (byte one in Encoding.ASCII.GetBytes(sent.Replace("{0}", server.Address.Authority, StringComparison.Ordinal)))
        {
            await socket.SendAsync(new[] { one });
            await Task.Yield();
        }

        byte[] answer = new byte[256];
        int read = await socket.ReceiveAsync(answer, _deadline.Token);
        Assert.StartsWith(begins, Encoding.ASCII.GetString(answer, 0, read), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("PR")]
    [InlineData("PRI * HTTP/2.0\r\n")]
    public async Task Who_says_too_little_is_cut_off_and_does_not_hold_up_the_end(string sent)
    {
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions());
        var shortly = TimeSpan.FromSeconds(2);
        await using StrataServer server = await StartAsync(store, new StrataServerOptions { KeepAliveTimeout = shortly, HeaderTimeout = shortly });
        await using StrataServer patient = await StartAsync(store);
        using Socket socket = await ConnectAsync(server), other = await ConnectAsync(patient);
        foreach (Socket one in (Socket[])[socket, other]) await one.SendAsync(Encoding.ASCII.GetBytes(sent), _deadline.Token);
        await EndAsync(socket);

        // It takes connections in order: the silent one is there when this is answered.
        using HttpClient http = ClientOf(patient, HttpVersion.Version11);
        await http.GetStringAsync("_strata/health", _deadline.Token);
        long started = Stopwatch.GetTimestamp();
        await patient.DisposeAsync();
        Assert.True(Stopwatch.GetElapsedTime(started) < new StrataServerOptions().DrainTimeout / 2, "A connection that had said nothing held up the server's end.");
    }

    [Fact]
    public async Task Connections_of_both_kinds_and_silent_ones_share_one_limit()
    {
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions());
        await using StrataServer server = await StartAsync(store, new StrataServerOptions { MaxConnections = 3 });
        using Socket silent = await ConnectAsync(server), old = await ConnectAsync(server);
        await old.SendAsync("GET /_strata/he"u8.ToArray(), _deadline.Token);
        using RawHttp2 http2 = await RawHttp2.OpenAsync(server.Address);
        Assert.NotNull(await http2.ReadAsync(_deadline.Token));
        using (Socket beyond = await ConnectAsync(server)) await EndAsync(beyond);
        Assert.False(await IsServedAsync());
        silent.Dispose();
        await Eventually.HoldsAsync(IsServedAsync);

        async Task<bool> IsServedAsync()
        {
            try
            {
                using RawHttp2 another = await RawHttp2.OpenAsync(server.Address);
                return await another.ReadAsync(_deadline.Token) is not null;
            }
            catch (SocketException)
            {
                // Cut off before it had said what it is.
                return false;
            }
        }
    }

    [Fact]
    public async Task An_upload_that_stalls_is_cut_off()
    {
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions());
        await using StrataServer server = await StartAsync(store, Impatient);
        using RawHttp2 client = await RawHttp2.OpenAsync(server.Address);
        await client.BeginAsync(1, "PUT", "/main/k", isAll: false, ("content-length", "1000000"));
        await client.DataAsync(1, [1, 2, 3, 4]);
        RawHttp2.Frame? end = await client.ReadUntilAsync(f => f.Type is RawHttp2.FrameType.Reset or RawHttp2.FrameType.GoAway or RawHttp2.FrameType.Headers, _deadline.Token);
        Assert.False(end is { Type: RawHttp2.FrameType.Headers, Payload: [RawHttp2.StatusOk, ..] }, "It was answered as if it were whole.");
        Assert.Null(await store.StatAsync(BlobKey.Parse("k")));
    }

    /// <summary>A large answer, whose handler waits; the same after much was taken quickly.</summary>
    [Theory]
    [InlineData(32 << 20, 65_535, false)]
    [InlineData(32 << 20, 65_535, true)]
    public async Task An_answer_of_which_nothing_is_taken_is_cut_off(int length, int window, bool afterMuch)
    {
        await using var store = new LatencyStore(new MemoryBlobStore(new MemoryBlobStoreOptions()));
        await store.PutBytesAsync(BlobKey.Parse("k"), new byte[length]);
        await using StrataServer server = await StartAsync(store, Impatient);
        using RawHttp2 client = await RawHttp2.OpenAsync(server.Address, window);
        await client.OpenWindowAsync(0, 1 << 30);
        if (afterMuch)
        {
            await client.BeginAsync(1, "GET", "/main/k");
            await client.OpenWindowAsync(1, 1 << 30);
            Assert.NotNull(await client.ReadUntilAsync(f => f is { Type: RawHttp2.FrameType.Data, Flags: 1 }, _deadline.Token));
        }

        long before = store.CountOf(StoreOperation.ReadStream), started = Stopwatch.GetTimestamp();
        await client.BeginAsync(3, "GET", "/main/k");
        int taken = 0;
        RawHttp2.Frame? end = await client.ReadUntilAsync(f => (taken += f.Type == RawHttp2.FrameType.Data ? f.Payload.Length : 0) < 0 || f.Type is RawHttp2.FrameType.Reset or RawHttp2.FrameType.GoAway, _deadline.Token);
        Assert.InRange(taken, 0, window);
        Assert.InRange(Stopwatch.GetElapsedTime(started), Impatient.SlowGrace / 2, TimeSpan.FromSeconds(30));
        Assert.InRange(store.CountOf(StoreOperation.ReadStream) - before, 0, 8);
        Assert.Equal((RawHttp2.FrameType.Reset, 3), (end?.Type, end?.Stream));
        await client.BeginAsync(5, "GET", "/_strata/health");
        await client.OpenWindowAsync(5, 1 << 20);
        Assert.NotNull(await client.ReadUntilAsync(f => f is { Type: RawHttp2.FrameType.Data, Stream: 5 }, _deadline.Token));
    }

    [Fact]
    public async Task Streams_at_once_are_limited()
    {
        await using var store = new LatencyStore(new MemoryBlobStore(new MemoryBlobStoreOptions()));
        using StoreGate gate = store.Hold(call => call.Operation == StoreOperation.Read);
        await using StrataServer server = await StartAsync(store);
        using RawHttp2 client = await RawHttp2.OpenAsync(server.Address);
        for (int i = 0; i <= StrataServer.StreamsPerConnection; i++) await client.BeginAsync((2 * i) + 1, "GET", "/main/k");
        RawHttp2.Frame? refused = await client.ReadUntilAsync(f => f.Type is RawHttp2.FrameType.Reset or RawHttp2.FrameType.GoAway, _deadline.Token);
        Assert.Equal((RawHttp2.FrameType.Reset, (2 * StrataServer.StreamsPerConnection) + 1, RefusedStream), (refused?.Type, refused?.Stream, refused?.Error));
        gate.Open();
        Assert.NotNull(await client.ReadUntilAsync(f => f is { Type: RawHttp2.FrameType.Headers, Stream: 1 }, _deadline.Token));
    }

    /// <summary>"Rapid reset": each request is given up at once, so that none counts against the limit of streams, and all are begun.</summary>
    [Fact]
    public async Task A_flood_of_resets_is_cut_off_while_others_are_served()
    {
        const int Flood = 50_000;
        int sent = 0;
        await using var store = new LatencyStore(new MemoryBlobStore(new MemoryBlobStoreOptions()));
        await store.PutBytesAsync(BlobKey.Parse("k"), new byte[100]);
        using StoreGate gate = store.Hold(call => call.Operation == StoreOperation.Read && call.Key.Value == "held");
        await using StrataServer server = await StartAsync(store);
        using RawHttp2 client = await RawHttp2.OpenAsync(server.Address);
        Task<RawHttp2.Frame?> calm = client.ReadUntilAsync(f => f is { Type: RawHttp2.FrameType.GoAway }, _deadline.Token);
        Task flooding = FloodAsync();
        using HttpClient http = ClientOf(server, HttpVersion.Version11);
        for (int i = 0; i < 50; i++) Assert.Equal(100, (await http.GetByteArrayAsync("main/k", _deadline.Token)).Length);
        await flooding;

        // Why is not always heard: what the client still sends makes the system reset the connection.
        Assert.Equal(EnhanceYourCalm, (await calm)?.Error ?? EnhanceYourCalm);
        Assert.True(sent < Flood, "The flood was let through.");
        long begun = store.CountOf(StoreOperation.Read);
        Assert.True(begun < Flood / 10, $"{begun} requests of the flood were begun.");
        output.WriteLine($"cut off after {sent} requests, of which {begun} were begun");

        async Task FloodAsync()
        {
            try
            {
                for (; sent < Flood && !calm.IsCompleted; sent++) await client.SendAsync([.. client.HeadersOf((2 * sent) + 1, "GET", "/main/held"), .. RawHttp2.ResetOf((2 * sent) + 1)]);
            }
            catch (SocketException)
            {
                // Cut off, as it should be.
            }
        }
    }

    /// <summary>
    /// Deno holds a short last piece back until the one before it is acknowledged, which the kernel puts off by 40 ms at least:
    /// each write of 1 KiB took as long.
    /// </summary>
    [Fact]
    public async Task A_client_that_waits_for_acknowledgements_is_not_kept_waiting()
    {
        const int Writes = 60;
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions());
        await using StrataServer server = await StartAsync(store);
        using RawHttp2 client = await RawHttp2.OpenAsync(server.Address, noDelay: false);
        var times = new List<TimeSpan>();
        for (int i = 0; i < Writes; i++)
        {
            int stream = (2 * i) + 1;
            long started = Stopwatch.GetTimestamp();
            await client.BeginAsync(stream, "PUT", "/main/k", isAll: false, ("content-length", "1124"));
            await client.DataAsync(stream, new byte[1024]);
            await client.DataAsync(stream, new byte[100], isLast: true);
            RawHttp2.Frame? answer = await client.ReadUntilAsync(f => f.Type == RawHttp2.FrameType.Headers && f.Stream == stream, _deadline.Token);
            Assert.Equal(RawHttp2.StatusOk, answer?.Payload[0]);

            // The kernel acknowledges the first ones on a connection at once anyway.
            if (i >= Writes / 2) times.Add(Stopwatch.GetElapsedTime(started));
        }

        times.Sort();
        output.WriteLine($"{times[times.Count / 2].TotalMilliseconds:0.0} ms a write");
        Assert.True(times[times.Count / 2] < TimeSpan.FromMilliseconds(35), $"A write takes {times[times.Count / 2].TotalMilliseconds:0.0} ms.");
    }

    [Fact]
    public async Task Headers_are_as_long_as_with_HTTP_1_and_no_longer()
    {
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions());
        await using StrataServer server = await StartAsync(store);
        foreach ((int length, HttpStatusCode expected) in ((int, HttpStatusCode)[])[(8 << 10, HttpStatusCode.OK), (33 << 10, HttpStatusCode.RequestHeaderFieldsTooLarge)])
        {
            foreach (Version version in (Version[])[HttpVersion.Version11, HttpVersion.Version20])
            {
                using HttpClient http = ClientOf(server, version);
                for (int i = 0; i < length; i += 1 << 10) http.DefaultRequestHeaders.Add($"x-long-{i}", new string('x', 1 << 10));
                try
                {
                    using HttpResponseMessage answer = await http.GetAsync("_strata/health", _deadline.Token);
                    Assert.Equal(expected, answer.StatusCode);
                }
                catch (HttpRequestException) when (version == HttpVersion.Version20 && expected != HttpStatusCode.OK)
                {
                    // The client knows the limit, or the server ends the connection.
                }
            }
        }
    }

    private async Task<Socket> ConnectAsync(StrataServer server)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPEndPoint.Parse(server.Address.Authority), _deadline.Token);
        return socket;
    }

    /// <summary>Reads until the server has closed.</summary>
    private async Task EndAsync(Socket socket)
    {
        byte[] buffer = new byte[4096];
        try
        {
            while (await socket.ReceiveAsync(buffer, _deadline.Token) > 0) await Task.Yield();
        }
        catch (SocketException)
        {
            // Closed with a reset.
        }
    }

    private static HttpClient ClientOf(StrataServer server, Version version) => new() { BaseAddress = server.Address, DefaultRequestVersion = version, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };

    private static Task<StrataServer> StartAsync(IBlobStore store, StrataServerOptions? options = null) =>
        StrataServer.StartAsync(new Dictionary<string, IBlobStore> { ["main"] = store }, (options ?? new()) with { Listen = "127.0.0.1:0" });
}
