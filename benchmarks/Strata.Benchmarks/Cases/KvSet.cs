namespace Strata.Benchmarks;

/// <summary>Sets of 1 KiB over keys that are there: left to the operating system, and durable, alone and by many.</summary>
internal sealed class KvSet : BenchmarkCase
{
    private const int Keys = 10_000, ValueLength = 1_024, Callers = 64;
    private readonly ScatteredKeys _keys = new(Keys);
    private readonly Stamped _values = new(ValueLength, Callers);

    public override string Name => "kv-set";

    public override string Summary => "sets of 1 KiB in the disk KV database, one after the other and by 64 callers, against SQLite that loses as much in a power cut: the latest (NORMAL), or nothing (FULL)";

    public override async Task RunAsync(Contest contest)
    {
        using var folder = new WorkFolder();
        await using KvTable quick = await KvTable.OpenAsync(folder["kv"], DiskDurability.OperatingSystem), durable = await KvTable.OpenAsync(folder["kv-durable"], DiskDurability.Flush);
        using SqliteKv normal = new(folder["sqlite"], "NORMAL"), full = new(folder["sqlite-full"], "FULL");
        foreach (KvTable kv in (KvTable[])[quick, durable]) await kv.LoadAsync(_keys.Bytes, _values.Next());
        foreach (SqliteKv sqlite in (SqliteKv[])[normal, full]) sqlite.SetAll(_keys.Bytes, _values.Next());

        Lane ours = Add(contest, "KV, set", quick, 1), peer = Add(contest, normal);
        Lane lone = Add(contest, "KV, durable set", durable, 1), many = Add(contest, $"KV, durable set by {Callers}", durable, Callers), durablePeer = Add(contest, full);
        await contest.RunAsync();
        contest.Higher(ours.Name, "1/s", Series.PerSecond(ours), Series.PerSecond(peer));
        contest.Lower($"{ours.Name}, allocated", "B", Series.AllocatedBytes(ours), Series.AllocatedBytes(peer));
        foreach (Lane lane in (Lane[])[lone, many]) contest.Higher(lane.Name, "1/s", Series.PerSecond(lane), Series.PerSecond(durablePeer));
    }

    private Lane Add(Contest contest, string name, KvTable kv, int callers) => contest.Add(name, (_, operations) => Writers.RunAsync(callers, operations, (caller, i) => kv.SetAsync(_keys.Bytes[_keys.Choose(i)], _values.Next(caller))));

    private Lane Add(Contest contest, SqliteKv sqlite) => contest.Add(SqliteLibrary.Name, operations =>
    {
        for (int i = 0; i < operations; i++) sqlite.Set(_keys.Bytes[_keys.Choose(i)], _values.Next());
    });
}
