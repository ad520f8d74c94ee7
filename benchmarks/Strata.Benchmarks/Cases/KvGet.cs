namespace Strata.Benchmarks;

/// <summary>A value of 1 KiB by its key from the KV database, and what a key takes of memory.</summary>
internal sealed class KvGet : BenchmarkCase
{
    private const int Keys = 100_000, ValueLength = 1_024, Promised = 32;
    private readonly ScatteredKeys _keys = new(Keys);
    private readonly byte[] _value = Payload.Of(ValueLength);

    public override string Name => "kv-get";

    public override string Summary => "gets of 1 KiB among 100,000 from the disk KV database, as a value that the caller keeps, against SQLite read where it lies; and the index's bytes a key of 16 B";

    public override async Task RunAsync(Contest contest)
    {
        using var folder = new WorkFolder();
        await using KvTable kv = await KvTable.OpenAsync(folder["kv"], DiskDurability.OperatingSystem);
        await kv.LoadAsync(_keys.Bytes, _value);
        using var sqlite = new SqliteKv(folder["sqlite"], "NORMAL");
        sqlite.SetAll(_keys.Bytes, _value);

        long expected = Sink.Sum(_value);
        int next = 0, nextPeer = 0;
        Lane ours = contest.Add("KV, get", async (_, operations) =>
        {
            long sum = 0;
            for (int i = 0; i < operations; i++) sum += await kv.GetAsync(_keys.Bytes[_keys.Choose(next++)]);
            Sink.Expect(sum, operations * expected);
        });
        Lane peer = contest.Add(SqliteLibrary.Name, operations =>
        {
            long sum = 0;
            for (int i = 0; i < operations; i++) sum += sqlite.Get(_keys.Bytes[_keys.Choose(nextPeer++)]);
            Sink.Expect(sum, operations * expected);
        });
        await contest.RunAsync();
        contest.Higher(ours.Name, "1/s", Series.PerSecond(ours), Series.PerSecond(peer));
        contest.Lower($"{ours.Name}, time", "ns", Series.Nanoseconds(ours), Series.Nanoseconds(peer));
        contest.Lower($"{ours.Name}, allocated", "B", Series.AllocatedBytes(ours), Series.AllocatedBytes(peer));
        contest.Lower("KV, memory", "B/key", new Series("KV", [(double)kv.IndexBytes / Keys]), new Series("key + 32 B, promised", [_keys.Bytes[0].Length + Promised]), 1);
    }
}
