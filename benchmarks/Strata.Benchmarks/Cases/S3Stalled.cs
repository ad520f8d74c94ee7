using System.Diagnostics;
using System.Text;

namespace Strata.Benchmarks;

/// <summary>
/// What one client notices of five hundred connections of another one that stall: the median and the 99th percentile of
/// its requests among them, against the same client alone.
/// </summary>
internal sealed class S3Stalled : BenchmarkCase
{
    private const int Stalled = 500;
    private const int Keys = 1_000;
    private const int Length = 1_024;
    private const int LargeLength = 64 << 20;
    private const int Gets = 4_000;
    private const int Puts = 500;
    private const string LargePath = "/main/large";
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50), Patience = TimeSpan.FromSeconds(20);
    private readonly byte[] _bytes = Payload.Of(Length);

    public override string Name => "s3-stalled";

    public override string Summary => "signed GET and PUT of 1 KiB on one connection among 500 of another key that stall (idle, half the headers, half a body, an answer that nobody reads), against the same alone; the server in its own process";

    public override async Task RunAsync(Contest contest)
    {
        using var folder = new WorkFolder();
        await using ServerProcess server = await ServerProcess.StartSignedTiersAsync(folder["ours"]);
        using var connection = new SocketConnection(server.Address);
        WireRequest[] gets = [.. Enumerable.Range(0, Keys).Select(n => WireRequest.Get(server.Address, $"/main/get-{n}", ServerProcess.Signer))];
        WireRequest[] puts = [.. Enumerable.Range(0, Keys).Select(n => WireRequest.Put(server.Address, $"/main/put-{n}", _bytes, ServerProcess.Signer))];
        for (int n = 0; n < Keys; n++) connection.Ask(WireRequest.Put(server.Address, $"/main/get-{n}", _bytes, ServerProcess.Signer));
        connection.Ask(WireRequest.Put(server.Address, LargePath, Payload.Of(LargeLength), ServerProcess.Signer));
        for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < 2 * contest.Settings.WarmUp;) Measure(gets, Length, Gets);

        foreach ((string kind, byte[] sent) in Kinds(server.Address))
        {
            Latencies alone = new(), among = new();
            for (int round = 0; round < contest.Settings.Rounds; round++)
            {
                await RunRoundAsync(alone);
                using var stalled = new StalledConnections(server.Address, Stalled, sent);
                await RunRoundAsync(among);
            }

            foreach ((string operation, Percentiles with, Percentiles without) in ((string, Percentiles, Percentiles)[])[("GET", among.Gets, alone.Gets), ("PUT", among.Puts, alone.Puts)])
            {
                contest.Lower($"{operation}, {Stalled} × {kind}, p50", "µs", new Series(kind, with.Halves), new Series("alone", without.Halves));
                contest.Lower($"{operation}, {Stalled} × {kind}, p99", "µs", new Series(kind, with.Tails), new Series("alone", without.Tails));
            }
        }

        async Task RunRoundAsync(Latencies into)
        {
            await SettleAsync(server);
            Measure(gets, Length, Gets / 4);
            into.Gets.Add(Measure(gets, Length, Gets));
            Measure(puts, 0, Puts / 4);
            into.Puts.Add(Measure(puts, 0, Puts));
        }

        double[] Measure(WireRequest[] requests, long length, int count)
        {
            var times = new double[count];
            for (int n = 0; n < count; n++)
            {
                long start = Stopwatch.GetTimestamp();
                connection.Send(requests[n % requests.Length]);
                Sink.Expect(connection.Receive(), length);
                times[n] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
            }

            return times;
        }
    }

    /// <summary>Connections that open or end are something else than such that stall: waits until the server has done with them.</summary>
    private static async Task SettleAsync(ServerProcess server)
    {
        TimeSpan before, now = server.ProcessorTime;
        long start = Stopwatch.GetTimestamp();
        do
        {
            before = now;
            await Task.Delay(Pause);
            now = server.ProcessorTime;
        }
        while (now != before && Stopwatch.GetElapsedTime(start) < Patience);
    }

    /// <summary>What stalled connections send; those of one key, and those that no key can be told of.</summary>
    private static (string Kind, byte[] Sent)[] Kinds(Uri server)
    {
        V4Signer signer = ServerProcess.OtherSigner;
        WireRequest put = WireRequest.Put(server, "/main/stalled", Payload.Of(Length), signer), get = WireRequest.Get(server, LargePath, signer);
        return
        [
            ("idle", []),
            ("half the headers", Encoding.ASCII.GetBytes($"GET {LargePath} HTTP/1.1\r\nHost: {server.Authority}\r\nAccept: te")),
            ("half a body", put.Start[..^(Length / 2)].ToArray()),
            ("unread answer", get.Start.ToArray()),
        ];
    }

    private sealed class Latencies
    {
        public Percentiles Gets { get; } = new();

        public Percentiles Puts { get; } = new();
    }

    /// <summary>The percentiles of each round.</summary>
    private sealed class Percentiles
    {
        public List<double> Halves { get; } = [];

        public List<double> Tails { get; } = [];

        public void Add(double[] times)
        {
            Array.Sort(times);
            Halves.Add(times[times.Length / 2]);
            Tails.Add(times[times.Length * 99 / 100]);
        }
    }
}
