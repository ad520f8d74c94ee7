namespace Strata.Benchmarks;

/// <summary>The ordered index of a log, in memory: what a key takes, and what finding one does.</summary>
internal sealed class LogIndexSize : BenchmarkCase
{
    private const int Keys = 1_000_000;
    private const int Promised = 32;

    public override string Name => "log-index";

    public override string Summary => "bytes a key takes in the index at 1,000,000 keys, against what is promised, a key and 32 B; and the time to find one, against a sorted array";

    public override async Task RunAsync(Contest contest)
    {
        foreach (int length in (int[])[16, 32, 64, 100]) await RunAsync(contest, length);
    }

    private static async Task RunAsync(Contest contest, int length)
    {
        var keys = new ScatteredKeys(Keys, length);
        byte[][] sorted = [.. keys.Bytes.Order(Comparer<byte[]>.Create(Compare))];
        using LogIndex scattered = Fill(keys.Bytes), ascending = Fill(sorted);
        using var loaded = new LogIndex(long.MaxValue);
        LogIndexLoader loader = loaded.Load();
        foreach (byte[] key in sorted) loader.Add(key, Somewhere);
        loader.Finish();

        var promise = new Series("key + 32 B, promised", [length + Promised]);
        foreach ((string how, LogIndex index) in ((string, LogIndex)[])[("in any order", scattered), ("in order", ascending), ("opened", loaded)])
            contest.Lower($"{length} B, {how}", "B/key", new Series(how, [(double)index.Bytes / Keys]), promise, 1);

        int next = 0, nextPeer = 0;
        Lane ours = contest.Add($"{length} B, find", operations =>
        {
            long found = 0;
            for (int i = 0; i < operations; i++) found += scattered.TryGet(keys.Bytes[keys.Choose(next++)], out LogLocation location) ? location.Units : 0;
            Sink.Expect(found, operations);
        });
        Lane peer = contest.Add("sorted array, binary search", operations =>
        {
            long found = 0;
            for (int i = 0; i < operations; i++) found += Array.BinarySearch(sorted, keys.Bytes[keys.Choose(nextPeer++)], Comparer<byte[]>.Create(Compare)) >= 0 ? 1 : 0;
            Sink.Expect(found, operations);
        });
        await contest.RunAsync();
        contest.Lower(ours.Name, "ns", Series.Nanoseconds(ours), Series.Nanoseconds(peer));
    }

    private static LogLocation Somewhere => new(1, 0, 1, LogEntryFlags.None);

    private static LogIndex Fill(IEnumerable<byte[]> keys)
    {
        var index = new LogIndex(long.MaxValue);
        foreach (byte[] key in keys) Sink.Expect(index.TryPut(key, Somewhere, out _) ? 1 : 0, 1);
        return index;
    }

    private static int Compare(byte[] a, byte[] b) => a.AsSpan().SequenceCompareTo(b);
}
