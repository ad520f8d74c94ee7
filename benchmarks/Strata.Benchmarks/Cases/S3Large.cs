namespace Strata.Benchmarks;

/// <summary>A large object over S3: what the path of the bytes costs. Too large for the memory tier, it lies on disk.</summary>
internal sealed class S3Large : BenchmarkCase
{
    private const int Length = 64 << 20;

    public override string Name => "s3-large";

    public override string Summary => "S3 GET and PUT of 64 MiB on one connection, against Kestrel serving and accepting the same bytes raw; each server in its own process";

    public override async Task RunAsync(Contest contest)
    {
        using var folder = new WorkFolder();
        await using ServerProcess ours = await ServerProcess.StartTiersAsync(folder["ours"]);
        await using ServerProcess raw = await ServerProcess.StartRawAsync(folder["raw"]);
        using var strata = new HttpLoad(ours.Address, 1);
        using var kestrel = new HttpLoad(raw.Address, 1);
        byte[] bytes = Payload.Of(Length);
        await strata.Put(_ => "/main/get", bytes)(0, 1);
        await kestrel.Put(_ => "/file/get", bytes)(0, 1);

        Lane get = contest.Add("GET", strata.Get(_ => "/main/get", Length));
        Lane memory = contest.Add("Kestrel, from memory", kestrel.Get(_ => $"/memory/{Length}", Length));
        Lane file = contest.Add("Kestrel, sends a file", kestrel.Get(_ => "/file/get", Length));
        Lane put = contest.Add("PUT", strata.Put(_ => "/main/put", bytes));
        Lane forget = contest.Add("Kestrel, forgets", kestrel.Put(_ => "/memory/put", bytes));
        Lane keep = contest.Add("Kestrel, durable file", kestrel.Put(_ => "/file/put", bytes));
        await contest.RunAsync();

        foreach ((Lane lane, Lane peer) in ((Lane, Lane)[])[(get, memory), (get, file), (put, forget), (put, keep)])
            contest.Higher(lane.Name, "MiB/s", Series.MebibytesPerSecond(lane, Length), Series.MebibytesPerSecond(peer, Length));
    }
}
