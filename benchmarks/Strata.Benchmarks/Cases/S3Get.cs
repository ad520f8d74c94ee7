namespace Strata.Benchmarks;

/// <summary>GET of 1 KiB over S3 on 64 connections: what the server itself costs a request.</summary>
internal sealed class S3Get : BenchmarkCase
{
    private const int Keys = 1_000;
    private const int Length = 1_024;
    private const int Connections = 64;
    private const double UnsignedTarget = 0.85;
    private const double SignedTarget = 0.6;
    private static readonly byte[] Bytes = Payload.Of(Length);

    public override string Name => "s3-get";

    public override string Summary => "S3 GET of 1 KiB on 64 connections, unsigned and signed, against Kestrel serving the same bytes raw, sent the same headers; each server in its own process; target 15";

    public override async Task RunAsync(Contest contest)
    {
        using var folder = new WorkFolder();
        await using ServerProcess open = await ServerProcess.StartTiersAsync(folder["open"]);
        await using ServerProcess guarded = await ServerProcess.StartSignedTiersAsync(folder["guarded"]);
        await using ServerProcess raw = await ServerProcess.StartRawAsync(folder["raw"]);
        await AddAsync(contest, open, guarded, raw, Connections, UnsignedTarget, SignedTarget);
    }

    /// <summary>Measures GETs on some connections and adds their rows.</summary>
    public static async Task AddAsync(Contest contest, ServerProcess open, ServerProcess guarded, ServerProcess raw, int connections, double? unsignedTarget = null, double? signedTarget = null)
    {
        using SocketLoad toOpen = new(open.Address, connections), toGuarded = new(guarded.Address, connections), toRaw = new(raw.Address, connections);
        V4Signer signer = ServerProcess.Signer;
        toOpen.InTurns(Puts(open, "/main/get-{0}"), 0)(Keys);
        toGuarded.InTurns(Puts(guarded, "/main/get-{0}", signer), 0)(Keys);

        Lane unsigned = contest.Add("unsigned", toOpen.InTurns(Gets(open, "/main/get-{0}"), Length), open);
        Lane unsignedLimit = contest.Add("Kestrel, from memory", toRaw.InTurns(Gets(raw, $"/memory/{Length}"), Length), raw);
        Lane signed = contest.Add("signed", toGuarded.InTurns(Gets(guarded, "/main/get-{0}", signer), Length), guarded);
        Lane signedLimit = contest.Add("Kestrel, the same headers", toRaw.InTurns(Gets(raw, $"/memory/{Length}", signer), Length), raw);
        await contest.RunAsync();

        foreach ((Lane lane, Lane peer, double? target) in ((Lane, Lane, double?)[])[(unsigned, unsignedLimit, unsignedTarget), (signed, signedLimit, signedTarget), (signed, unsigned, null)])
        {
            string metric = $"GET, {lane.Name}, {On(connections)}";
            contest.Higher(metric, "requests/s", Series.PerSecond(lane), Series.PerSecond(peer), target);
            if (connections > 1) contest.Lower($"{metric}, server's processor", "µs", Series.ServerMicroseconds(lane), Series.ServerMicroseconds(peer));
        }
    }

    /// <summary>A number of connections in words.</summary>
    public static string On(int connections) => connections == 1 ? "1 connection" : $"{connections} connections";

    /// <summary>PUTs of 1 KiB, each of another key.</summary>
    public static WireRequest[] Puts(ServerProcess server, string path, V4Signer? signer = null) =>
        [.. Enumerable.Range(0, Keys).Select(number => WireRequest.Put(server.Address, string.Format(null, path, number), Bytes, signer))];

    private static WireRequest[] Gets(ServerProcess server, string path, V4Signer? signer = null) =>
        [.. Enumerable.Range(0, Keys).Select(number => WireRequest.Get(server.Address, string.Format(null, path, number), signer))];
}
