using System.Runtime.CompilerServices;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>What outlives a restart, and what a crash between any two steps of a run leaves: no wrong answer, and nothing that the next run does not put right.</summary>
public sealed class TieringRestartTests : IDisposable
{
    private static readonly BlobKey Key = BlobKey.Parse("a/key");

    /// <summary>Holds the locks of owners alone.</summary>
    private readonly TempFolder _folder = new();
    private int _openings;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Uses_and_what_is_due_and_pins_outlive_a_restart()
    {
        var clock = new FakeClock();
        var (warm, cold) = (new SimulatedDisk(), new SimulatedDisk(2));
        DateTimeOffset used = clock.GetUtcNow();
        await using (TieredBlobStore store = await OpenAsync(warm, cold, clock))
        {
            await store.PutBytesAsync(Key, new byte[10]);
            for (int i = 0; i < 4; i++) Assert.NotNull(await store.GetBytesAsync(Key));
            await store.PutBytesAsync(KeyOf(1), new byte[10]);
            await store.Tiering.PinAsync(KeyOf(1), "warm");
            Assert.True(store.Tiering.GetTieringStatus().IsDurable);
        }

        clock.Advance(TimeSpan.FromHours(3));
        await using TieredBlobStore again = await OpenAsync(warm.Kill(), cold.Kill(), clock);
        TierExplanation found = (await again.Tiering.ExplainAsync(Key))!;
        Assert.Equal((5, used), (found.Use.HistoryAccesses, found.Use.LastAccess));
        Assert.Equal(5, (await again.StatAsync(Key))!.AccessCount);
        Assert.Equal([new TierPin(KeyOf(1), "warm")], again.Tiering.GetPins());
        Assert.Equal(2, (await again.Tiering.RunTieringAsync()).LookedAt);
        clock.Advance(TimeSpan.FromDays(2));
        Assert.Equal((1, 1), await again.Tiering.RunTieringAsync() is var run ? (run.LookedAt, run.Demoted) : default);
        Assert.Equal(("cold", "warm"), (await again.Tiering.GetTierAsync(Key), await again.Tiering.GetTierAsync(KeyOf(1))));
    }

    [Fact]
    public async Task A_pin_to_a_tier_that_is_gone_does_nothing_and_is_there_when_the_tier_is()
    {
        var clock = new FakeClock();
        var (warm, cold) = (new SimulatedDisk(), new SimulatedDisk(2));
        await using (TieredBlobStore store = await OpenAsync(warm, cold, clock)) await store.Tiering.PinAsync(Key, "warm");
        SimulatedDisk later = cold.Kill();
        await using (TieredBlobStore store = await OpenAsync(warm.Kill(), later, clock, warmName: "tepid")) Assert.Empty(store.Tiering.GetPins());
        await using TieredBlobStore again = await OpenAsync(warm.Kill(), later.Kill(), clock);
        Assert.Equal([new TierPin(Key, "warm")], again.Tiering.GetPins());
    }

