using System.Text;

namespace Strata;

/// <summary>
/// Where each blob lives: rows of an ordered KV (docs/formats/tier-state.md, tables 6 to 9). The one place that knows their keys,
/// which begin as those of <see cref="TierState"/> do.
/// </summary>
/// <remarks>
/// A row takes the key and about 100 bytes, and the user's metadata. What is asked of a key is a look-up of one or two rows; rows of
/// blobs that expire go with them, by the database's expiry.
/// </remarks>
internal sealed class PlacementIndex(IKvDatabase database, string store, TimeProvider clock) : IAsyncDisposable
{
    private const byte BlobTable = 6, JournalTable = 7, TombstoneTable = 8, BookTable = 9, UploadTable = 10;
    private const int MostAtOnce = 1_000;
    private static readonly TimeSpan Ahead = TimeSpan.FromSeconds(60);

    /// <summary>Longer than any store keeps an upload that nobody touches.</summary>
    private static readonly TimeSpan WishesKept = TimeSpan.FromDays(90);
    private readonly byte[] _name = [.. Encoding.UTF8.GetBytes(store), 0];
    private ulong _reserved;

    public string Name => database.Capabilities.Database;

    /// <summary>Whether its rows are these.</summary>
    public bool IsIn(IKvDatabase rows) => ReferenceEquals(rows, database);

    private static byte[] HeaderSuffix => [(byte)'h'];

    private static byte[] VersionSuffix => [(byte)'v'];

    private int Limit => Math.Min(MostAtOnce, database.Capabilities.Limits.MaxEntries);

    /// <summary>What the index says of itself; null: there is none. Also reads the highest version that may have been issued.</summary>
    public async ValueTask<(PlacementHeader? Header, BlobVersion Issued)> OpenAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<KvRange> found = await database.SnapshotReadAsync([ReadRange.Of(RowOf(BookTable, HeaderSuffix)), ReadRange.Of(RowOf(BookTable, VersionSuffix))], null, cancellationToken).ConfigureAwait(false);
        if (found[1].Entries is [var issued] && issued.Value.TryGetUInt64(out ulong number)) _reserved = number;
        PlacementHeader? header = null;
        if (found[0].Entries is [var row])
        {
            string[] lines = Encoding.UTF8.GetString(row.Value.Data.Span).Split('\n');
            if (lines[0] is not ("placement 1" or "placement 1 rebuilding"))
                throw new StorageException(StorageErrorKind.Unsupported, $"The database '{Name}' holds the placement of store '{store}' in a format that this version does not read.") { Operation = "open", Store = store };
            header = new PlacementHeader(lines[0] == "placement 1", [.. lines[1..].Where(line => line.Length > 0).Select(Uri.UnescapeDataString)]);
        }

