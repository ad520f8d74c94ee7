namespace Strata.Benchmarks;

/// <summary>A read of one key over KV Connect: what the protocol and the database cost beyond HTTP.</summary>
internal sealed class KvConnectGet : BenchmarkCase
{
    public override string Name => "kvconnect-get";

    public override string Summary => "reads of one value of 1 KiB over KV Connect by 1 and 64 clients, against Kestrel taking and answering as many bytes; each server in its own process";

    public override async Task RunAsync(Contest contest)
    {
        using var folder = new WorkFolder();
        await using ServerProcess server = await ServerProcess.StartKeyValuesAsync(folder["kv"]);
        await using ServerProcess raw = await ServerProcess.StartRawAsync(folder["raw"]);
        var calls = new KvConnectCalls(server, "app");
        foreach (int clients in (int[])[1, 64])
        {
            using SocketLoad toOurs = new(server.Address, clients), toRaw = new(raw.Address, clients);
            Lane ours = contest.Add("KV Connect", toOurs.InTurns(calls.Gets, calls.GetLength), server);
            Lane limit = contest.Add("Kestrel, from memory", toRaw.InTurns(calls.Emptied(raw, calls.Gets, calls.GetLength), calls.GetLength), raw);
            await contest.RunAsync();
            contest.Higher($"get, {S3Get.On(clients)}", "requests/s", Series.PerSecond(ours), Series.PerSecond(limit));
            contest.Lower($"get, {S3Get.On(clients)}, server's processor", "µs", Series.ServerMicroseconds(ours), Series.ServerMicroseconds(limit));
        }
    }
}
