namespace Strata.Benchmarks;

/// <summary>The disk KV database as a program uses it, for values under keys.</summary>
internal sealed class KvTable : IAsyncDisposable
{
    private const int LoadedAtOnce = 1_000;
    private readonly DiskKvDatabase _database;

    private KvTable(DiskKvDatabase database) => _database = database;

    /// <summary>Memory of its index, bytes.</summary>
    public long IndexBytes => _database.GetStatistics().IndexBytes!.Value;

    public static async Task<KvTable> OpenAsync(string folder, DiskDurability durability) =>
        new(await DiskKvDatabase.OpenAsync(new DiskKvDatabaseOptions { Path = folder, Durability = durability }));

    public async Task LoadAsync(IEnumerable<byte[]> keys, byte[] value)
    {
        foreach (byte[][] some in keys.Chunk(LoadedAtOnce)) await CommitAsync([], [.. some.Select(k => KvMutation.Set(k, KvValue.OfBytes(value)))]);
    }

    public ValueTask SetAsync(byte[] key, byte[] value) => CommitAsync([], KvMutation.Set(key, KvValue.OfBytes(value)));

    /// <summary>Sets two keys if the first still has the version that is read beforehand.</summary>
    public async ValueTask SetBothAsync(byte[] first, byte[] second, byte[] value)
    {
        IReadOnlyList<KvRange> found = await _database.SnapshotReadAsync([ReadRange.Of(first) with { KeysOnly = true }], null, CancellationToken.None);
        await CommitAsync([new KvCheck(first, found[0].Entries[0].Versionstamp)], KvMutation.Set(first, KvValue.OfBytes(value)), KvMutation.Set(second, KvValue.OfBytes(value)));
    }

    /// <summary>The sum of a value's bytes; 0 if it is missing.</summary>
    public async ValueTask<long> GetAsync(byte[] key)
    {
        IReadOnlyList<KvRange> found = await _database.SnapshotReadAsync([ReadRange.Of(key)], null, CancellationToken.None);
        return found[0].Entries.Count == 0 ? 0 : Sink.Sum(found[0].Entries[0].Value.Data.Span);
    }

    /// <summary>The sum of the bytes of values of a range, and the lengths of its keys.</summary>
    public async ValueTask<long> ListAsync(byte[] from, byte[] to, int limit)
    {
        IReadOnlyList<KvRange> found = await _database.SnapshotReadAsync([new ReadRange(from, to, limit)], null, CancellationToken.None);
        IReadOnlyList<KvEntry> entries = found[0].Entries;
        long sum = 0;
        for (int i = 0; i < entries.Count; i++) sum += entries[i].Key.Length + Sink.Sum(entries[i].Value.Data.Span);
        return sum;
    }

    public IAsyncEnumerator<WatchUpdate> Watch(byte[] key) => _database.WatchAsync([key], CancellationToken.None).GetAsyncEnumerator();

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    private async ValueTask CommitAsync(IReadOnlyList<KvCheck> checks, params KvMutation[] mutations)
    {
        CommitResult result = await _database.AtomicWriteAsync(new AtomicWrite { Checks = checks, Mutations = mutations }, CancellationToken.None);
        Sink.Expect(result.IsCommitted ? 1 : 0, 1);
    }
}
