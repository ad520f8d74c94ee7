using System.Diagnostics;
using Strata.Testing;

namespace Strata.Benchmarks;

/// <summary>
/// What write-back costs and brings: durable puts of 1 KiB that a folder acknowledges before an origin 20 ms away has them, against the
/// folder alone and against waiting for the origin; and how fast the origin gets what is pending, against puts to it side by side.
/// </summary>
internal sealed class WriteBack : BenchmarkCase
{
    private const int Keys = 4_000, ValueLength = 1_024, Callers = 64, Usual = 8, Many = 64;
    private const double PutTarget = 0.7, DrainTarget = 0.9;
    private static readonly TimeSpan Latency = TimeSpan.FromMilliseconds(20);
    private readonly byte[] _value = Payload.Of(ValueLength);
    private readonly BlobKey[] _keys = [.. Enumerable.Range(0, Keys).Select(i => BlobKey.Parse($"object-{i:x8}"))];

    public override string Name => "write-back";

    public override string Summary => "durable puts of 1 KiB through write-back over an origin 20 ms away, by one caller and by 64, against the warm store alone and against write-through; what is pending drained by 8 and by 64 at once, against as many raw puts at once; target 17";

    public override async Task RunAsync(Contest contest)
    {
        using var folder = new WorkFolder();
        await using (TieredBlobStore back = await OpenAsync(folder["back"], TieringWrites.Back, Usual, NewOrigin()), through = await OpenAsync(folder["through"], TieringWrites.Through, Usual, NewOrigin()))
        {
            await using DiskBlobStore bare = await OpenAsync(folder["bare"]);
            Lane ours = Add(contest, "write-back", back), alone = Add(contest, "warm store alone", bare), waiting = Add(contest, "write-through", through);
            await contest.RunAsync();
            contest.Higher("durable put", "1/s", Series.PerSecond(ours), Series.PerSecond(alone), PutTarget);
            contest.Higher("durable put", "1/s", Series.PerSecond(ours), Series.PerSecond(waiting));

            // So many of them that the last callers are as busy as the first, whatever one takes.
            Series[] together = await contest.RunTrialsAsync(
                ("write-back", () => PutAsync(back, Keys, Callers)),
                ("warm store alone", () => PutAsync(bare, Keys, Callers)),
                ("write-through", () => PutAsync(through, Keys, Callers)));
            foreach (Series peer in together[1..]) contest.Higher($"durable put by {Callers}", "1/s", together[0], peer, peer == together[1] ? PutTarget : null);
        }

        foreach (int parallelism in (int[])[Usual, Many])
        {
            int pending = parallelism == Usual ? Keys / 8 : Keys;
            LatencyStore origin = NewOrigin();
            await using TieredBlobStore back = await OpenAsync(folder[$"drained-by-{parallelism}"], TieringWrites.Back, parallelism, origin);
            await using LatencyStore raw = NewOrigin();
            Series[] drained = await contest.RunTrialsAsync(
                ("write-back", () => DrainAsync(back, origin, pending)),
                ("raw puts", () => PutAsync(raw, pending, parallelism)));
            contest.Higher($"drained by {parallelism} at once", "1/s", drained[0], drained[1], DrainTarget);
        }
    }

    private Lane Add(Contest contest, string name, IBlobStore store) => contest.Add(name, (_, operations) =>
        Writers.RunAsync(1, operations, async (_, i) => await store.PutBytesAsync(_keys[i % Keys], _value)));

    /// <summary>Blobs a second, once all are pending.</summary>
    private async Task<double> DrainAsync(TieredBlobStore store, LatencyStore origin, int count)
    {
        using StoreGate gate = origin.Hold(StoreOperation.Write);
        await PutAsync(store, count, Callers);
        if (!store.TryGetFacet(out IWriteBack? back)) throw new InvalidOperationException("The store does not write back.");
        Sink.Expect(back.GetStatus().Pending, count);
        long start = Stopwatch.GetTimestamp();
        gate.Open();
        await back.FlushAsync();
        return count / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private async Task<double> PutAsync(IBlobStore store, int count, int callers)
    {
        long start = Stopwatch.GetTimestamp();
        await Writers.RunAsync(callers, count, async (_, i) => await store.PutBytesAsync(_keys[i], _value));
        return count / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static LatencyStore NewOrigin() => new(new MemoryBlobStore()) { Delay = Latency };

    private static async Task<TieredBlobStore> OpenAsync(string path, TieringWrites writes, int parallelism, LatencyStore origin) => await TieredBlobStore.OpenAsync(
        [new Tier { Name = "warm", Store = await OpenAsync(path) }, new Tier { Name = "origin", Store = origin }],
        new TieringOptions { Writes = writes, WriteBack = new WriteBackOptions { Parallelism = parallelism } });

    private static async Task<DiskBlobStore> OpenAsync(string path) => await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = path, Durability = DiskDurability.Flush });
}
