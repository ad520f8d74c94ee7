namespace Strata.Benchmarks;

/// <summary>Values of 1 MiB: what the path of the bytes costs, against the system calls that move as many.</summary>
internal sealed class LogLarge : BenchmarkCase
{
    private const int Keys = 64;
    private const int ValueLength = 1 << 20;
    private const double PutTarget = 0.7;
    private const double GetTarget = 1;
    private readonly ScatteredKeys _keys = new(Keys);
    private readonly Stamped _values = new(ValueLength);
    private readonly byte[] _value = Payload.Of(ValueLength);

    public override string Name => "log-large";

    public override string Summary => "puts of 1 MiB over 64 keys, durable and not, and verified gets, against system calls that write and flush as many bytes into a file that was written before, or read them; target 12";

    public override async Task RunAsync(Contest contest)
    {
        await PutAsync(contest, DiskDurability.OperatingSystem, "put", "write, 64 MiB flushed", (ring, bytes) => ring.WriteInOrder(bytes));
        await PutAsync(contest, DiskDurability.Flush, "durable put", "write, fdatasync", (ring, bytes) => ring.WriteDurably(bytes));
        await GetAsync(contest);
    }

    private async Task PutAsync(Contest contest, DiskDurability durability, string metric, string limitName, Action<RawRing, byte[]> write)
    {
        using var folder = new WorkFolder();
        await using LogTable log = await LogTable.OpenAsync(folder["log"], durability);
        await using DiskBlobStore disk = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = folder["disk"], Durability = durability });
        using var ring = new RawRing(folder["ring"], (long)Keys * ValueLength);

        Lane engine = contest.Add($"log, {metric}", (_, operations) => Writers.RunAsync(1, operations, (_, i) => log.PutAsync(_keys.Bytes[i % Keys], _values.Next())));
        Lane store = contest.Add($"disk store, {metric}", (_, operations) => Writers.RunAsync(1, operations, async (_, i) => await disk.PutBytesAsync(_keys.Blobs[i % Keys], _values.Next())));
        Lane limit = contest.Add(limitName, operations =>
        {
            for (int i = 0; i < operations; i++) write(ring, _values.Next());
        });
        Lane? cached = durability == DiskDurability.Flush ? null : contest.Add("write, left to the system", operations =>
        {
            for (int i = 0; i < operations; i++) ring.Write(_values.Next());
        });
        await contest.RunAsync();
        AddRows(contest, [engine, store], limit, PutTarget);
        if (cached is not null) AddRows(contest, [engine], cached, null);
    }

    private async Task GetAsync(Contest contest)
    {
        using var folder = new WorkFolder();
        await using LogTable log = await LogTable.OpenAsync(folder["log"], DiskDurability.OperatingSystem);
        await using DiskBlobStore disk = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = folder["disk"], Durability = DiskDurability.OperatingSystem });
        using var ring = new RawRing(folder["ring"], (long)Keys * ValueLength);
        foreach (byte[] key in _keys.Bytes) await log.PutAsync(key, _value);
        foreach (BlobKey key in _keys.Blobs) await disk.PutBytesAsync(key, _value);
        byte[] buffer = new byte[ValueLength];
        long expected = Sink.Sum(_value);

        Lane engine = contest.Add("log, get", operations =>
        {
            for (int i = 0; i < operations; i++) Sink.Expect(log.Get(_keys.Bytes[i % Keys]), expected);
        });
        Lane store = contest.Add("disk store, get", async (_, operations) =>
        {
            for (int i = 0; i < operations; i++) Sink.Expect(await disk.SumAsync(_keys.Blobs[i % Keys]), expected);
        });
        Lane limit = contest.Add("pread", operations =>
        {
            for (int i = 0; i < operations; i++)
            {
                ring.Read(buffer);
                Sink.Expect(Sink.Sum(buffer), expected);
            }
        });
        await contest.RunAsync();
        AddRows(contest, [engine, store], limit, GetTarget);
    }

    private static void AddRows(Contest contest, IEnumerable<Lane> ours, Lane limit, double? target)
    {
        foreach (Lane lane in ours)
        {
            contest.Higher($"{lane.Name}, 1 MiB", "MiB/s", Series.MebibytesPerSecond(lane, ValueLength), Series.MebibytesPerSecond(limit, ValueLength), target);
        }
    }
}
