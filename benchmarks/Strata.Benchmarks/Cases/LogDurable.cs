namespace Strata.Benchmarks;

/// <summary>Puts of 1 KiB that survive a power cut: alone, by 64 callers at once, and 100 in a batch.</summary>
internal sealed class LogDurable : BenchmarkCase
{
    private const int Keys = 10_000;
    private const int AllKeys = 100_000;
    private const int ValueLength = 1_024;
    private const int RawLength = 4_096;
    private const int Callers = 64;
    private const int BatchKeys = 100;
    private const double LoneTarget = 0.75;
    private const double CallersTarget = 8;
    private const double BatchTarget = 5;
    private readonly ScatteredKeys _keys = new(Keys), _allKeys = new(AllKeys);
    private readonly Stamped _values = new(ValueLength, Callers);

    public override string Name => "log-durable";

    public override string Summary => "durable puts of 1 KiB by one caller and by 64, against 4 KiB written and flushed by system calls into space that was written before; batches of 100 against SQLite, of keys anywhere among 100,000, as in the other cases, and of keys that lie side by side in its table of 10,000; targets 8, 9, 10";

    public override async Task RunAsync(Contest contest)
    {
        using var folder = new WorkFolder();
        await using LogTable log = await LogTable.OpenAsync(folder["log"], DiskDurability.Flush);
        await log.LoadAsync(_keys.Bytes, _values.Next());
        await using DiskBlobStore disk = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = folder["disk"] });
        await Writers.RunAsync(Callers, Keys, async (caller, i) => await disk.PutBytesAsync(_keys.Blobs[i], _values.Next(caller)));
        using var sqlite = new SqliteTable(folder["sqlite"], "FULL");
        sqlite.PutAll(_keys.Bytes, _values.Next());
        await using LogTable large = await LogTable.OpenAsync(folder["log-large"], DiskDurability.Flush);
        await large.LoadAsync(_allKeys.Bytes, _values.Next());
        using var sqliteLarge = new SqliteTable(folder["sqlite-large"], "FULL");
        sqliteLarge.PutAll(_allKeys.Bytes, _values.Next());
        using var ring = new RawRing(folder["ring"], 64 << 20);
        byte[] page = Payload.Of(RawLength);

        Lane limit = contest.Add("write 4 KiB, fdatasync", operations =>
        {
            for (int i = 0; i < operations; i++) ring.WriteDurably(page);
        });
        Lane lone = contest.Add("log, durable put", (_, operations) => Writers.RunAsync(1, operations, (caller, i) => PutAsync(log, caller, i)));
        Lane loneStore = contest.Add("disk store, durable put", (_, operations) => Writers.RunAsync(1, operations, (caller, i) => PutAsync(disk, caller, i)));
        Lane lonePeer = contest.Add(SqliteLibrary.Name, operations =>
        {
            for (int i = 0; i < operations; i++) sqlite.Put(KeyOf(i), _values.Next());
        });
        Lane many = contest.Add($"log, durable put by {Callers}", (_, operations) => Writers.RunAsync(Callers, operations, (caller, i) => PutAsync(log, caller, i)));
        Lane manyStore = contest.Add($"disk store, durable put by {Callers}", (_, operations) => Writers.RunAsync(Callers, operations, (caller, i) => PutAsync(disk, caller, i)));
        Lane batch = contest.Add($"log, durable batch of {BatchKeys}", async (_, operations) =>
        {
            for (int i = 0; i < operations; i++) await large.PutAllAsync(AnyOf(i), _values.Next());
        });
        Lane batchPeer = contest.Add(SqliteLibrary.Name, operations =>
        {
            for (int i = 0; i < operations; i++) sqliteLarge.PutAll(AnyOf(i), _values.Next());
        });
        Lane neighbours = contest.Add($"log, durable batch of {BatchKeys} neighbours", async (_, operations) =>
        {
            for (int i = 0; i < operations; i++) await log.PutAllAsync(NeighboursOf(i), _values.Next());
        });
        Lane neighboursPeer = contest.Add(SqliteLibrary.Name, operations =>
        {
            for (int i = 0; i < operations; i++) sqlite.PutAll(NeighboursOf(i), _values.Next());
        });
        byte[] batchBytes = Payload.Of(BatchKeys * ValueLength);
        using var batches = new RawRing(folder["batches"], 600L * batchBytes.Length);
        Lane batchLimit = contest.Add("write 100 KiB, fdatasync", operations =>
        {
            for (int i = 0; i < operations; i++) batches.WriteDurably(batchBytes);
        });
        await contest.RunAsync();

        foreach (Lane lane in (Lane[])[lone, loneStore])
        {
            contest.Higher(lane.Name, "1/s", Series.PerSecond(lane), Series.PerSecond(limit), LoneTarget);
            contest.Higher(lane.Name, "1/s", Series.PerSecond(lane), Series.PerSecond(lonePeer));
        }

        foreach (Lane lane in (Lane[])[many, manyStore]) contest.Higher(lane.Name, "1/s", Series.PerSecond(lane), Series.PerSecond(limit), CallersTarget);
        contest.Higher(batch.Name, "puts/s", Series.PerSecond(batch, BatchKeys), Series.PerSecond(batchPeer, BatchKeys), BatchTarget);
        contest.Higher(neighbours.Name, "puts/s", Series.PerSecond(neighbours, BatchKeys), Series.PerSecond(neighboursPeer, BatchKeys));
        contest.Higher(batch.Name, "puts/s", Series.PerSecond(batch, BatchKeys), Series.PerSecond(batchLimit, BatchKeys));
    }

    private ValueTask PutAsync(LogTable log, int caller, int operation) => log.PutAsync(KeyOf(operation), _values.Next(caller));

    private async ValueTask PutAsync(DiskBlobStore disk, int caller, int operation) => await disk.PutBytesAsync(_keys.Blobs[_keys.Choose(operation)], _values.Next(caller));

    private byte[] KeyOf(int operation) => _keys.Bytes[_keys.Choose(operation)];

    private IEnumerable<byte[]> AnyOf(int operation) => Enumerable.Range(operation * BatchKeys, BatchKeys).Select(i => _allKeys.Bytes[_allKeys.Choose(i)]);

    /// <summary>Neighbours in the order of writing, which are anywhere in the order of keys: SQLite's rows lie side by side, a few pages of them.</summary>
    private ArraySegment<byte[]> NeighboursOf(int operation) => new(_keys.Bytes, _keys.Choose(operation) % (Keys - BatchKeys), BatchKeys);
}
