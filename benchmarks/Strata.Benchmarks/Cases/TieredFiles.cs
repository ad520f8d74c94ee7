namespace Strata.Benchmarks;

/// <summary>
/// A put and a get of 1 KiB through memory over disk, against files written with the same care: durable (both flush file
/// and folder) and not (both leave it to the operating system).
/// </summary>
internal sealed class TieredFiles : BenchmarkCase
{
    private const int Keys = 1_000;
    private const int ValueLength = 1_024;
    private readonly byte[] _value = Payload.Of(ValueLength);
    private readonly string[] _names = [.. Enumerable.Range(0, Keys).Select(i => $"object-{i:x8}")];
    private readonly BlobKey[] _keys = [.. Enumerable.Range(0, Keys).Select(i => BlobKey.Parse($"object-{i:x8}"))];

    public override string Name => "tiered-files";

    public override string Summary => "put and get of 1 KiB through memory over disk, against raw files of equal durability";

    public override async Task RunAsync(Contest contest)
    {
        using var folder = new WorkFolder();
        await PutAsync(contest, folder, DiskDurability.Flush, "durable put", "write, fdatasync, rename, fsync");
        await PutAsync(contest, folder, DiskDurability.OperatingSystem, "put", "write, rename");
        await GetAsync(contest, folder);
    }

    private async Task PutAsync(Contest contest, WorkFolder folder, DiskDurability durability, string metric, string peerName)
    {
        await using TieredBlobStore tiers = Tiers(await OpenAsync(folder[metric], durability));
        using var files = new RawFiles(folder[metric + " raw"], durability == DiskDurability.Flush);

        Lane ours = contest.Add("tiers", async (_, operations) =>
        {
            for (int i = 0; i < operations; i++) await tiers.PutBytesAsync(_keys[i % Keys], _value);
        });
        Lane peer = contest.Add(peerName, operations =>
        {
            for (int i = 0; i < operations; i++) files.Put(_names[i % Keys], _value);
        });
        await contest.RunAsync();
        AddRows(contest, metric, ours, peer);
    }

    private async Task GetAsync(Contest contest, WorkFolder folder)
    {
        DiskBlobStore disk = await OpenAsync(folder["get"], DiskDurability.OperatingSystem);
        await using TieredBlobStore tiers = Tiers(disk);
        using var files = new RawFiles(folder["get raw"], durable: false);
        for (int i = 0; i < Keys; i++)
        {
            await tiers.PutBytesAsync(_keys[i], _value);
            files.Put(_names[i], _value);
        }

        Lane hot = contest.Add("get, in memory", (_, operations) => GetAsync(tiers, operations));
        Lane cold = contest.Add("get, on disk", (_, operations) => GetAsync(disk, operations));
        Lane peer = contest.Add("open, read, close", operations =>
        {
            long found = 0;
            for (int i = 0; i < operations; i++) found += files.Get(_names[i % Keys]).Length;
            Sink.Expect(found, (long)operations * ValueLength);
        });
        await contest.RunAsync();
        AddRows(contest, hot.Name, hot, peer);
        AddRows(contest, cold.Name, cold, peer);
    }

    private async Task GetAsync(IBlobStore store, int operations)
    {
        long found = 0;
        for (int i = 0; i < operations; i++) found += (await store.GetBytesAsync(_keys[i % Keys]))?.Length ?? 0;
        Sink.Expect(found, (long)operations * ValueLength);
    }

    private static void AddRows(Contest contest, string metric, Lane ours, Lane peer)
    {
        contest.Lower($"{metric}, time", "µs", Series.Microseconds(ours), Series.Microseconds(peer));
        contest.Lower($"{metric}, allocated", "B", Series.AllocatedBytes(ours), Series.AllocatedBytes(peer));
    }

    private static ValueTask<DiskBlobStore> OpenAsync(string path, DiskDurability durability) =>
        DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = path, Durability = durability });

    private static TieredBlobStore Tiers(DiskBlobStore disk) => new(
    [
        new Tier { Name = "hot", Store = new MemoryBlobStore(new MemoryBlobStoreOptions { Evicts = true }) },
        new Tier { Name = "cold", Store = disk },
    ]);
}
