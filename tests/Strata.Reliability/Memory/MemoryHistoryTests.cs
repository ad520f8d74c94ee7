using System.Buffers;
using Strata.Testing;

namespace Strata.Reliability;

/// <summary>
/// Recorded calls of several threads on keys of a memory store that is always full, resized at random, its table growing
/// and shrinking: whatever they saw, some order explains it.
/// </summary>
/// <remarks>
/// The model: each key is a register, and an eviction empties it. The store tells of each eviction, and it happened between
/// the start of the call that made the room and the moment when it was told, so that it stands in the history as one more
/// call. A read that finds nothing must therefore come behind a delete or behind an eviction that was told of, and before
/// the next write; a value that was replaced, deleted or evicted is never seen again. Nothing is left to guessing.
/// </remarks>
public sealed class MemoryHistoryTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(128 << 10, 128 << 10, 3_000)]
    [InlineData(128 << 20, 512 << 10, 12_000)]
    public async Task Each_key_is_a_register_that_forgets_only_what_was_evicted(int openedBytes, int maxBytes, int valueBytes)
    {
        // As many shards as for what it is opened with.
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions { Evicts = true, MaxBytes = openedBytes }) { MaxBytes = maxBytes };
        await CheckAsync(store, store, maxBytes, valueBytes, forgets: true);
    }

    [Fact]
    public async Task Each_key_of_a_strict_store_is_a_register()
    {
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions { MaxBytes = 64 << 20 });
        await CheckAsync(store, null, 64 << 20, 2_000, forgets: false);
    }

    [Fact]
    public async Task Behind_tiers_no_eviction_is_seen_and_no_older_value()
    {
        const int hotBytes = 128 << 10;
        var hot = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "hot", Evicts = true, MaxBytes = hotBytes });
        var cold = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "cold", MaxBytes = 1 << 30 });
        await using var store = new TieredBlobStore([new Tier { Name = "hot", Store = hot }, new Tier { Name = "cold", Store = cold }]);
        await CheckAsync(store, hot, hotBytes, 3_000, forgets: false);
    }

    [Fact]
    public void A_history_of_evictions_that_does_not_hold_is_found_out()
    {
        Assert.True(Holds(Write(1, 1, 2), Evict(3, 4), Read(0, 5, 6)), "an eviction explains a miss");
        Assert.True(Holds(Write(1, 1, 2), Evict(3, 8), Read(1, 4, 5), Read(0, 6, 7)), "it happened at some moment of its interval");
        Assert.False(Holds(Write(1, 1, 2), Read(0, 3, 4)), "nobody told of an eviction");
        Assert.False(Holds(Write(1, 1, 2), Evict(3, 4), Write(2, 5, 6), Read(0, 7, 8)), "the eviction was of the value before");
        Assert.False(Holds(Write(1, 1, 2), Evict(3, 4), Read(1, 5, 6)), "what was evicted is back");
        Assert.False(Holds(Write(1, 1, 2), Write(2, 3, 4), Evict(5, 6), Read(1, 7, 8)), "an eviction brings no older value to light");
        Assert.False(Holds(Write(1, 1, 2), new("k", RegisterAction.Remove, 0, 0, 1, 3, 4), Evict(5, 6)), "there was nothing to evict");

        static bool Holds(params RegisterEvent[] history) => Linearizability.Holds(history);
        static RegisterEvent Write(int number, int call, int end) => new("k", RegisterAction.Write, number, 0, 1, call, end);
        static RegisterEvent Read(int seen, int call, int end) => new("k", RegisterAction.Read, 0, 0, seen, call, end);
        static RegisterEvent Evict(int call, int end) => new("k", RegisterAction.Evict, 0, 0, 1, call, end);
    }

    private async Task CheckAsync(IBlobStore store, MemoryBlobStore? evicting, int maxBytes, int valueBytes, bool forgets)
    {
        int seed = TestSeed.Next(), rounds = LongForm.Of(10_000, 300), calls = 0, misses = 0, evicted = 0;
        for (int round = 0; round < rounds; round++)
        {
            var random = new Random(HashCode.Combine(seed, round));
            var recorder = new Recorder(store, evicting, maxBytes, valueBytes, $"{round}/");
            if (evicting is not null) evicting.Evicted += recorder.NoteEviction;
            await recorder.RecordAsync(random.Next(3, 9), random.Next());
            if (evicting is not null) evicting.Evicted -= recorder.NoteEviction;
            foreach (IGrouping<string, RegisterEvent> register in recorder.Events.GroupBy(e => e.Key))
            {
                RegisterEvent[] history = [.. register.Where(e => forgets || e.Action != RegisterAction.Evict).OrderBy(e => e.Call)];
                calls += history.Length;
                misses += history.Count(e => e is { Action: RegisterAction.Read, Result: 0 });
                evicted += register.Count(e => e.Action == RegisterAction.Evict);
                Assert.True(Linearizability.Holds(history), $"seed {seed}, round {round}: no order of these explains what they saw:\n{string.Join('\n', history)}");
            }
        }

        output.WriteLine($"seed {seed}: {rounds} rounds, {calls} calls, {misses} reads that found nothing, {evicted} evictions of what was called for");
        Assert.True(evicting is null || evicted > rounds / 10, "without evictions the test shows less than it says");
    }

    /// <summary>The calls of one round, on keys of its own.</summary>
    private sealed class Recorder(IBlobStore store, MemoryBlobStore? evicting, int maxBytes, int valueBytes, string prefix)
    {
        private const int Keys = 3;
        private const int CallsOfThread = 6;

        /// <summary>When the call under way on this thread began: an eviction that it makes came no earlier.</summary>
        [ThreadStatic]
        private static int _called;

        private readonly List<RegisterEvent> _events = [];
        private readonly Lock _gate = new();
        private int _clock;
        private int _numbers;

        public IReadOnlyList<RegisterEvent> Events => _events;

        public void NoteEviction(BlobKey key, long length)
        {
            if (key.Value.StartsWith(prefix, StringComparison.Ordinal)) Add(key, RegisterAction.Evict, 0, 0, 1, _called);
        }

        public async Task RecordAsync(int threads, int seed)
        {
            using var start = new Barrier(threads);
            await Task.WhenAll(Enumerable.Range(0, threads).Select(thread => Task.Factory.StartNew(
                async () =>
                {
                    start.SignalAndWait();
                    await RunAsync(new Random(HashCode.Combine(seed, thread)));
                },
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default).Unwrap()));
        }

        private async Task RunAsync(Random random)
        {
            var known = new (int Number, string ETag)[Keys];
            for (int i = 0; i < CallsOfThread; i++)
            {
                int index = random.Next(Keys), called = _called = Interlocked.Increment(ref _clock), number = Interlocked.Increment(ref _numbers);
                BlobKey key = BlobKey.Parse($"{prefix}{index}");
                switch (random.Next(12))
                {
                    case < 4:
                        known[index] = await ReadAsync(key);
                        Add(key, RegisterAction.Read, 0, 0, known[index].Number, called);
                        break;
                    case < 7:
                        Add(key, RegisterAction.Write, number, 0, await WriteAsync(random, key, number, WriteCondition.None), called);
                        break;
                    case 7:
                        Add(key, RegisterAction.Create, number, 0, await WriteAsync(random, key, number, WriteCondition.IfAbsent), called);
                        break;
                    case 8 when known[index].ETag is { } etag:
                        Add(key, RegisterAction.Replace, number, known[index].Number, await WriteAsync(random, key, number, WriteCondition.IfMatch(etag)), called);
                        break;
                    case 9:
                        Add(key, RegisterAction.Remove, 0, 0, (await store.DeleteAsync(key)).Status == DeleteStatus.Deleted ? 1 : 0, called);
                        break;
                    case 10 when evicting is not null:
                        evicting.MaxBytes = random.Next(2) == 0 ? maxBytes : random.Next(maxBytes / 2, maxBytes);
                        break;
                    default:
                        await CrowdAsync(random);
                        break;
                }
            }
        }

        /// <summary>Other keys come and go, so that the table grows and shrinks, and values make room for others.</summary>
        private async Task CrowdAsync(Random random)
        {
            int first = random.Next(1000), large = random.Next(30), small = random.Next(50);
            for (int i = 0; i < large; i++) await store.PutBytesAsync(BlobKey.Parse($"large/{first + i}"), new byte[valueBytes]);
            for (int i = 0; i < small; i++) await store.PutBytesAsync(BlobKey.Parse($"small/{first + i}"), new byte[1]);
            for (int i = 0; i < small; i++) await store.DeleteAsync(BlobKey.Parse($"small/{first + i}"));
        }

        private async Task<(int Number, string ETag)> ReadAsync(BlobKey key)
        {
            BlobReadResult? result = await store.ReadAsync(key);
            if (result is null) return default;
            await using (result)
            {
                byte[] bytes = await result.ToArrayAsync();
                Assert.Null(SeededValue.Fault(bytes, 0));
                return (SeededValue.SeedOf(bytes), result.Info.ETag);
            }
        }

        private async Task<int> WriteAsync(Random random, BlobKey key, int number, WriteCondition condition)
        {
            byte[] value = SeededValue.Make(0, number, SeededValue.LeastBytes + random.Next(valueBytes));
            return (await store.PutBytesAsync(key, value, new WriteOptions { Condition = condition })).IsWritten ? 1 : 0;
        }

        private void Add(BlobKey key, RegisterAction action, int written, int expected, int result, int called)
        {
            lock (_gate) _events.Add(new RegisterEvent(key.Value, action, written, expected, result, called, Interlocked.Increment(ref _clock)));
        }
    }
}
