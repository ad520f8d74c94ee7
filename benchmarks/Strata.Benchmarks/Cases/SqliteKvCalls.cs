using Strata.Sqlite;

namespace Strata.Benchmarks;

/// <summary>What the KV contract over SQLite costs: gets, lists and sets of 1 KiB against SQLite itself.</summary>
internal sealed class SqliteKvCalls : BenchmarkCase
{
    private const int Keys = 20_000, ValueLength = 1_024, Callers = 64, Listed = 100;
    private static readonly byte[] End = [.. Enumerable.Repeat((byte)0xFF, 64)];
    private readonly ScatteredKeys _keys = new(Keys);
    private readonly Stamped _values = new(ValueLength, Callers);

    public override string Name => "sqlite-kv";

    public override string Summary => "gets, lists of 100 and sets of 1 KiB through the KV database in SQLite, gets also by a thread of the pool, sets also by 64 callers, against SQLite with prepared statements at equal durability";

    public override async Task RunAsync(Contest contest)
    {
        using var folder = new WorkFolder();
        await using SqliteKvDatabase quick = await OpenAsync(folder["kv"], SqliteDurability.OperatingSystem), durable = await OpenAsync(folder["kv-durable"], SqliteDurability.Flush);
        using SqliteTable normal = new(folder["sqlite"], "NORMAL"), full = new(folder["sqlite-full"], "FULL");
        foreach (SqliteTable table in (SqliteTable[])[normal, full]) table.PutAll(_keys.Bytes, _values.Next());

        Lane get = contest.Add("KV, get", (_, operations) => Writers.RunAsync(1, operations, async (_, i) => Sink.Expect(await GetAsync(quick, i) != 0 ? 1 : 0, 1)));
        Lane hop = contest.Add("KV, get by the pool", (_, operations) => Writers.RunAsync(1, operations, async (_, i) => Sink.Expect(await Task.Run(() => GetAsync(quick, i).AsTask()) != 0 ? 1 : 0, 1)));
        Lane getPeer = contest.Add($"{SqliteLibrary.Name}, get", operations =>
        {
            for (int i = 0; i < operations; i++) Sink.Expect(normal.Get(KeyOf(i)) != 0 ? 1 : 0, 1);
        });
        Lane list = contest.Add($"KV, list of {Listed}", (_, operations) => Writers.RunAsync(1, operations, async (_, i) => Sink.Expect(await ListAsync(quick, i) != 0 ? 1 : 0, 1)));
        Lane listPeer = contest.Add($"{SqliteLibrary.Name}, list", operations =>
        {
            for (int i = 0; i < operations; i++) Sink.Expect(normal.Scan(KeyOf(i), Listed) != 0 ? 1 : 0, 1);
        });
        Lane set = Add(contest, "KV, set", quick, 1), setPeer = Add(contest, $"{SqliteLibrary.Name}, set", normal);
        Lane durableSet = Add(contest, "KV, durable set", durable, 1), many = Add(contest, $"KV, durable set by {Callers}", durable, Callers), durablePeer = Add(contest, $"{SqliteLibrary.Name}, durable set", full);
        await contest.RunAsync();
        foreach ((Lane ours, Lane peer) in ((Lane, Lane)[])[(get, getPeer), (hop, getPeer), (list, listPeer), (set, setPeer), (durableSet, durablePeer), (many, durablePeer)])
        {
            contest.Higher(ours.Name, "1/s", Series.PerSecond(ours), Series.PerSecond(peer));
            contest.Lower($"{ours.Name}, allocated", "B", Series.AllocatedBytes(ours), Series.AllocatedBytes(peer));
        }
    }

    private static async ValueTask CommitAsync(SqliteKvDatabase database, params KvMutation[] mutations) =>
        Sink.Expect((await database.AtomicWriteAsync(new AtomicWrite { Mutations = mutations }, CancellationToken.None)).IsCommitted ? 1 : 0, 1);

    private async Task<SqliteKvDatabase> OpenAsync(string path, SqliteDurability durability)
    {
        SqliteKvDatabase database = await SqliteKvDatabase.OpenAsync(new SqliteKvDatabaseOptions { Path = path, Durability = durability });
        foreach (byte[][] some in _keys.Bytes.Chunk(1_000)) await CommitAsync(database, [.. some.Select(k => KvMutation.Set(k, KvValue.OfBytes(_values.Next())))]);
        return database;
    }

    private byte[] KeyOf(int operation) => _keys.Bytes[_keys.Choose(operation)];

    private async ValueTask<long> GetAsync(SqliteKvDatabase database, int operation) =>
        Sum(await database.SnapshotReadAsync([ReadRange.Of(KeyOf(operation))], null, CancellationToken.None));

    private async ValueTask<long> ListAsync(SqliteKvDatabase database, int operation) =>
        Sum(await database.SnapshotReadAsync([new ReadRange(KeyOf(operation), End, Listed)], null, CancellationToken.None));

    private static long Sum(IReadOnlyList<KvRange> found)
    {
        long sum = 0;
        foreach (KvEntry entry in found[0].Entries) sum += Sink.Sum(entry.Value.Data.Span);
        return sum;
    }

    private Lane Add(Contest contest, string name, SqliteKvDatabase database, int callers) =>
        contest.Add(name, (_, operations) => Writers.RunAsync(callers, operations, (caller, i) => CommitAsync(database, KvMutation.Set(KeyOf(i), KvValue.OfBytes(_values.Next(caller))))));

    private Lane Add(Contest contest, string name, SqliteTable table) => contest.Add(name, operations =>
    {
        for (int i = 0; i < operations; i++) table.Put(KeyOf(i), _values.Next());
    });
}
