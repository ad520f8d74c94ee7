using System.Buffers.Binary;
using System.Text;

namespace Strata;

/// <summary>
/// The rows of a fan-out store besides its outboxes (docs/formats/fanout-state.md): changes under way, keys that hide what layers hold that are
/// only read, and the versions given out. A table's id (1 byte), the store's name and a zero byte, then the blob's key.
/// </summary>
internal sealed class FanoutState(IKvDatabase database, string store)
{
    private const byte HeaderTable = 16, ChangeTable = 17, CoverTable = 18, VersionTable = 19;
    private const int PageSize = 500;
    private static readonly TimeSpan Ahead = TimeSpan.FromSeconds(60);
    private static readonly byte[] Header = [(byte)'S', (byte)'F', (byte)'A', (byte)'N', 1, 0, 0, 0];
    private readonly byte[] _name = [.. Encoding.UTF8.GetBytes(store), 0];
    private ulong _reserved;

    public IKvDatabase Database => database;

    /// <summary>Takes the rows, and tells up to which version some may have been given out.</summary>
    /// <exception cref="StorageException">They cannot be read, or are of another format (kind Unsupported).</exception>
    public async ValueTask<BlobVersion> OpenAsync(CancellationToken cancellationToken)
    {
        if (await ReadAsync(KeyOf(HeaderTable), cancellationToken).ConfigureAwait(false) is { } found && !found.Data.Span.SequenceEqual(Header))
            throw new StorageException(StorageErrorKind.Unsupported, $"The database '{database.Capabilities.Database}' holds the state of store '{store}' in a format that this version does not read, or something else.") { Operation = "open", Store = store };
        await WriteAsync([KvMutation.Set(KeyOf(HeaderTable), KvValue.OfBytes(Header))], cancellationToken).ConfigureAwait(false);
        if (await ReadAsync(KeyOf(VersionTable), cancellationToken).ConfigureAwait(false) is { } row && row.TryGetUInt64(out ulong version)) _reserved = version;
        return new BlobVersion(_reserved);
    }

    /// <summary>Notes a change before any layer is told of it. A delete hides at once what layers hold that are only read.</summary>
    /// <returns>Whether the key was not hidden before.</returns>
    public async ValueTask<bool> BeginAsync(BlobKey key, BlobVersion version, bool isDelete, bool covers, CancellationToken cancellationToken)
    {
        byte[] row = new byte[1 + sizeof(ulong)];
        row[0] = isDelete ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt64LittleEndian(row.AsSpan(1), version.Value);
        List<KvMutation> rows = [KvMutation.Set(KeyOf(ChangeTable, key), KvValue.OfBytes(row))];
        bool isNew = isDelete && covers && !await IsCoveredAsync(key, cancellationToken).ConfigureAwait(false);
        if (isNew) rows.Add(Cover(key, version));
        ulong reserved = Volatile.Read(ref _reserved);
        if (version.Value > reserved)
        {
            reserved = BlobVersion.At(version.Time + Ahead).Value;
            rows.Add(KvMutation.Max(KeyOf(VersionTable), reserved));
        }

        await WriteAsync(rows, cancellationToken).ConfigureAwait(false);
        Volatile.Write(ref _reserved, reserved);
        return isNew;
    }

    /// <summary>Ends a change that layers have, with the intents for those that do not.</summary>
    public ValueTask EndAsync(BlobKey key, BlobVersion version, bool covers, IEnumerable<KvMutation> intents) =>
        WriteAsync([KvMutation.Delete(KeyOf(ChangeTable, key)), .. covers ? (KvMutation[])[Cover(key, version)] : [], .. intents], CancellationToken.None);

    /// <summary>Ends a change that no layer has.</summary>
    public ValueTask DropAsync(BlobKey key, bool uncovers) =>
        WriteAsync([KvMutation.Delete(KeyOf(ChangeTable, key)), .. uncovers ? (KvMutation[])[KvMutation.Delete(KeyOf(CoverTable, key))] : []], CancellationToken.None);

    /// <summary>Whether the key was changed here, so that what a layer holds of it that is only read counts no more.</summary>
    public async ValueTask<bool> IsCoveredAsync(BlobKey key, CancellationToken cancellationToken) => await ReadAsync(KeyOf(CoverTable, key), cancellationToken).ConfigureAwait(false) is not null;

    /// <summary>The changes that were under way when the store was closed or killed.</summary>
    public async ValueTask<IReadOnlyList<(BlobKey Key, BlobVersion Version, bool IsDelete)>> ListChangesAsync(CancellationToken cancellationToken)
    {
        var changes = new List<(BlobKey, BlobVersion, bool)>();
        byte[] prefix = KeyOf(ChangeTable), end = [.. prefix[..^1], 1];
        var range = new ReadRange(prefix, end, PageSize);
        while (true)
        {
            IReadOnlyList<KvEntry> page = (await database.SnapshotReadAsync([range], null, cancellationToken).ConfigureAwait(false))[0].Entries;
            foreach (KvEntry row in page)
            {
                if (row.Value.Data.Length != 1 + sizeof(ulong) || !BlobKey.TryParse(Encoding.UTF8.GetString(row.Key.Span[prefix.Length..]), out BlobKey key))
                    throw new StorageException(StorageErrorKind.Corrupt, $"The rows of store '{store}' hold a change that is none.") { Operation = "open", Store = store };
                changes.Add((key, new BlobVersion(BinaryPrimitives.ReadUInt64LittleEndian(row.Value.Data.Span[1..])), row.Value.Data.Span[0] == 1));
            }

            if (page.Count < PageSize) return changes;
            range = range with { Start = (byte[])[.. page[^1].Key.Span, 0] };
        }
    }

    private KvMutation Cover(BlobKey key, BlobVersion version)
    {
        byte[] row = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(row, version.Value);
        return KvMutation.Set(KeyOf(CoverTable, key), KvValue.OfBytes(row));
    }

    private byte[] KeyOf(byte table) => [table, .. _name];

    private byte[] KeyOf(byte table, BlobKey key) => [table, .. _name, .. Encoding.UTF8.GetBytes(key.Value)];

    private async ValueTask<KvValue?> ReadAsync(byte[] key, CancellationToken cancellationToken)
    {
        IReadOnlyList<KvEntry> found = (await database.SnapshotReadAsync([ReadRange.Of(key)], null, cancellationToken).ConfigureAwait(false))[0].Entries;
        return found.Count == 0 ? null : found[0].Value;
    }

    private async ValueTask WriteAsync(IReadOnlyList<KvMutation> rows, CancellationToken cancellationToken) =>
        await database.AtomicWriteAsync(new AtomicWrite { Mutations = rows }, cancellationToken).ConfigureAwait(false);
}
