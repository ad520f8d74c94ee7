namespace Strata.Benchmarks;

/// <summary>A hundred values in the order of their keys, beginning anywhere: keys that lie together, values that were written at different times.</summary>
internal sealed class LogOrderedScan : BenchmarkCase
{
    private const int Keys = 100_000;
    private const int KeysPerScan = 100;
    private const double Target = 4;
    private readonly ScatteredKeys _keys = new(Keys);

    public override string Name => "log-scan";

    public override string Summary => "ordered scans of 100 values of 1 KiB and of 100 B, checksums verified and every byte touched, against SQLite; target 11";

    public override async Task RunAsync(Contest contest)
    {
        foreach ((int length, string size) in ((int, string)[])[(1_024, "1 KiB"), (100, "100 B")]) await RunAsync(contest, Payload.Of(length), size);
    }

    private async Task RunAsync(Contest contest, byte[] value, string size)
    {
        using var folder = new WorkFolder();
        await using LogTable log = await LogTable.OpenAsync(folder["log"], DiskDurability.OperatingSystem);
        await log.LoadAsync(_keys.Bytes, value);
        using var sqlite = new SqliteTable(folder["sqlite"], "OFF", clustered: true);
        sqlite.PutAll(_keys.Bytes, value);

        // Each scan has a hundred keys behind its first.
        byte[][] firsts = [.. _keys.Bytes.Order(Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b))).SkipLast(KeysPerScan)];
        Lane ours = contest.Add($"log, scan of 100 × {size}", Scan(log.Scan));
        Lane peer = contest.Add(SqliteLibrary.Name, Scan(sqlite.Scan));
        await contest.RunAsync();
        contest.Higher(ours.Name, "scans/s", Series.PerSecond(ours), Series.PerSecond(peer), Target);
        contest.Lower($"{ours.Name}, allocated", "B", Series.AllocatedBytes(ours), Series.AllocatedBytes(peer));

        Action<int> Scan(Func<byte[], int, long> scan)
        {
            int next = 0;
            long expected = KeysPerScan * Sink.Sum(value);
            return operations =>
            {
                long sum = 0;
                for (int i = 0; i < operations; i++) sum += scan(firsts[_keys.Choose(next++) % firsts.Length], KeysPerScan);
                Sink.Expect(sum, operations * expected);
            };
        }
    }
}
