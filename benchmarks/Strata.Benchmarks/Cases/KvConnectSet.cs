namespace Strata.Benchmarks;

/// <summary>A write of one key over KV Connect, durable and into memory.</summary>
internal sealed class KvConnectSet : BenchmarkCase
{
    public override string Name => "kvconnect-set";

    public override string Summary => "writes of one value of 1 KiB over KV Connect by 1 and 64 clients, into memory against Kestrel taking and answering as many bytes, and durable against Kestrel writing a durable file; each server in its own process";

    public override async Task RunAsync(Contest contest)
    {
        using var folder = new WorkFolder();
        await using ServerProcess server = await ServerProcess.StartKeyValuesAsync(folder["kv"]);
        await using ServerProcess raw = await ServerProcess.StartRawAsync(folder["raw"]);
        KvConnectCalls durable = new(server, "app"), quick = new(server, ServerProcess.MemoryDatabase);
        foreach (int clients in (int[])[1, 64])
        {
            using SocketLoad toOurs = new(server.Address, clients), toRaw = new(raw.Address, clients);
            Lane memory = contest.Add("KV Connect, in memory", toOurs.InTurns(quick.Sets, quick.SetLength), server);
            Lane limit = contest.Add("Kestrel, forgets", toRaw.InTurns(quick.Emptied(raw, quick.Sets, quick.SetLength), quick.SetLength), raw);
            Lane disk = contest.Add("KV Connect, durable", toOurs.InTurns(durable.Sets, durable.SetLength), server);
            Lane file = contest.Add("Kestrel, durable file", toRaw.InTurns(durable.Files(raw), 0), raw);
            await contest.RunAsync();
            contest.Higher($"set, in memory, {S3Get.On(clients)}", "requests/s", Series.PerSecond(memory), Series.PerSecond(limit));
            contest.Lower($"set, in memory, {S3Get.On(clients)}, server's processor", "µs", Series.ServerMicroseconds(memory), Series.ServerMicroseconds(limit));
            contest.Higher($"set, durable, {S3Get.On(clients)}", "requests/s", Series.PerSecond(disk), Series.PerSecond(file));
        }
    }
}
