using System.Diagnostics;

namespace Strata.Benchmarks;

/// <summary>
/// What a tiering run costs besides the moves themselves: finding what is due, deciding where it belongs, and putting it where it
/// is due next. It shall cost what is due, and not what is stored.
/// </summary>
internal sealed class TieringDue : BenchmarkCase
{
    private const double Target = 1.3;
    private const int AtOnce = 1_000;
    private static readonly TimeSpan HotFor = new TieringPolicy().HotFor;

    public override string Name => "tiering-due";

    public override string Summary => "a tiering run's own work, a key that is due, in a disk KV without flush: 1 % due of 10,000 to 1,000,000 keys, against 10,000 keys that are all due; target 18";

    public override async Task RunAsync(Contest contest)
    {
        using var folder = new WorkFolder();
        (int Keys, int Every)[] sizes = [(10_000, 1), (10_000, 100), (100_000, 100), (1_000_000, 100)];
        List<Run> runs = [];
        foreach ((int keys, int every) in sizes) runs.Add(await Run.PrepareAsync(folder[$"{keys}-{every}"], keys, every));
        Series[] figures = await contest.RunTrialsAsync([.. runs.Select((run, i) => ($"{sizes[i].Keys:#,0} keys, {(sizes[i].Every == 1 ? "all" : "1 %")} due", (Func<Task<double>>)run.MeasureAsync))]);
        for (int i = 1; i < figures.Length; i++) contest.Lower(figures[i].Name, "µs/due key", figures[i], figures[0], i == figures.Length - 1 ? Target : null);
        foreach (Run run in runs) await run.DisposeAsync();
    }

    private sealed class Run : IAsyncDisposable
    {
        private readonly SetClock _clock = new();
        private readonly TierClassifier _classifier = new(new TieringPolicy(), [new TierPlan { Name = "hot" }, new TierPlan { Name = "warm" }, new TierPlan { Name = "cold" }]);
        private readonly DateTimeOffset _start;
        private readonly DiskKvDatabase _database;
        private readonly AccessTracker _tracker;
        private readonly AccessRows _rows;
        private readonly int _due;

        private Run(DiskKvDatabase database, int due)
        {
            _database = database;
            _due = due;
            _start = _clock.Now;
            _tracker = new AccessTracker(null, new AccessTrackerOptions { MaxBytes = 1L << 30, MaxFlushKeys = int.MaxValue }, new StoreContext { Clock = _clock });
            _rows = new AccessRows(_tracker, _classifier, database, [1], [2]);
        }

        public static async Task<Run> PrepareAsync(string path, int keys, int every)
        {
            var run = new Run(await DiskKvDatabase.OpenAsync(new DiskKvDatabaseOptions { Path = path, Durability = DiskDurability.OperatingSystem }), keys / every);
            for (int i = 0; i < keys; i++)
            {
                if (i % every == 0) run._tracker.RecordWrite(BlobKey.Parse($"collection/{i:d13}"));
            }

            run._clock.Now += TimeSpan.FromHours(12);
            for (int i = 0; i < keys; i++)
            {
                if (i % every != 0) run._tracker.RecordWrite(BlobKey.Parse($"collection/{i:d13}"));
            }

            await run._rows.FlushAsync();
            run._clock.Now = run._start + HotFor + HotFor;
            return run;
        }

        public async Task<double> MeasureAsync()
        {
            List<(DueKey Key, DateTimeOffset? Next)> all = [];
            long start = Stopwatch.GetTimestamp();
            while (await _rows.ReadDueAsync(_clock.Now, AtOnce) is { Count: > 0 } due)
            {
                var settled = new (DueKey Key, DateTimeOffset? Next)[due.Count];
                for (int i = 0; i < settled.Length; i++)
                {
                    Classification found = _classifier.Classify(new PlacementFacts { Key = due[i].Key, Length = 1000, Modified = _start, Now = _clock.Now, Use = _tracker.Peek(due[i].Key) });
                    settled[i] = (due[i], found.Due);
                }

                await _rows.SettleAsync(settled);
                all.AddRange(settled);
            }

            double elapsed = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
            Sink.Expect(all.Count, _due);
            await _rows.SettleAsync([.. all.Select(s => (s.Key with { Due = AccessScale.SecondsOf(s.Next!.Value) }, (DateTimeOffset?)AccessScale.TimeOf(s.Key.Due)))]);
            return elapsed / _due;
        }

        public async ValueTask DisposeAsync()
        {
            _rows.Dispose();
            _tracker.Dispose();
            await _database.DisposeAsync();
        }
    }
}
