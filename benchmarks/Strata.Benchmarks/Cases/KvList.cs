namespace Strata.Benchmarks;

/// <summary>A list of 1,000 entries in the order of their keys.</summary>
internal sealed class KvList : BenchmarkCase
{
    private const int Keys = 100_000, ValueLength = 100, Entries = 1_000;
    private readonly ScatteredKeys _keys = new(Keys);
    private readonly byte[] _value = Payload.Of(ValueLength);

    public override string Name => "kv-list";

    public override string Summary => "lists of 1,000 entries of 100 B among 100,000 from the disk KV database, as entries that the caller keeps, against SQLite read where it lies";

    public override async Task RunAsync(Contest contest)
    {
        using var folder = new WorkFolder();
        await using KvTable kv = await KvTable.OpenAsync(folder["kv"], DiskDurability.OperatingSystem);
        await kv.LoadAsync(_keys.Bytes, _value);
        using var sqlite = new SqliteKv(folder["sqlite"], "NORMAL");
        sqlite.SetAll(_keys.Bytes, _value);

        // From where there are so many behind.
        byte[][] starts = [.. _keys.Bytes.Order(Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b))).Take(Keys - Entries).Where((_, i) => i % 7 == 0)];
        byte[] end = [255];
        long expected = Entries * (Sink.Sum(_value) + _keys.Bytes[0].Length);
        int next = 0, nextPeer = 0;
        Lane ours = contest.Add($"KV, list of {Entries:n0}", async (_, operations) =>
        {
            for (int i = 0; i < operations; i++) Sink.Expect(await kv.ListAsync(starts[_keys.Choose(next++) % starts.Length], end, Entries), expected);
        });
        Lane peer = contest.Add(SqliteLibrary.Name, operations =>
        {
            for (int i = 0; i < operations; i++) Sink.Expect(sqlite.List(starts[_keys.Choose(nextPeer++) % starts.Length], end, Entries), expected);
        });
        await contest.RunAsync();
        contest.Higher(ours.Name, "1/s", Series.PerSecond(ours), Series.PerSecond(peer));
        contest.Lower($"{ours.Name}, time", "µs", Series.Microseconds(ours), Series.Microseconds(peer));
        contest.Lower($"{ours.Name}, allocated", "B", Series.AllocatedBytes(ours), Series.AllocatedBytes(peer));
    }
}
