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
            await GetAsync(contest, open, guarded, raw, connections);
            await PutAsync(contest, open, guarded, raw, connections);
        }
    }

    private async Task GetAsync(Contest contest, ServerProcess open, ServerProcess guarded, ServerProcess raw, int connections)
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

        foreach ((Lane lane, Lane peer) in ((Lane, Lane)[])[(unsigned, unsignedLimit), (signed, signedLimit), (signed, unsigned)])
        {
            string metric = $"GET, {lane.Name}, {On(connections)}";
            contest.Higher(metric, "requests/s", Series.PerSecond(lane), Series.PerSecond(peer));
            if (connections > 1) contest.Lower($"{metric}, server's processor", "µs", Series.ServerMicroseconds(lane), Series.ServerMicroseconds(peer));
        }
    }

    private async Task PutAsync(Contest contest, ServerProcess open, ServerProcess guarded, ServerProcess raw, int connections)
    {
        using SocketLoad toOpen = new(open.Address, connections), toGuarded = new(guarded.Address, connections), toRaw = new(raw.Address, connections);
        Lane unsigned = contest.Add("unsigned", toOpen.InTurns(Puts(open, "/main/put-{0}"), 0));
        Lane signed = contest.Add("signed", toGuarded.InTurns(Puts(guarded, "/main/put-{0}", ServerProcess.Signer), 0));
        Lane forget = contest.Add("Kestrel, forgets", toRaw.InTurns(Puts(raw, "/memory/put-{0}"), 0));
        Lane keep = contest.Add("Kestrel, durable file", toRaw.InTurns(Puts(raw, "/file/put-{0}"), 0));
        await contest.RunAsync();

        foreach ((Lane lane, Lane peer) in ((Lane, Lane)[])[(unsigned, forget), (unsigned, keep), (signed, keep)])
            contest.Higher($"PUT, {lane.Name}, {On(connections)}", "requests/s", Series.PerSecond(lane), Series.PerSecond(peer));
    }

    private static string On(int connections) => connections == 1 ? "1 connection" : $"{connections} connections";

    private static WireRequest[] Gets(ServerProcess server, string path, V4Signer? signer = null) =>
        [.. Enumerable.Range(0, Keys).Select(number => WireRequest.Get(server.Address, string.Format(null, path, number), signer))];

    private WireRequest[] Puts(ServerProcess server, string path, V4Signer? signer = null) =>
        [.. Enumerable.Range(0, Keys).Select(number => WireRequest.Put(server.Address, string.Format(null, path, number), _bytes, signer))];
}
