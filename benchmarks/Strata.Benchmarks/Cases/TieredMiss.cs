namespace Strata.Benchmarks;

/// <summary>
/// A read that the memory tier cannot answer and the disk below it does: what the tier layer adds to the bare disk store, where the blob
/// gets no copy above and where each does.
/// </summary>
internal sealed class TieredMiss : BenchmarkCase
{
    private const long SmallRoom = 1 << 20, LargeRoom = 8 << 20;

    public override string Name => "tiered-miss";

    public override string Summary => "a read that memory over disk answers from disk, of 1 KiB and of 64 KiB, every byte touched, without a copy in memory and until the copy is made, against the bare disk store";

    public override async Task RunAsync(Contest contest)
    {
        await RunAsync(contest, "1 KiB", 1 << 10, 20_000, SmallRoom);
        await RunAsync(contest, "64 KiB", 64 << 10, 1_000, LargeRoom);
    }

    private static async Task RunAsync(Contest contest, string size, int length, int keys, long room)
    {
        using var folder = new WorkFolder();
        var table = new ScatteredKeys(keys);
        byte[] value = Payload.Of(length);
        await using DiskBlobStore disk = await FillAsync(folder["bare"], table, value);
        await using TieredBlobStore passing = Over(await FillAsync(folder["passing"], table, value), room, mostCopied: 1);
        await using TieredBlobStore copying = Over(await FillAsync(folder["copying"], table, value), room, mostCopied: null);

        Lane bare = contest.Add("disk store", Read(disk, table, Sink.Sum(value)));
        Lane passed = contest.Add($"{size}, no copy", Read(passing, table, Sink.Sum(value)));
        Lane copied = contest.Add($"{size}, and its copy", Read(copying, table, Sink.Sum(value), copying));
        await contest.RunAsync();
        foreach (Lane lane in (Lane[])[passed, copied])
        {
            contest.Lower($"{lane.Name}, time", "µs", Series.Microseconds(lane), Series.Microseconds(bare));
            contest.Lower($"{lane.Name}, allocated", "B", Series.AllocatedBytes(lane), Series.AllocatedBytes(bare));
        }
    }

    private static async Task<DiskBlobStore> FillAsync(string path, ScatteredKeys keys, byte[] value)
    {
        DiskBlobStore disk = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = path, Durability = DiskDurability.OperatingSystem });
        await Writers.RunAsync(16, keys.Count, async (_, i) => await disk.PutBytesAsync(keys.Blobs[i], value));
        return disk;
    }

    /// <summary>Memory over a disk that has all, with room for a twentieth or so.</summary>
    private static TieredBlobStore Over(DiskBlobStore disk, long room, long? mostCopied) => new(
    [
        new Tier { Name = "hot", Store = new MemoryBlobStore(new MemoryBlobStoreOptions { Evicts = true, MaxBytes = room }), MaxBlobBytes = mostCopied },
        new Tier { Name = "cold", Store = disk },
    ]);

    /// <summary>Reads all keys in turn, again and again: what was copied has been evicted when its turn comes.</summary>
    /// <param name="store">What is read.</param>
    /// <param name="keys">The keys.</param>
    /// <param name="expected">The sum of each blob's bytes.</param>
    /// <param name="copying">If its copies are waited for, which it makes in the background: so often that none is given up for the length of its queue.</param>
    private static Func<int, int, Task> Read(IBlobStore store, ScatteredKeys keys, long expected, TieredBlobStore? copying = null)
    {
        const int MostQueued = 256;
        int next = 0;
        return async (_, operations) =>
        {
            long sum = 0, before = CopiesOf(copying);
            for (int i = 1; i <= operations; i++)
            {
                sum += await store.SumAsync(keys.Blobs[next++ % keys.Count]);
                if (i % MostQueued == 0 || i == operations) Settle(copying);
            }

            Sink.Expect(sum, operations * expected);
            if (copying is not null && CopiesOf(copying) - before < operations * 0.99) throw new InvalidOperationException($"Of {operations} reads only {CopiesOf(copying) - before} were misses that made a copy.");
        };
    }

    private static void Settle(TieredBlobStore? copying)
    {
        var wait = new SpinWait();
        while (copying is { IsIdle: false }) wait.SpinOnce(sleep1Threshold: -1);
    }

    private static long CopiesOf(TieredBlobStore? store) => store?.GetTierStatistics()[0].Promotions ?? 0;
}
