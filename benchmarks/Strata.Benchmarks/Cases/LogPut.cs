using System.Diagnostics;

namespace Strata.Benchmarks;

/// <summary>Puts of 1 KiB that are left to the operating system: what the log's own work costs. Each put is awaited before the next begins.</summary>
internal sealed class LogPut : BenchmarkCase
{
    private const int Keys = 100_000;
    private const int ValueLength = 1_024;
    private const double Target = 10;
    private readonly ScatteredKeys _keys = new(Keys);
    private readonly Stamped _values = new(ValueLength);

    public override string Name => "log-put";

    public override string Summary => "puts of 1 KiB without sync, one after the other: 100,000 new keys into an empty log, and then over keys that are there, while compaction runs; against SQLite, which may lose the latest commits as we may (NORMAL), or everything (OFF); target 7";

    public override async Task RunAsync(Contest contest)
    {
        Series[] loads = await contest.RunTrialsAsync(
            ("log, put, new key", LoadLogAsync),
            ("disk store, put, new key", LoadStoreAsync),
            (SqliteLibrary.Name, () => LoadSqliteAsync("NORMAL")),
            ($"{SqliteLibrary.Name}, OFF", () => LoadSqliteAsync("OFF")));
        contest.Higher(loads[0].Name, "1/s", loads[0], loads[2], Target);
        contest.Higher(loads[0].Name, "1/s", loads[0], loads[3]);
        contest.Higher(loads[1].Name, "1/s", loads[1], loads[2]);

        using var folder = new WorkFolder();
        await using LogTable log = await LogTable.OpenAsync(folder["log"], DiskDurability.OperatingSystem);
        await using DiskBlobStore disk = await OpenStoreAsync(folder["disk"]);
        using SqliteTable normal = new(folder["sqlite-normal"], "NORMAL"), off = new(folder["sqlite-off"], "OFF");
        normal.PutAll(_keys.Bytes, _values.Next());
        off.PutAll(_keys.Bytes, _values.Next());
        await FillAsync(log);
        await FillAsync(disk);
        Lane engine = contest.Add("log, put over", (_, operations) => PutAsync(operations, i => log.PutAsync(_keys.Bytes[i], _values.Next())));
        Lane store = contest.Add("disk store, put over", (_, operations) => PutAsync(operations, async i => await disk.PutBytesAsync(_keys.Blobs[i], _values.Next())));
        Lane peer = contest.Add(SqliteLibrary.Name, operations => Put(normal, operations));
        Lane careless = contest.Add($"{SqliteLibrary.Name}, OFF", operations => Put(off, operations));
        await contest.RunAsync();
        contest.Higher(engine.Name, "1/s", Series.PerSecond(engine), Series.PerSecond(peer), Target);
        contest.Higher(engine.Name, "1/s", Series.PerSecond(engine), Series.PerSecond(careless));
        contest.Higher(store.Name, "1/s", Series.PerSecond(store), Series.PerSecond(peer));
        foreach (Lane lane in (Lane[])[engine, store]) contest.Lower($"{lane.Name}, allocated", "B", Series.AllocatedBytes(lane), Series.AllocatedBytes(peer));
    }

    private void Put(SqliteTable table, int operations)
    {
        for (int i = 0; i < operations; i++) table.Put(_keys.Bytes[_keys.Choose(i)], _values.Next());
    }

    private async Task PutAsync(int operations, Func<int, ValueTask> put)
    {
        for (int i = 0; i < operations; i++) await put(_keys.Choose(i));
    }

    private async Task<double> LoadLogAsync()
    {
        using var folder = new WorkFolder();
        await using LogTable log = await LogTable.OpenAsync(folder["log"], DiskDurability.OperatingSystem);
        return await PerSecondAsync(() => FillAsync(log));
    }

    private async Task<double> LoadStoreAsync()
    {
        using var folder = new WorkFolder();
        await using DiskBlobStore disk = await OpenStoreAsync(folder["disk"]);
        return await PerSecondAsync(() => FillAsync(disk));
    }

    private async Task<double> LoadSqliteAsync(string synchronous)
    {
        using var folder = new WorkFolder();
        using var sqlite = new SqliteTable(folder["sqlite"], synchronous);
        return await PerSecondAsync(() =>
        {
            foreach (byte[] key in _keys.Bytes) sqlite.Put(key, _values.Next());
            return Task.CompletedTask;
        });
    }

    private async Task FillAsync(LogTable log)
    {
        foreach (byte[] key in _keys.Bytes) await log.PutAsync(key, _values.Next());
    }

    private async Task FillAsync(DiskBlobStore disk)
    {
        foreach (BlobKey key in _keys.Blobs) await disk.PutBytesAsync(key, _values.Next());
    }

    private static async Task<double> PerSecondAsync(Func<Task> load)
    {
        long start = Stopwatch.GetTimestamp();
        await load();
        return Keys / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static ValueTask<DiskBlobStore> OpenStoreAsync(string path) =>
        DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = path, Durability = DiskDurability.OperatingSystem });
}