    [Fact]
    public async Task Rows_that_cannot_be_read_at_the_start_are_told_and_read_later()
    {
        var clock = new FakeClock();
        StoreContext context = StoreContext.Default with { Clock = clock };
        var state = new BrokenReads(new MemoryKvDatabase(null, context));
        await using TieredBlobStore store = await TieredBlobStore.OpenAsync(
            [new Tier { Name = "hot", Store = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "hot", Evicts = true }, context) }, new Tier { Name = "cold", Store = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "cold" }, context) }], null, context, state);
        await Eventually.HoldsAsync(() => store.Tiering.GetTieringStatus().LastError == "broken", "the failed start of the rows was not told");
        await store.PutBytesAsync(Key, new byte[1]);
        await Assert.ThrowsAsync<StorageException>(() => store.Tiering.RunTieringAsync().AsTask());
        state.IsBroken = false;
        Assert.Equal(0, (await store.Tiering.RunTieringAsync()).LookedAt);
        Assert.Null(store.Tiering.GetTieringStatus().LastError);
    }

    /// <summary>The process is killed at each call of a tier or of the state's rows in turn, before it or after it, until a run gets through.</summary>
    [Theory]
    [InlineData(CallMoment.Before)]
    [InlineData(CallMoment.After)]
    public async Task A_kill_between_any_two_steps_of_a_run_leaves_no_wrong_answer(CallMoment moment)
    {
        const int Blobs = 4;
        int steps = 0;
        for (bool isThrough = false; !isThrough; steps++)
        {
            Assert.True(steps < 500, "the run never got through");
            var clock = new FakeClock();
            var (warm, cold) = (new SimulatedDisk(), new SimulatedDisk(2));
            var kill = new KillPoint(moment);
            TieredBlobStore store = await OpenAsync(warm, cold, clock, kill);
            for (int i = 0; i < Blobs; i++) await store.PutBytesAsync(KeyOf(i), TierFixture.Bytes($"{i}"), new WriteOptions { Tier = i % 2 == 0 ? "hot" : "warm", SkipTiers = i % 2 == 0 ? ["warm"] : null });
            await store.Tiering.RunTieringAsync();
            clock.Advance(TimeSpan.FromMinutes(61));
            if (steps % 2 == 0) clock.Advance(TimeSpan.FromHours(23));
            await store.Tiering.ExplainAsync(KeyOf(0));
            kill.At(steps);
            Task<TieringReport> run = store.Tiering.RunTieringAsync().AsTask();
            isThrough = await Task.WhenAny(run, kill.Reached) == run;
            (SimulatedDisk nextWarm, SimulatedDisk nextCold) = (warm.Kill(), cold.Kill());
            warm.Stop();
            cold.Stop();
            kill.LetGo();

            await using TieredBlobStore again = await OpenAsync(nextWarm, nextCold, clock);
            for (int i = 0; i < Blobs; i++) Assert.Equal($"{i}", await again.GetBytesAsync(KeyOf(i)) is { } bytes ? System.Text.Encoding.UTF8.GetString(bytes) : null);
            Assert.Equal(Blobs, (await again.ListPageAsync(new ListRequest())).Items.Count);
            await Eventually.HoldsAsync(() => again.IsIdle, "promotions never came to rest");
            clock.Advance(TimeSpan.FromDays(3));
            TieringReport rest = await again.Tiering.RunTieringAsync();
            Assert.True((rest.Failed, rest.Overtaken, rest.Refused, rest.Left) == default, $"step {steps}: {rest}");
            for (int i = 0; i < Blobs; i++) Assert.True(await again.Tiering.GetTierAsync(KeyOf(i)) == "cold", $"step {steps}: blob {i} stays where it does not belong: {(await again.Tiering.ExplainAsync(KeyOf(i)))?.Why}");
        }

        Assert.InRange(steps, 10, 500);
    }

    private static BlobKey KeyOf(int number) => TieringFixture.KeyOf(number);

    private async Task<TieredBlobStore> OpenAsync(SimulatedDisk warm, SimulatedDisk cold, FakeClock clock, KillPoint? kill = null, string warmName = "warm")
    {
        StoreContext context = StoreContext.Default with { Clock = clock };
        string folder = _folder.Sub($"{_openings++}");
        DiskBlobStore copies = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = Path.Combine(folder, "warm"), Name = warmName, Disk = warm }, context);
        DiskBlobStore origin = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = Path.Combine(folder, "cold"), Name = "cold", Disk = cold }, context);
        Assert.True(origin.TryGetFacet(out IStateRows? rows));
        return await TieredBlobStore.OpenAsync(
            [
                new Tier { Name = "hot", Store = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "hot", Evicts = true }, context) },
                new Tier { Name = warmName, Store = kill is null ? copies : kill.Watch(copies) },
                new Tier { Name = "cold", Store = kill is null ? origin : kill.Watch(origin) },
            ],
            null,
            context,
            kill is null ? null : kill.Watch(rows.Rows));
    }

    /// <summary>Counts calls over some stores and a database, and holds the one at which the process is to be killed, and all later ones, for ever.</summary>
    private sealed class KillPoint(CallMoment moment)
    {
        private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _letGo = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly List<StoreGate> _gates = [];
        private int _left = int.MaxValue;

        public Task Reached => _reached.Task;

        public void At(int step) => Volatile.Write(ref _left, step + 1);

        public void LetGo()
        {
            foreach (StoreGate gate in _gates) gate.Open();
            _letGo.TrySetResult();
        }

        public LatencyStore Watch(IBlobStore inner)
        {
            var store = new LatencyStore(inner);
            _gates.Add(store.Hold(call => call.Operation != StoreOperation.ReadStream && IsHeld(), moment));
            return store;
        }

        public IKvDatabase Watch(IKvDatabase inner) => new Rows(inner, this);

        private bool IsHeld()
        {
            if (Interlocked.Decrement(ref _left) > 0) return false;
            _reached.TrySetResult();
            return true;
        }

        private sealed class Rows(IKvDatabase inner, KillPoint kill) : IKvDatabase
        {
            public KvCapabilities Capabilities => inner.Capabilities;

            public ValueTask<IReadOnlyList<KvRange>> SnapshotReadAsync(IReadOnlyList<ReadRange> ranges, SnapshotReadOptions? options, CancellationToken cancellationToken) =>
                inner.SnapshotReadAsync(ranges, options, cancellationToken);

            public async ValueTask<CommitResult> AtomicWriteAsync(AtomicWrite write, CancellationToken cancellationToken)
            {
                if (kill.IsBefore && kill.IsHeld()) await kill._letGo.Task;
                CommitResult result = await inner.AtomicWriteAsync(write, cancellationToken);
                if (!kill.IsBefore && kill.IsHeld()) await kill._letGo.Task;
                return result;
            }

            public IAsyncEnumerable<WatchUpdate> WatchAsync(IReadOnlyList<ReadOnlyMemory<byte>> keys, CancellationToken cancellationToken) => inner.WatchAsync(keys, cancellationToken);

            public ValueTask DisposeAsync() => default;
        }

        private bool IsBefore => moment == CallMoment.Before;
    }

    private sealed class BrokenReads(IKvDatabase inner) : IKvDatabase
    {
        private int _reads;

        public bool IsBroken { get; set; } = true;

        public KvCapabilities Capabilities => inner.Capabilities;

        public ValueTask<IReadOnlyList<KvRange>> SnapshotReadAsync(IReadOnlyList<ReadRange> ranges, SnapshotReadOptions? options, CancellationToken cancellationToken)
        {
            // Header, doubts and pins are read before the store is open.
            if (Interlocked.Increment(ref _reads) > 3 && IsBroken) throw new StorageException(StorageErrorKind.Unavailable, "broken");
            return inner.SnapshotReadAsync(ranges, options, cancellationToken);
        }

        public ValueTask<CommitResult> AtomicWriteAsync(AtomicWrite write, CancellationToken cancellationToken) => inner.AtomicWriteAsync(write, cancellationToken);

        public async IAsyncEnumerable<WatchUpdate> WatchAsync(IReadOnlyList<ReadOnlyMemory<byte>> keys, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await foreach (WatchUpdate update in inner.WatchAsync(keys, cancellationToken)) yield return update;
        }

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
