using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Text;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>Five hundred clients that begin something and never go on: others hardly notice, and the stalled ones are cut off.</summary>
public sealed class StalledConnectionTests(ITestOutputHelper output)
{
    private const int Stalled = 500, Requests = 400;

    /// <summary>Shorter than the defaults (15 s, 10 s), so that the test is.</summary>
    private static readonly TimeSpan HeaderTimeout = TimeSpan.FromSeconds(5), SlowGrace = TimeSpan.FromSeconds(8);

    /// <summary>Slack for a busy machine; the least that is called slow.</summary>
    private static readonly TimeSpan Floor = TimeSpan.FromMilliseconds(250);

    [Theory]
    [InlineData("half a request line", "GET /main/sm")]
    [InlineData("half the headers", "GET /main/small HTTP/1.1\r\nHost: {0}\r\nAccept: te")]
    [InlineData("half a body", "PUT /main/stalled HTTP/1.1\r\nHost: {0}\r\nContent-Length: 1000000\r\n\r\nhalf")]
    [InlineData("an answer that nobody reads", "GET /main/large HTTP/1.1\r\nHost: {0}\r\n\r\n")]
    public async Task Others_go_on_and_the_stalled_are_cut_off(string kind, string sent)
    {
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions());
        await store.PutBytesAsync(BlobKey.Parse("small"), new byte[4000]);
        await store.PutBytesAsync(BlobKey.Parse("large"), new byte[32 << 20]);
        var options = new StrataServerOptions { Listen = "127.0.0.1:0", HeaderTimeout = HeaderTimeout, SlowGrace = SlowGrace };
        StrataServer server = await StrataServer.StartAsync(new Dictionary<string, IBlobStore> { ["main"] = store }, options);
        using var http = new HttpClient { BaseAddress = server.Address };
        await MeasureAsync(http);
        TimeSpan before = await MeasureAsync(http);

        long started = Stopwatch.GetTimestamp();
        byte[] bytes = Encoding.ASCII.GetBytes(string.Format(CultureInfo.InvariantCulture, sent, server.Address.Authority));
        Socket[] stalled = await Task.WhenAll(Enumerable.Range(0, Stalled).Select(_ => StallAsync(server.Address, bytes)));
        try
        {
            // The first requests come while all these connections begin; what counts is how it is among them.
            await MeasureAsync(http);
            TimeSpan during = await MeasureAsync(http);
            int left = OpenConnections(server.Address);
            TimeSpan measured = Stopwatch.GetElapsedTime(started);
            await CutOffAsync(server.Address);
            TimeSpan cut = Stopwatch.GetElapsedTime(started);
            output.WriteLine($"{Stalled} x {kind}: p99 {before.TotalMilliseconds:0.0} ms before, {during.TotalMilliseconds:0.0} ms among them; measured within {measured.TotalSeconds:0.0} s, {left} connections then, all cut off after {cut.TotalSeconds:0.0} s");
            Assert.True(during < 10 * before || during < Floor, $"others' p99 went from {before.TotalMilliseconds:0.0} to {during.TotalMilliseconds:0.0} ms");
            Assert.Null(await store.StatAsync(BlobKey.Parse("stalled")));
            await MeasureAsync(http);
        }
        finally
        {
            long stopping = Stopwatch.GetTimestamp();
            await server.DisposeAsync();
            Assert.True(Stopwatch.GetElapsedTime(stopping) < options.DrainTimeout / 2, "the server still held requests of clients that were cut off");
            foreach (Socket socket in stalled) socket.Dispose();
        }
    }

    /// <summary>From an address that is not that of the others, so that both are clients with a share of their own.</summary>
    private static async Task<Socket> StallAsync(Uri address, byte[] bytes)
    {
        // A small window, which is full at once.
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        socket.Bind(new IPEndPoint(IPAddress.Parse("127.0.0.2"), 0));
        await socket.ConnectAsync(IPEndPoint.Parse(address.Authority));
        await socket.SendAsync(bytes);
        return socket;
    }

    /// <summary>The server's side tells: a client that reads nothing does not hear that it was cut off.</summary>
    private static Task CutOffAsync(Uri address) => Eventually.HoldsAsync(
        () => Task.FromResult(OpenConnections(address) < Stalled / 10), TimeSpan.FromSeconds(35));

    private static int OpenConnections(Uri address) => IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpConnections()
        .Count(c => c.LocalEndPoint.Port == address.Port && c.State == TcpState.Established);

    /// <summary>The 99th percentile of others' requests: four at once, a write for every three reads.</summary>
    private static async Task<TimeSpan> MeasureAsync(HttpClient http)
    {
        var times = new List<TimeSpan>();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(async client =>
        {
            for (int n = 0; n < Requests / 4; n++)
            {
                long started = Stopwatch.GetTimestamp();
                using HttpResponseMessage answer = n % 4 == 0
                    ? await http.PutAsync($"main/other-{client}", new ByteArrayContent(new byte[4000]))
                    : await http.GetAsync("main/small");
                Assert.True(answer.IsSuccessStatusCode, $"a request among stalled ones was answered by {(int)answer.StatusCode}");
                lock (times) times.Add(Stopwatch.GetElapsedTime(started));
            }
        }));
        times.Sort();
        return times[(int)(times.Count * 0.99)];
    }
}
