namespace Strata.Benchmarks;

/// <summary>A key is read, and it and another are set if it is still as it was read.</summary>
internal sealed class KvAtomic : BenchmarkCase
{
    private const int Keys = 10_000, ValueLength = 100, Callers = 64;
    private readonly ScatteredKeys _keys = new(Keys);
    private readonly Stamped _values = new(ValueLength, Callers);

    public override string Name => "kv-atomic";

    public override string Summary => "a read, and an atomic write of two keys of 100 B with a check of what was read, in the disk KV database and in SQLite at equal durability; durable also by 64 callers, each with keys of its own";

    public override async Task RunAsync(Contest contest)
    {
        using var folder = new WorkFolder();
        await using KvTable quick = await KvTable.OpenAsync(folder["kv"], DiskDurability.OperatingSystem), durable = await KvTable.OpenAsync(folder["kv-durable"], DiskDurability.Flush);
        using SqliteKv normal = new(folder["sqlite"], "NORMAL"), full = new(folder["sqlite-full"], "FULL");
        foreach (KvTable kv in (KvTable[])[quick, durable]) await kv.LoadAsync(_keys.Bytes, _values.Next());
        foreach (SqliteKv sqlite in (SqliteKv[])[normal, full]) sqlite.SetAll(_keys.Bytes, _values.Next());

        Lane ours = Add(contest, "KV, atomic", quick, 1), peer = Add(contest, normal);
        Lane lone = Add(contest, "KV, durable atomic", durable, 1), many = Add(contest, $"KV, durable atomic by {Callers}", durable, Callers), durablePeer = Add(contest, full);
        await contest.RunAsync();
        contest.Higher(ours.Name, "1/s", Series.PerSecond(ours), Series.PerSecond(peer));
        contest.Lower($"{ours.Name}, allocated", "B", Series.AllocatedBytes(ours), Series.AllocatedBytes(peer));
        foreach (Lane lane in (Lane[])[lone, many]) contest.Higher(lane.Name, "1/s", Series.PerSecond(lane), Series.PerSecond(durablePeer));
    }

    private Lane Add(Contest contest, string name, KvTable kv, int callers) => contest.Add(name, (_, operations) => Writers.RunAsync(callers, operations, (caller, i) => kv.SetBothAsync(First(i), Second(i), _values.Next(caller))));

    private Lane Add(Contest contest, SqliteKv sqlite) => contest.Add(SqliteLibrary.Name, operations =>
    {
        for (int i = 0; i < operations; i++) sqlite.SetBoth(First(i), Second(i), _values.Next());
    });

    /// <summary>Of callers at once no two have the same, or their checks would fail.</summary>
    private byte[] First(int operation) => _keys.Bytes[2 * operation % Keys];

    private byte[] Second(int operation) => _keys.Bytes[((2 * operation) + 1) % Keys];
}
