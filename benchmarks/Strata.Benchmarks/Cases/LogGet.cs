namespace Strata.Benchmarks;

/// <summary>A value of 1 KiB by its key from a log in the page cache, its checksum verified, every byte touched by the caller.</summary>
internal sealed class LogGet : BenchmarkCase
{
    private const int Keys = 100_000;
    private const int ValueLength = 1_024;
    private const double Target = 4;
    private readonly ScatteredKeys _keys = new(Keys);
    private readonly byte[] _value = Payload.Of(ValueLength);

    public override string Name => "log-get";

    public override string Summary => "gets of 1 KiB among 100,000 in the page cache, checksum verified and every byte touched, against SQLite; target 6";

    public override async Task RunAsync(Contest contest)
    {
        using var folder = new WorkFolder();
        await using LogTable log = await LogTable.OpenAsync(folder["log"], DiskDurability.OperatingSystem);
        await log.LoadAsync(_keys.Bytes, _value);
        await using DiskBlobStore disk = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = folder["disk"], Durability = DiskDurability.OperatingSystem });
        await Writers.RunAsync(64, Keys, async (_, i) => await disk.PutBytesAsync(_keys.Blobs[i], _value));
        using var sqlite = new SqliteTable(folder["sqlite"], "OFF");
        sqlite.PutAll(_keys.Bytes, _value);

        Lane engine = contest.Add("log, get", Get(log.Get));
        Lane store = contest.Add("disk store, get", GetAsync(disk));
        Lane peer = contest.Add(SqliteLibrary.Name, Get(sqlite.Get));
        await contest.RunAsync();
        foreach (Lane lane in (Lane[])[engine, store])
        {
            contest.Higher(lane.Name, "1/s", Series.PerSecond(lane), Series.PerSecond(peer), Target);
            contest.Lower($"{lane.Name}, time", "ns", Series.Nanoseconds(lane), Series.Nanoseconds(peer));
            contest.Lower($"{lane.Name}, allocated", "B", Series.AllocatedBytes(lane), Series.AllocatedBytes(peer));
        }
    }

    private Action<int> Get(Func<byte[], long> get)
    {
        int next = 0;
        long expected = Sink.Sum(_value);
        return operations =>
        {
            long sum = 0;
            for (int i = 0; i < operations; i++) sum += get(_keys.Bytes[_keys.Choose(next++)]);
            Sink.Expect(sum, operations * expected);
        };
    }

    private Func<int, int, Task> GetAsync(DiskBlobStore disk)
    {
        int next = 0;
        long expected = Sink.Sum(_value);
        return async (_, operations) =>
        {
            long sum = 0;
            for (int i = 0; i < operations; i++) sum += await disk.SumAsync(_keys.Blobs[_keys.Choose(next++)]);
            Sink.Expect(sum, operations * expected);
        };
    }
}