        return (header, new BlobVersion(_reserved));
    }

    public ValueTask WriteHeaderAsync(PlacementHeader header, CancellationToken cancellationToken) =>
        CommitAsync([Set(RowOf(BookTable, HeaderSuffix), Encoding.UTF8.GetBytes(string.Join('\n', [header.IsWhole ? "placement 1" : "placement 1 rebuilding", .. header.Tiers.Select(Uri.EscapeDataString)])))], cancellationToken);

    /// <summary>The mutation, if one is needed, by which a version is never issued again after a restart; to be committed before the version is used.</summary>
    public IEnumerable<KvMutation> Reserve(BlobVersion version)
    {
        if (version.Value <= Volatile.Read(ref _reserved)) yield break;
        yield return KvMutation.Max(RowOf(BookTable, VersionSuffix), BlobVersion.At(version.Time + Ahead).Value);
    }

    /// <summary>Where the blob is; null: nowhere.</summary>
    public async ValueTask<PlacedBlob?> FindAsync(BlobKey key, CancellationToken cancellationToken) =>
        (await database.SnapshotReadAsync([ReadRange.Of(RowOf(BlobTable, key))], null, cancellationToken).ConfigureAwait(false))[0].Entries is [var row] ? PlacementRecord.ReadBlob(key, row.Value.Data, Name) : null;

    public async ValueTask<KeyState> ReadAsync(BlobKey key, CancellationToken cancellationToken)
    {
        IReadOnlyList<KvRange> found = await database.SnapshotReadAsync([ReadRange.Of(RowOf(BlobTable, key)), ReadRange.Of(RowOf(TombstoneTable, key))], null, cancellationToken).ConfigureAwait(false);
        return new KeyState(
            found[0].Entries is [var row] ? PlacementRecord.ReadBlob(key, row.Value.Data, Name) : null,
            found[1].Entries is [var tombstone] ? PlacementRecord.ReadTombstone(key, tombstone.Value.Data, Name) : default);
    }

    /// <summary>Rows of blobs from a text on, itself included, in key order; at most as many as are read at once.</summary>
    /// <param name="from">Where to begin.</param>
    /// <param name="limit">How many at most.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The rows, and whether there may be more.</returns>
    public async ValueTask<(IReadOnlyList<KvEntry> Rows, bool IsMore)> ScanAsync(byte[] from, int limit, CancellationToken cancellationToken)
    {
        limit = Math.Min(limit, Limit);
        IReadOnlyList<KvEntry> rows = (await database.SnapshotReadAsync([new ReadRange(from, EndOf(BlobTable), limit)], null, cancellationToken).ConfigureAwait(false))[0].Entries;
        return (rows, rows.Count == limit);
    }

    /// <summary>Where a scan of blobs begins that shall not show what is before a text.</summary>
    public byte[] SeekTo(string text) => [.. RowOf(BlobTable, []), .. Encoding.UTF8.GetBytes(text)];

    public string KeyTextOf(KvEntry row) => Encoding.UTF8.GetString(row.Key.Span[(1 + _name.Length)..]);

    public PlacedBlob BlobOf(KvEntry row) => PlacementRecord.ReadBlob(KeyOf(row), row.Value.Data, Name);

    /// <summary>A blob that lives in none of some tiers; null: there is none. Cost: a look at all rows.</summary>
    public async ValueTask<PlacedBlob?> FindOutsideAsync(IReadOnlyCollection<string> tiers, CancellationToken cancellationToken)
    {
        byte[] from = SeekTo("");
        while (true)
        {
            (IReadOnlyList<KvEntry> rows, bool isMore) = await ScanAsync(from, MostAtOnce, cancellationToken).ConfigureAwait(false);
            if (rows.Select(BlobOf).FirstOrDefault(blob => !tiers.Contains(blob.Home)) is { } outside) return outside;
            if (!isMore) return null;
            from = [.. rows[^1].Key.Span, 0];
        }
    }

    /// <summary>All that is not finished.</summary>
    public async ValueTask<IReadOnlyList<PlacementIntent>> ReadJournalAsync(CancellationToken cancellationToken)
    {
        var found = new List<PlacementIntent>();
        byte[] from = RowOf(JournalTable, []);
        while (true)
        {
            IReadOnlyList<KvEntry> page = (await database.SnapshotReadAsync([new ReadRange(from, EndOf(JournalTable), Limit)], null, cancellationToken).ConfigureAwait(false))[0].Entries;
            found.AddRange(page.Select(row => PlacementRecord.ReadIntent(KeyOf(row), row.Value.Data, Name)));
            if (page.Count < Limit) return found;
            from = [.. page[^1].Key.Span, 0];
        }
    }

    /// <summary>Removes all rows of blobs and of the journal: what a rebuild begins with.</summary>
    public async ValueTask ClearAsync(CancellationToken cancellationToken)
    {
        foreach (byte table in (byte[])[BlobTable, JournalTable])
        {
            while ((await database.SnapshotReadAsync([new ReadRange(RowOf(table, []), EndOf(table), Limit, KeysOnly: true)], null, cancellationToken).ConfigureAwait(false))[0].Entries is { Count: > 0 } rows)
            {
                foreach (KvEntry[] some in rows.Chunk(Math.Min(rows.Count, 30))) await CommitAsync([.. some.Select(row => KvMutation.Delete(row.Key))], cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>
    /// The rows of a blob. One that expires leaves its version behind for a while, as a delete does; by then the database has removed its
    /// row.
    /// </summary>
    /// <param name="blob">The blob.</param>
    /// <param name="tombstone">What is there of the key's last delete.</param>
    public IEnumerable<KvMutation> Place(PlacedBlob blob, BlobVersion tombstone)
    {
        BlobKey key = blob.Info.Key;
        yield return KvMutation.Set(RowOf(BlobTable, key), KvValue.OfBytes(PlacementRecord.Write(blob)), blob.Info.Expires);
        if (blob.Info.Expires is { } expires)
            yield return KvMutation.Set(RowOf(TombstoneTable, key), KvValue.OfBytes(PlacementRecord.Write(blob.Info.Version)), expires < DateTimeOffset.MaxValue - Tombstones.Retention ? expires + Tombstones.Retention : expires);
        else if (tombstone.IsKnown)
            yield return KvMutation.Delete(RowOf(TombstoneTable, key));
    }

    public KvMutation Remove(BlobKey key) => KvMutation.Delete(RowOf(BlobTable, key));

    /// <summary>The row of a delete.</summary>
    /// <param name="key">The key.</param>
    /// <param name="version">Its version.</param>
    /// <param name="isConfirmed">Whether no tier holds bytes of the key any more: from then on it is kept for the time of a request alone.</param>
    public KvMutation Bury(BlobKey key, BlobVersion version, bool isConfirmed) =>
        KvMutation.Set(RowOf(TombstoneTable, key), KvValue.OfBytes(PlacementRecord.Write(version)), isConfirmed ? clock.GetUtcNow() + Tombstones.Retention : null);

    /// <summary>The journal's row; none where there is nothing left to do.</summary>
    public KvMutation Note(PlacementIntent intent) =>
        intent.IsEmpty ? KvMutation.Delete(RowOf(JournalTable, intent.Key)) : Set(RowOf(JournalTable, intent.Key), PlacementRecord.Write(intent));

    /// <summary>The row of an upload of which its caller has said where it is to go.</summary>
    public KvMutation Wish(string upload, WriteOptions options) =>
        KvMutation.Set(RowOf(UploadTable, Encoding.UTF8.GetBytes(upload)), KvValue.OfBytes(PlacementRecord.WriteWish(options)), clock.GetUtcNow() + WishesKept);

    public KvMutation Unwish(string upload) => KvMutation.Delete(RowOf(UploadTable, Encoding.UTF8.GetBytes(upload)));

    /// <summary>Where the caller of an upload has said that it is to go; null: nowhere.</summary>
    public async ValueTask<WriteOptions?> FindWishAsync(string upload, CancellationToken cancellationToken) =>
        (await database.SnapshotReadAsync([ReadRange.Of(RowOf(UploadTable, Encoding.UTF8.GetBytes(upload)))], null, cancellationToken).ConfigureAwait(false))[0].Entries is [var row]
            ? PlacementRecord.ReadWish(row.Value.Data, Name)
            : null;

    /// <summary>Commits rows, in one step.</summary>
    /// <exception cref="StorageException">The database failed; it tells whether they may be there.</exception>
    public async ValueTask CommitAsync(IReadOnlyList<KvMutation> rows, CancellationToken cancellationToken)
    {
        await database.AtomicWriteAsync(new AtomicWrite { Mutations = rows }, cancellationToken).ConfigureAwait(false);
        foreach (KvMutation row in rows)
        {
            if (row.Kind == KvMutationKind.Max && row.Value.TryGetUInt64(out ulong reserved)) InterlockedMax(reserved);
        }
    }

    public ValueTask DisposeAsync() => database.DisposeAsync();

    private static KvMutation Set(byte[] key, byte[] value) => KvMutation.Set(key, KvValue.OfBytes(value));

    private BlobKey KeyOf(KvEntry row) => BlobKey.TryParse(KeyTextOf(row), out BlobKey key) ? key
        : throw new StorageException(StorageErrorKind.Corrupt, $"The database '{Name}' has a row of a key that is none.") { Operation = "read", Store = store };

    private void InterlockedMax(ulong reserved)
    {
        for (ulong seen = Volatile.Read(ref _reserved); reserved > seen;)
        {
            ulong before = Interlocked.CompareExchange(ref _reserved, reserved, seen);
            if (before == seen) return;
            seen = before;
        }
    }

    private byte[] RowOf(byte table, BlobKey key)
    {
        int length = Encoding.UTF8.GetByteCount(key.Value);
        byte[] row = new byte[1 + _name.Length + length];
        row[0] = table;
        _name.CopyTo(row, 1);
        Encoding.UTF8.GetBytes(key.Value, row.AsSpan(1 + _name.Length));
        return row;
    }

    private byte[] RowOf(byte table, byte[] rest) => [table, .. _name, .. rest];

    /// <summary>Behind all rows of the table: the name's zero byte, one higher.</summary>
    private byte[] EndOf(byte table)
    {
        byte[] end = RowOf(table, []);
        end[^1] = 1;
        return end;
    }
}
