namespace Strata.Benchmarks;

/// <summary>Small objects over S3, on one connection (latency) and on sixteen and sixty-four (what the server can do), unsigned and signed.</summary>
internal sealed class S3Small : BenchmarkCase
{
    private const int Keys = 1_000;
    private const int Length = 1_024;
    private readonly byte[] _bytes = Payload.Of(Length);

    public override string Name => "s3-small";

    public override string Summary => "S3 GET and PUT of 1 KiB, unsigned and signed, against Kestrel serving and accepting the same bytes raw, sent the same headers; each server in its own process";

    public override async Task RunAsync(Contest contest)
    {
        using var folder = new WorkFolder();
        await using ServerProcess open = await ServerProcess.StartTiersAsync(folder["open"]);
        await using ServerProcess guarded = await ServerProcess.StartSignedTiersAsync(folder["guarded"]);
        await using ServerProcess raw = await ServerProcess.StartRawAsync(folder["raw"]);
        foreach (int connections in (int[])[1, 16, 64])
        {
            await RunAsync(contest, open, raw, connections, signer: null);
            await RunAsync(contest, guarded, raw, connections, ServerProcess.Signer);
        }
    }

    private async Task RunAsync(Contest contest, ServerProcess ours, ServerProcess raw, int connections, V4Signer? signer)
    {
        using var strata = new SocketLoad(ours.Address, connections);
        using var kestrel = new SocketLoad(raw.Address, connections);
        strata.InTurns(Puts(ours, "/main/get-{0}", signer), 0)(Keys);

        Lane get = contest.Add("GET", strata.InTurns(Gets(ours, "/main/get-{0}", signer), Length), ours);
        Lane answer = contest.Add("Kestrel, from memory", kestrel.InTurns(Gets(raw, $"/memory/{Length}", signer), Length), raw);
        Lane put = contest.Add("PUT", strata.InTurns(Puts(ours, "/main/put-{0}", signer), 0), ours);
        Lane forget = contest.Add("Kestrel, forgets", kestrel.InTurns(Puts(raw, "/memory/put-{0}", signer), 0), raw);
        Lane keep = contest.Add("Kestrel, durable file", kestrel.InTurns(Puts(raw, "/file/put-{0}", signer), 0), raw);
        await contest.RunAsync();

        string on = $"{(signer is null ? "" : "signed, ")}{connections} {(connections == 1 ? "connection" : "connections")}";
        foreach ((Lane lane, Lane peer) in ((Lane, Lane)[])[(get, answer), (put, forget), (put, keep)])
            contest.Higher($"{lane.Name}, {on}", "requests/s", Series.PerSecond(lane), Series.PerSecond(peer));
        contest.Lower($"GET, {on}, server's processor time", "µs", Series.ServerMicroseconds(get), Series.ServerMicroseconds(answer));
    }

    private static WireRequest[] Gets(ServerProcess server, string path, V4Signer? signer) =>
        [.. Enumerable.Range(0, Keys).Select(number => WireRequest.Get(server.Address, string.Format(null, path, number), signer))];

    private WireRequest[] Puts(ServerProcess server, string path, V4Signer? signer) =>
        [.. Enumerable.Range(0, Keys).Select(number => WireRequest.Put(server.Address, string.Format(null, path, number), _bytes, signer))];
}
