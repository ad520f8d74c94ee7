namespace Strata.Benchmarks;

/// <summary>Small objects over S3, on one connection (latency) and on sixteen (what the server can do).</summary>
internal sealed class S3Small : BenchmarkCase
{
    private const int Keys = 1_000;
    private const int Length = 1_024;

    public override string Name => "s3-small";

    public override string Summary => "S3 GET and PUT of 1 KiB, unsigned, against Kestrel serving and accepting the same bytes raw; each server in its own process";

    public override async Task RunAsync(Contest contest)
    {
        using var folder = new WorkFolder();
        await using ServerProcess ours = await ServerProcess.StartTiersAsync(folder["ours"]);
        await using ServerProcess raw = await ServerProcess.StartRawAsync(folder["raw"]);
        foreach (int connections in (int[])[1, 16]) await RunAsync(contest, ours, raw, connections);
    }

    private static async Task RunAsync(Contest contest, ServerProcess ours, ServerProcess raw, int connections)
    {
        using var strata = new HttpLoad(ours.Address, connections);
        using var kestrel = new HttpLoad(raw.Address, connections);
        byte[] bytes = Payload.Of(Length);
        await strata.Put(number => $"/main/get-{number}", bytes)(0, Keys);

        Lane get = contest.Add("GET", strata.Get(number => $"/main/get-{(number % Keys) + 1}", Length));
        Lane answer = contest.Add("Kestrel, from memory", kestrel.Get(_ => $"/memory/{Length}", Length));
        Lane put = contest.Add("PUT", strata.Put(number => $"/main/put-{number % Keys}", bytes));
        Lane forget = contest.Add("Kestrel, forgets", kestrel.Put(number => $"/memory/{number % Keys}", bytes));
        Lane keep = contest.Add("Kestrel, durable file", kestrel.Put(number => $"/file/put-{number % Keys}", bytes));
        await contest.RunAsync();

        string on = connections == 1 ? "1 connection" : $"{connections} connections";
        contest.Higher($"GET, {on}", "requests/s", Series.PerSecond(get), Series.PerSecond(answer));
        contest.Higher($"PUT, {on}", "requests/s", Series.PerSecond(put), Series.PerSecond(forget));
        contest.Higher($"PUT, {on}", "requests/s", Series.PerSecond(put), Series.PerSecond(keep));
    }
}
