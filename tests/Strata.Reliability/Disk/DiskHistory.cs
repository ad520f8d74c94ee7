using System.Collections.Concurrent;
using Strata.Testing;
using Strata.Tests;

namespace Strata.Reliability;

/// <summary>
/// One caller's random operations on a disk store, and what may be found of them afterwards: the states behind each, in
/// order, and how many of them were acknowledged.
/// </summary>
internal sealed partial class DiskHistory(int seed, DiskDurability durability)
{
    private static readonly TimeSpan SyncInterval = TimeSpan.FromSeconds(1);
    private readonly Random _random = new(seed);
    private readonly List<StoreState> _states = [new()];
    private readonly ConcurrentDictionary<(string Operation, long Length, uint Checksum), bool> _made = [];

    public FakeClock Clock { get; } = new();

    /// <summary>Operations that were acknowledged.</summary>
    public int Settled { get; private set; }

    /// <summary>Operations that were on the medium when that was last known.</summary>
    public int Durable { get; private set; }

    public int Refused { get; private set; }

    private StoreState Last => _states[^1];

    /// <summary>What is visible now.</summary>
    private StoreState Now => Last.At(Clock.GetUtcNow());

    /// <summary>Calls the store until it has enough, or the process ends, or the log takes no more.</summary>
    /// <returns>Why it stopped.</returns>
    public async Task<Exception?> RunAsync(DiskBlobStore store, SimulatedDisk disk, int operations)
    {
        for (int i = 0; i < operations; i++)
        {
            if (_random.Next(3) == 0) await PassTimeAsync(store, disk);
            Step step = Next(store);
            try
            {
                await step.Run();
                if (ReferenceEquals(step.After, Last)) continue;
                _states.Add(step.After);
                Settled = _states.Count - 1;
            }
            catch (StorageException e) when (e.Outcome == WriteOutcome.NotApplied)
            {
                // Told that nothing was written: the state stays, and nothing of it may be found later.
                Refused++;
                if (disk.IsStopped) return e;
                string? changed = (await StoreState.ReadAsync(store)).Difference(Now);
                Assert.True(changed is null, $"'{step.What}' was refused ({e.Message}), and yet {changed}, seed {seed}");
                if (store.GetLogStatistics().ReadOnlyBecause is not null) return e;
            }
            catch (Exception e) when (e is SimulatedCrashException or StorageException)
            {
                _states.Add(step.After);
                return e;
            }
        }

        return null;
    }

    /// <summary>Reads at random until it is told to stop: what is read is what some operation wrote, whole.</summary>
    public async Task ReadAllTheWhileAsync(DiskBlobStore store, CancellationToken stop)
    {
        var random = new Random(seed);
        while (!stop.IsCancellationRequested)
        {
            await using BlobReadResult? read = await store.ReadAsync(BlobKey.Parse(Name(random)), null, CancellationToken.None);
            if (read is not null)
            {
                (string Operation, long Length, uint Checksum) found = (read.Info.Metadata["op"], read.Length, Crc32C.Of(await read.ToArrayAsync(CancellationToken.None)));
                Assert.True(_made.ContainsKey(found), $"'{read.Info.Key}' was read as {found.Length} bytes of operation {found.Operation}, which wrote others, seed {seed}");
            }

            await Task.Yield();
        }
    }

    /// <summary>Says that all that was settled so far is on the medium.</summary>
    public void Flushed() => Durable = Settled;

    /// <summary>
    /// What a store holds must be the state behind one of the operations from <paramref name="atLeast"/> on, whole, and its
    /// folder what that needs; it takes writes, and uploads end well.
    /// </summary>
    /// <returns>Which.</returns>
    public async Task<int> CheckAsync(DiskBlobStore store, SimulatedDisk disk, int atLeast, bool mayLoseBytes, string context)
    {
        context = $"{context}, seed {seed}";
        StoreState found = await StoreState.ReadAsync(store);
        DateTimeOffset now = Clock.GetUtcNow();
        int state = _states.FindLastIndex(s => found.Difference(s.At(now)) is null);
        if (state < atLeast)
        {
            int nearest = Enumerable.Range(0, _states.Count).MinBy(i => found.Difference(_states[i].At(now))?.Length ?? 0);
            string detail = state >= 0 ? $"it is the state behind operation {state}: against {atLeast}, {found.Difference(_states[atLeast].At(now))}" : $"it is the state behind none; against the nearest, {nearest}: {found.Difference(_states[nearest].At(now))}";
            throw new Xunit.Sdk.XunitException($"{context}: {atLeast} of {_states.Count - 1} operations must be found, but {detail}\n{disk.Trace}");
        }

        bool isLost = found.Blobs.Values.Any(b => b.IsLost);
        Assert.True(mayLoseBytes || !isLost, $"{context}: bytes are lost: {string.Join(", ", found.Blobs.Where(b => b.Value.IsLost).Select(b => $"'{b.Key}' is {b.Value}"))}\n{disk.Trace}");
        await CheckFolderAsync(store, disk, _states[state], $"{context}, state {state}");
        if (!mayLoseBytes) await CompleteAllAsync(store, found, context);
        return state;
    }

