namespace Strata.Benchmarks;

/// <summary>From the beginning of a set until who watches the key has its new value.</summary>
internal sealed class KvWatch : BenchmarkCase
{
    private const int ValueLength = 100;
    private static readonly byte[] _key = "watched"u8.ToArray();
    private readonly Stamped _values = new(ValueLength), _peerValues = new(ValueLength);

    public override string Name => "kv-watch";

    public override string Summary => "a set in the disk KV database until its watcher has it, against SQLite with a second connection that asks without pause whether something has changed, and reads; not durable, either";

    public override async Task RunAsync(Contest contest)
    {
        using var folder = new WorkFolder();
        await using KvTable kv = await KvTable.OpenAsync(folder["kv"], DiskDurability.OperatingSystem);
        await kv.SetAsync(_key, _values.Next());
        await using IAsyncEnumerator<WatchUpdate> watch = kv.Watch(_key);
        Sink.Expect(await watch.MoveNextAsync() ? 1 : 0, 1);
        using var sqlite = new SqliteKv(folder["sqlite"], "NORMAL");
        sqlite.Set(_key, _peerValues.Next());
        using var watcher = new SqliteKv(folder["sqlite"], "NORMAL");

        Lane ours = contest.Add("KV, set until it is seen", async (_, operations) =>
        {
            for (int i = 0; i < operations; i++)
            {
                byte[] value = _values.Next();
                ValueTask<bool> next = watch.MoveNextAsync();
                await kv.SetAsync(_key, value);
                Sink.Expect(await next ? 1 : 0, 1);
                Sink.Expect(Sink.Sum(watch.Current.Entries[0]!.Value.Data.Span), Sink.Sum(value));
            }
        });
        Lane peer = contest.Add(SqliteLibrary.Name, operations =>
        {
            for (int i = 0; i < operations; i++)
            {
                byte[] value = _peerValues.Next();
                long before = watcher.Changes;
                sqlite.Set(_key, value);
                while (watcher.Changes == before) Thread.SpinWait(1);
                Sink.Expect(watcher.Get(_key), Sink.Sum(value));
            }
        });
        await contest.RunAsync();
        contest.Lower(ours.Name, "µs", Series.Microseconds(ours), Series.Microseconds(peer));
        contest.Lower($"{ours.Name}, allocated", "B", Series.AllocatedBytes(ours), Series.AllocatedBytes(peer));
    }
}
