using System.Diagnostics;

namespace Strata.Benchmarks;

/// <summary>Opening what was closed: keys are read, values are not, so that it does not matter what they weigh.</summary>
internal sealed class LogOpen : BenchmarkCase
{
    private const int Keys = 1_000_000;
    private const double PeerMilliseconds = 0.25 * 434;

    /// <summary>What ten times the bytes may cost more, and be called the same.</summary>
    private const double SameTarget = 1.25;
    private readonly ScatteredKeys _keys = new(Keys);

    public override string Name => "log-open";

    public override string Summary => "opening 1,000,000 keys of 16 B with values of 100 B, against a quarter of what RocksDB 7.8 took on another machine, against SQLite opening and counting, and with values of 1 KiB; target 13";

    public override async Task RunAsync(Contest contest)
    {
        using var folder = new WorkFolder();
        await FillLogAsync(folder["small"], 100);
        await FillLogAsync(folder["large"], 1_024);
        await FillStoreAsync(folder["disk"], 100);
        using (var sqlite = new SqliteTable(folder["sqlite"], "OFF", clustered: true)) sqlite.PutAll(_keys.Bytes, Payload.Of(100));

        Series[] trials = await contest.RunTrialsAsync(
            ("log, open", () => OpenLogAsync(folder["small"])),
            ("log, open, values of 1 KiB", () => OpenLogAsync(folder["large"])),
            ("disk store, open", () => OpenStoreAsync(folder["disk"])),
            (SqliteLibrary.Name + ", open and count", () => Task.FromResult(OpenSqlite(folder["sqlite"]))));
        var quoted = new Series("0.25 × RocksDB, quoted", [PeerMilliseconds]);
        foreach (Series ours in trials[..3]) contest.Lower(ours.Name, "ms", ours, quoted, 1);
        contest.Lower(trials[1].Name, "ms", trials[1], new Series("values of 100 B", [trials[0].Median]), SameTarget);
        contest.Lower(trials[0].Name, "ms", trials[0], trials[^1]);
    }

    private async Task FillLogAsync(string path, int valueLength)
    {
        byte[] value = Payload.Of(valueLength);
        await using LogTable log = await LogTable.OpenAsync(path, DiskDurability.OperatingSystem);
        await log.LoadAsync(_keys.Bytes, value);
    }

    private async Task FillStoreAsync(string path, int valueLength)
    {
        byte[] value = Payload.Of(valueLength);
        await using DiskBlobStore disk = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = path, Durability = DiskDurability.OperatingSystem });
        foreach (BlobKey key in _keys.Blobs) await disk.PutBytesAsync(key, value);
    }

    private static async Task<double> OpenLogAsync(string path)
    {
        long start = Stopwatch.GetTimestamp();
        await using LogTable log = await LogTable.OpenAsync(path, DiskDurability.OperatingSystem);
        double elapsed = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        Sink.Expect(log.Count, Keys);
        return elapsed;
    }

    private async Task<double> OpenStoreAsync(string path)
    {
        long start = Stopwatch.GetTimestamp();
        await using DiskBlobStore disk = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = path, Durability = DiskDurability.OperatingSystem });
        double elapsed = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        Sink.Expect(await disk.ExistsAsync(_keys.Blobs[Keys / 2]) ? 1 : 0, 1);
        return elapsed;
    }

    private static double OpenSqlite(string path)
    {
        long start = Stopwatch.GetTimestamp();
        using var sqlite = new SqliteTable(path, "OFF", clustered: true);
        Sink.Expect(sqlite.Count(), Keys);
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }
}