    /// <summary>The folder has the files that are in use, spares, and nothing else; the books say the same.</summary>
    private async Task CheckFolderAsync(DiskBlobStore store, SimulatedDisk disk, StoreState state, string context)
    {
        // The sweep takes what has expired, and what a crash left of uploads that were over.
        Clock.Advance(TimeSpan.FromMinutes(1));
        StoreState now = state.At(Clock.GetUtcNow());
        await Eventually.HoldsAsync(
            () => store.GetStatistics().Blobs == now.Blobs.Count && store.GetValueFileStatistics() is var values && values.Files + values.Missing == now.Files && values.Retired == 0
                && disk.Names.Count(n => n.StartsWith("values/", StringComparison.Ordinal)) == values.Files + values.Spares,
            () => $"{context}: {now.Blobs.Count} blobs in {now.Files} files must be there; the books say {store.GetStatistics()}, {store.GetValueFileStatistics()}; the folder has {string.Join(' ', disk.Names)}");
        await Eventually.HoldsAsync(
            () => disk.Names is var names && names.All(n => n.EndsWith(".hint", StringComparison.Ordinal) ? names.Contains(n[..^4] + "seg") : !n.EndsWith(".tmp", StringComparison.Ordinal)),
            () => $"{context}: files are left that nothing needs: {string.Join(' ', disk.Names)}");
    }

    private static async Task CompleteAllAsync(DiskBlobStore store, StoreState found, string context)
    {
        Assert.True(store.TryGetFacet(out IMultipartUploads? uploads));
        foreach (StoredUpload upload in found.Uploads.Values.Where(u => u.Parts.Count > 0))
        {
            BlobKey key = BlobKey.Parse(upload.Key);
            CompleteResult result = await uploads.CompleteAsync(key, upload.Id!, [.. upload.Parts.Select(p => new PartReference(p.Key, p.Value.ETag!))]);
            Assert.True(result.Status == CompleteStatus.Completed, $"{context}: {upload} came to {result.Status}");
            Assert.True(Whole(upload.Parts.Values).Checksum == Crc32C.Of(await store.GetBytesAsync(key)), $"{context}: the bytes of {upload} are others");
        }

        byte[] last = Bytes(1_200_000, -1);
        Assert.True((await store.PutBytesAsync(BlobKey.Parse("last"), last)).IsWritten);
        Assert.Equal(last, await store.GetBytesAsync(BlobKey.Parse("last")));
    }

    private async Task PassTimeAsync(DiskBlobStore store, SimulatedDisk disk)
    {
        int settled = Settled;
        ulong written = store.GetLogStatistics().LastSequence;
        Clock.Advance(TimeSpan.FromMilliseconds(_random.Next(4_000)));
        if (durability != DiskDurability.Interval || _random.Next(3) > 0) return;
        await Eventually.HoldsAsync(
            () =>
            {
                if (store.GetLogStatistics().DurableSequence >= written || disk.IsStopped) return true;
                Clock.Advance(SyncInterval);
                return false;
            },
            "an interval has passed, and what was written before it is not on the medium");
        if (store.GetLogStatistics().DurableSequence >= written) Durable = settled;
    }

    /// <param name="What">For messages.</param>
    /// <param name="After">What there is if it succeeds; the last state where nothing must change.</param>
    /// <param name="Run">Calls the store, and checks what it says.</param>
    private sealed record Step(string What, StoreState After, Func<Task> Run);
}
