using System.Diagnostics;

namespace Strata.Benchmarks;

/// <summary>What an outbox costs: the write that brings an intent, the sending of many, and of some among a million that wait.</summary>
internal sealed class OutboxIntents : BenchmarkCase
{
    private const int Keys = 10_000, ValueLength = 4_096, Callers = 64, Drained = 5_000;
    private const double WriteTarget = 0.7, PendingTarget = 0.8;
    private readonly ScatteredKeys _keys = new(Keys);
    private readonly Stamped _values = new(ValueLength, Callers);

    public override string Name => "outbox";

    public override string Summary => "puts of 4 KiB into a disk store with an intent in each commit, against the store without, and durable, by one caller and by 64; intents drained a second, and with 100,000 and 1,000,000 pending; target 17";

    public override async Task RunAsync(Contest contest)
    {
        using var folder = new WorkFolder();
        await using DiskBlobStore bare = await OpenAsync(folder["bare"], DiskDurability.OperatingSystem), recorded = await OpenAsync(folder["recorded"], DiskDurability.OperatingSystem);
        await using DiskBlobStore durable = await OpenAsync(folder["durable"], DiskDurability.Flush), durableRecorded = await OpenAsync(folder["durable-recorded"], DiskDurability.Flush);
        foreach (DiskBlobStore store in (DiskBlobStore[])[recorded, durableRecorded])
        {
            var outbox = new Outbox(store.Rows, new OutboxOptions { Name = "benchmark" });
            store.Record(change => outbox.Intend(change.Key.ToString()));
        }

        Lane quick = Add(contest, "put with intent", recorded, 1), quickBare = Add(contest, "put", bare, 1);
        Lane lone = Add(contest, "durable put with intent", durableRecorded, 1), loneBare = Add(contest, "durable put", durable, 1);
        Lane many = Add(contest, $"durable put with intent by {Callers}", durableRecorded, Callers), manyBare = Add(contest, $"durable put by {Callers}", durable, Callers);
        await contest.RunAsync();
        foreach ((Lane ours, Lane peer) in ((Lane, Lane)[])[(quick, quickBare), (lone, loneBare), (many, manyBare)])
            contest.Higher(ours.Name, "1/s", Series.PerSecond(ours), Series.PerSecond(peer), WriteTarget);

        await using DiskBlobStore few = await OpenAsync(folder["few"], DiskDurability.OperatingSystem), more = await OpenAsync(folder["more"], DiskDurability.OperatingSystem), most = await OpenAsync(folder["most"], DiskDurability.OperatingSystem), flushed = await OpenAsync(folder["flushed"], DiskDurability.Flush);
        await FillAsync(few, Drained);
        await FillAsync(flushed, Drained);
        await FillAsync(more, 100_000);
        await FillAsync(most, 1_000_000);
        Series[] trials = await contest.RunTrialsAsync(
            ($"sent, {Drained:n0} pending", () => DrainAsync(few)),
            ($"sent durably, {Drained:n0} pending", () => DrainAsync(flushed)),
            ("sent, 100,000 pending", () => DrainAsync(more)),
            ("sent, 1,000,000 pending", () => DrainAsync(most)));
        contest.Higher(trials[1].Name, "1/s", trials[1], trials[0]);
        foreach (Series pending in trials[2..]) contest.Higher(pending.Name, "1/s", pending, trials[0], PendingTarget);
    }

    private Lane Add(Contest contest, string name, DiskBlobStore store, int callers) => contest.Add(name, (_, operations) =>
        Writers.RunAsync(callers, operations, async (caller, i) => await store.PutBytesAsync(_keys.Blobs[_keys.Choose(i)], _values.Next(caller))));

    private static async Task<DiskBlobStore> OpenAsync(string path, DiskDurability durability) => await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = path, Durability = durability });

    private static OutboxOptions Sending => new() { Name = "benchmark", Parallelism = 64, MaxPending = 10_000_000 };

    private static async Task FillAsync(DiskBlobStore store, int intents)
    {
        var outbox = new Outbox(store.Rows, Sending);
        foreach (int[] some in Enumerable.Range(0, intents).Chunk(1_000))
            await store.Rows.AtomicWriteAsync(new AtomicWrite { Mutations = [.. some.SelectMany(i => outbox.Intend($"intents/{i:d8}"))] }, CancellationToken.None);
    }

    /// <summary>Sends some of what is pending, which is then enqueued anew.</summary>
    private static async Task<double> DrainAsync(DiskBlobStore store)
    {
        var outbox = new Outbox(store.Rows, Sending);
        var target = new Counting();
        using var stop = new CancellationTokenSource();
        long start = Stopwatch.GetTimestamp();
        Task worker = outbox.RunAsync(target, stop.Token);
        await target.Enough.Task;
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        await stop.CancelAsync();
        await worker;
        foreach (string[] some in target.Sent.Chunk(1_000))
            await store.Rows.AtomicWriteAsync(new AtomicWrite { Mutations = [.. some.SelectMany(key => outbox.Intend(key))] }, CancellationToken.None);
        return Drained / seconds;
    }

    private sealed class Counting : IOutboxTarget
    {
        private readonly Lock _gate = new();

        public List<string> Sent { get; } = [];

        public TaskCompletionSource Enough { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ValueTask<OutboxOutcome> SendAsync(OutboxIntent intent, CancellationToken cancellationToken)
        {
            lock (_gate)
            {
                Sent.Add(intent.Key);
                if (Sent.Count == Drained) Enough.SetResult();
            }

            return new(OutboxOutcome.Done);
        }
    }
}
