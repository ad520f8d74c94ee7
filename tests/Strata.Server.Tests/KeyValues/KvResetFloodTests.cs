using System.Globalization;
using System.Net;
using Google.Protobuf;
using Strata.KvConnect;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>Clients of HTTP/2 that begin calls and take them back, which costs them nothing (CVE-2023-44487), while others work.</summary>
public sealed class KvResetFloodTests(ITestOutputHelper output)
{
    private const string Secret = "a-token-of-app-1";
    private const int Connections = 20, Streams = 1_000;

    /// <summary>What the web server's pool may keep of twenty busy connections, bytes; a watch that stayed has some 20,000.</summary>
    private const long MostGrown = 96L << 20;

    private static readonly byte[] Key = [2, 97, 0];

    [Theory]
    [InlineData(Protocol.Watch)]
    [InlineData(Protocol.AtomicWrite)]
    [InlineData(Protocol.SnapshotRead)]
    [InlineData("queue/take?wait=60s")]
    public async Task Others_are_served_and_nothing_of_it_stays(string call)
    {
        await using RunningServer running = await RunningServer.StartAsync(new StrataServerOptions { KvTokens = [new KvToken(Secret, "app")] }, null, ("Strata:Kv:app", "memory:"));
        var app = new WireClient(running.Http, "app", Secret);
        using (HttpResponseMessage first = await app.CallAsync(Protocol.AtomicWrite, WireClient.Set(Key, 7))) Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        byte[] body = call switch { Protocol.Watch => [0x0A, 0x05, 0x0A, 0x03, .. Key], Protocol.AtomicWrite => WireClient.Set(Key, 7).ToByteArray(), Protocol.SnapshotRead => WireClient.Get(Key).ToByteArray(), _ => [] };
        long before = GC.GetTotalMemory(forceFullCollection: true);
        using var done = new CancellationTokenSource();
        Task<int> others = WorkAsync(app, done.Token);
        int begun = (await Task.WhenAll(Enumerable.Range(0, Connections).Select(_ => FloodAsync(running.Server.Address, call, body)))).Sum();
        await done.CancelAsync();
        int served = await others;
        var kv = (MemoryKvDatabase)(await running.DatabaseAsync("app")).Database;
        await Eventually.HoldsAsync(() => kv.GetStatistics().Watches == 0, () => $"{kv.GetStatistics().Watches} watches stay that nobody listens to.");
        long grown = GC.GetTotalMemory(forceFullCollection: true) - before;
        output.WriteLine($"{call}: {begun.ToString("N0", CultureInfo.InvariantCulture)} calls begun and taken back, {served} of others served meanwhile, {grown >> 10} KiB of memory grown");
        Assert.True(grown < MostGrown, $"{grown >> 20} MiB are held after {begun} calls that were taken back");
        Assert.Equal(7UL, await app.NumberAsync(Key));
    }

    private static async Task<int> WorkAsync(WireClient app, CancellationToken done)
    {
        int count = 0;
        for (; count < 10 || !done.IsCancellationRequested; count++) Assert.Equal(7UL, await app.NumberAsync(Key));
        return count;
    }

    /// <summary>As many as the server takes of one connection before it cuts it off.</summary>
    private static async Task<int> FloodAsync(Uri address, string call, byte[] body)
    {
        using RawHttp2 connection = await RawHttp2.OpenAsync(address);
        (string, string)[] headers = [("authorization", $"Bearer {Secret}"), (Protocol.VersionHeader, "3"), (Protocol.DatabaseHeader, KvEndpoints.IdOf("app").ToString())];
        int begun = 0;
        try
        {
            for (int stream = 1; begun < Streams; stream += 2, begun++)
            {
                await connection.BeginAsync(stream, "POST", "/_kv/app/" + call, isAll: false, headers);
                await connection.DataAsync(stream, body);
                await connection.SendAsync(RawHttp2.ResetOf(stream));
            }

            // To when the server has seen all of it, or will see no more.
            int last = (2 * begun) + 1;
            await connection.BeginAsync(last, "GET", "/_strata/health");
            using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            await connection.ReadUntilAsync(f => f.Type == RawHttp2.FrameType.GoAway || f.Stream == last, deadline.Token);
        }
        catch (System.Net.Sockets.SocketException)
        {
            // It was cut off, as it should be.
        }

        return begun;
    }
}
