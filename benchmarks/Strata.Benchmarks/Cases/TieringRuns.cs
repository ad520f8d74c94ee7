using System.Diagnostics;

namespace Strata.Benchmarks;

/// <summary>
/// A whole tiering run of a store over tiers in memory: what is due is found, looked at in both tiers, dropped from the faster one and
/// settled. It shall cost what is due, and not what is stored.
/// </summary>
internal sealed class TieringRuns : BenchmarkCase
{
    private const double Target = 1.3;

    public override string Name => "tiering-run";

    public override string Summary => "a tiering run of a whole store, a key that is due, memory over memory: 1 % due of 10,000 to 1,000,000 keys, against 10,000 keys that are all due; target 18; and the tracker's memory at each size";

    public override async Task RunAsync(Contest contest)
    {
        (int Keys, int Every)[] sizes = [(10_000, 1), (10_000, 100), (100_000, 100), (1_000_000, 100)];
        List<Stage> stages = [];
        foreach ((int keys, int every) in sizes) stages.Add(await Stage.PrepareAsync(keys, every));
        Series[] figures = await contest.RunTrialsAsync([.. stages.Select((stage, i) => ($"{sizes[i].Keys:#,0} keys, {(sizes[i].Every == 1 ? "all" : "1 %")} due", (Func<Task<double>>)stage.MeasureAsync))]);
        for (int i = 1; i < figures.Length; i++) contest.Lower(figures[i].Name, "µs/due key", figures[i], figures[0], i == figures.Length - 1 ? Target : null);
        for (int i = 1; i < stages.Count; i++)
        {
            double bytes = stages[i].TrackerBytes;
            contest.Lower($"{sizes[i].Keys:#,0} keys, tracker", "B/key", new Series("tracker", [bytes / sizes[i].Keys]), new Series("24 B of key and 60", [84]));
        }

        foreach (Stage stage in stages) await stage.DisposeAsync();
    }

    private sealed class Stage : IAsyncDisposable
    {
        private static readonly TimeSpan HotFor = new TieringPolicy().HotFor;
        private readonly SetClock _clock;
        private readonly MemoryBlobStore _hot;
        private readonly TieredBlobStore _store;
        private readonly List<BlobInfo> _due = [];
        private readonly DateTimeOffset _dueAt;

        private Stage(TieredBlobStore store, MemoryBlobStore hot, SetClock clock)
        {
            (_store, _hot, _clock) = (store, hot, clock);
            _dueAt = clock.Now + HotFor;
        }

        public double TrackerBytes => _store.Tiering.GetTieringStatus().Tracker.Bytes;

        public static async Task<Stage> PrepareAsync(int keys, int every)
        {
            var clock = new SetClock();
            var context = new StoreContext { Clock = clock };
            var hot = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "hot", Evicts = true, MaxBytes = 4L << 30 }, context);
            TieredBlobStore store = await TieredBlobStore.OpenAsync(
                [new Tier { Name = "hot", Store = hot }, new Tier { Name = "cold", Store = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "cold", MaxBytes = 4L << 30 }, context) }],
                new TieringOptions { Tracker = new AccessTrackerOptions { MaxBytes = 1L << 30, MaxFlushKeys = int.MaxValue } },
                context,
                new MemoryKvDatabase(null, context));
            var stage = new Stage(store, hot, clock);
            for (int i = 0; i < keys; i += every) stage._due.Add((await store.PutBytesAsync(KeyOf(i), new byte[16])).Info!);
            clock.Now += HotFor / 2;
            for (int i = 0; i < keys; i++)
            {
                if (i % every != 0) await store.PutBytesAsync(KeyOf(i), new byte[16]);
            }

            await store.Accesses.FlushAsync(default);
            clock.Now = stage._dueAt;
            return stage;
        }

        public async Task<double> MeasureAsync()
        {
            long start = Stopwatch.GetTimestamp();
            TieringReport report = await _store.Tiering.RunTieringAsync();
            double elapsed = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
            Sink.Expect(report.Demoted, _due.Count);
            foreach (BlobInfo info in _due) await _hot.PutBytesAsync(info.Key, new byte[16], new WriteOptions { AsCopyOf = info });
            await _store.Accesses.Rows.SettleAsync([.. _due.Select(info => (new DueKey(info.Key, 0), (DateTimeOffset?)_dueAt))]);
            return elapsed / _due.Count;
        }

        public ValueTask DisposeAsync() => _store.DisposeAsync();

        private static BlobKey KeyOf(int number) => BlobKey.Parse($"collection/{number:d13}");
    }
}
