namespace Strata.Benchmarks;

/// <summary>Small objects over S3, on one connection (latency) and on sixteen and sixty-four (what the server can do), unsigned and signed.</summary>
internal sealed class S3Small : BenchmarkCase
{
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
            await S3Get.AddAsync(contest, open, guarded, raw, connections);
            await PutAsync(contest, open, guarded, raw, connections);
        }
    }

    private static async Task PutAsync(Contest contest, ServerProcess open, ServerProcess guarded, ServerProcess raw, int connections)
    {
        using SocketLoad toOpen = new(open.Address, connections), toGuarded = new(guarded.Address, connections), toRaw = new(raw.Address, connections);
        Lane unsigned = contest.Add("unsigned", toOpen.InTurns(Puts(open, "/main/put-{0}"), 0));
        Lane signed = contest.Add("signed", toGuarded.InTurns(Puts(guarded, "/main/put-{0}", ServerProcess.Signer), 0));
        Lane forget = contest.Add("Kestrel, forgets", toRaw.InTurns(Puts(raw, "/memory/put-{0}"), 0));
        Lane keep = contest.Add("Kestrel, durable file", toRaw.InTurns(Puts(raw, "/file/put-{0}"), 0));
        await contest.RunAsync();

        foreach ((Lane lane, Lane peer) in ((Lane, Lane)[])[(unsigned, forget), (unsigned, keep), (signed, keep)])
            contest.Higher($"PUT, {lane.Name}, {S3Get.On(connections)}", "requests/s", Series.PerSecond(lane), Series.PerSecond(peer));
    }

    private static WireRequest[] Puts(ServerProcess server, string path, V4Signer? signer = null) => S3Get.Puts(server, path, signer);
}
