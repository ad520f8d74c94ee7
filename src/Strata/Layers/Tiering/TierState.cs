using System.Buffers.Binary;
using System.Text;

namespace Strata;

/// <summary>
/// The rows in which a tiered store keeps what must outlive the process (docs/formats/tier-state.md). The one place that knows
/// their keys: a table's id (1 byte), the store's name and a zero byte, so that stores may share a database, then the blob's key.
/// </summary>
internal sealed class TierState : IAsyncDisposable
{
    private const byte HeaderTable = 0;
    private const byte DoubtTable = 1;
    private const byte ByteTable = 2;

    /// <summary>How each key was used (docs/formats/access-rows.md).</summary>
    public const byte UseTable = 3;

    /// <summary>Which keys are to be looked at, and when (docs/formats/access-rows.md).</summary>
    public const byte DueTable = 4;

    /// <summary>The keys that a person keeps in a tier.</summary>
    public const byte PinTable = 5;
    private const int LongestPart = 60 << 10;
    private const int LargestKept = 1 << 20;
    private static readonly byte[] Header = [(byte)'S', (byte)'T', (byte)'I', (byte)'R', 1, 0, 0, 0];
    private readonly IKvDatabase _database;
    private readonly byte[] _name;

    private TierState(IKvDatabase database, string store)
    {
        _database = database;
        _name = [.. Encoding.UTF8.GetBytes(store), 0];
        KvLimits limits = database.Capabilities.Limits;
        PartBytes = Math.Min(LongestPart, limits.MaxValueBytes);
        MostBytes = (int)Math.Min(LargestKept, Math.Max(0, limits.MaxWriteBytes - (160L << 10)));
    }

    public bool IsDurable => _database.Capabilities.IsDurable;

    public string Name => _database.Capabilities.Database;

    /// <summary>For those that keep tables of their own in it, under <see cref="PrefixOf"/>; they write the header first (<see cref="MarkAsync"/>).</summary>
    public IKvDatabase Database => _database;

    /// <summary>The longest write, in bytes, that is kept in rows.</summary>
    public int MostBytes { get; }

    private int PartBytes { get; }

    /// <summary>Takes a database for a store's state.</summary>
    /// <exception cref="StorageException">It cannot be read, or holds state of another format (kind Unsupported).</exception>
    public static async ValueTask<TierState> OpenAsync(IKvDatabase database, string store, CancellationToken cancellationToken)
    {
        var state = new TierState(database, store);
        if (await state.ReadAsync(state.KeyOf(HeaderTable), cancellationToken).ConfigureAwait(false) is { } found && !found.Span.SequenceEqual(Header))
            throw new StorageException(StorageErrorKind.Unsupported, $"The database '{state.Name}' holds the state of store '{store}' in a format that this version does not read, or something else.") { Operation = "open", Store = store };
        return state;
    }

    public async ValueTask<IReadOnlyList<Doubt>> ReadDoubtsAsync(CancellationToken cancellationToken) =>
        [.. (await ReadTableAsync(DoubtTable, cancellationToken).ConfigureAwait(false)).Select(row => DoubtRecord.Read(row.Key, row.Value, Name))];

    /// <summary>All rows of a table of rows by blob.</summary>
    public async ValueTask<IReadOnlyList<(BlobKey Key, ReadOnlyMemory<byte> Value)>> ReadTableAsync(byte table, CancellationToken cancellationToken)
    {
        byte[] start = KeyOf(table), end = KeyOf(table);
        end[^1] = 1;
        var rows = new List<(BlobKey, ReadOnlyMemory<byte>)>();
        int limit = _database.Capabilities.Limits.MaxEntries;
        while (true)
        {
            IReadOnlyList<KvEntry> page = (await _database.SnapshotReadAsync([new ReadRange(start, end, limit)], null, cancellationToken).ConfigureAwait(false))[0].Entries;
            foreach (KvEntry entry in page)
            {
                string text = Encoding.UTF8.GetString(entry.Key.Span[(1 + _name.Length)..]);
                if (!BlobKey.TryParse(text, out BlobKey key)) throw new StorageException(StorageErrorKind.Corrupt, $"The database '{Name}' has a row of a key that is none.") { Operation = "open" };
                rows.Add((key, entry.Value.Data));
            }

            if (page.Count < limit) return rows;
            start = [.. page[^1].Key.Span, 0];
        }
    }

    /// <summary>What all keys of a table begin with.</summary>
    public byte[] PrefixOf(byte table) => KeyOf(table);

    /// <summary>Writes the header, so that whoever opens the database later knows what the rows are.</summary>
    public ValueTask MarkAsync(CancellationToken cancellationToken) => CommitAsync([HeaderRow()], cancellationToken);

    /// <summary>Sets a blob's row of a table, or removes it.</summary>
    public ValueTask SetAsync(byte table, BlobKey key, ReadOnlyMemory<byte>? value, CancellationToken cancellationToken) =>
        CommitAsync(value is { } bytes ? [HeaderRow(), KvMutation.Set(KeyOf(table, key), KvValue.OfBytes(bytes))] : [KvMutation.Delete(KeyOf(table, key))], cancellationToken);

    /// <summary>Keeps a doubt, and the bytes of its write with it, in one step.</summary>
    /// <param name="doubt">As it is from now on.</param>
    /// <param name="bytes">The bytes of its write; empty to leave the rows as they are.</param>
    /// <param name="before">How many rows of bytes there are.</param>
    public async ValueTask KeepAsync(Doubt doubt, ReadOnlyMemory<byte> bytes, int before)
    {
        // The header goes with each, so that a database costs nothing until it is needed.
        var rows = new List<KvMutation> { HeaderRow(), KvMutation.Set(KeyOf(DoubtTable, doubt.Key), KvValue.OfBytes(DoubtRecord.Write(doubt))) };
        for (int part = 0; part < doubt.Parts && !bytes.IsEmpty; part++)
            rows.Add(KvMutation.Set(PartKey(doubt.Key, part), KvValue.OfBytes(bytes.Slice(part * PartBytes, Math.Min(PartBytes, bytes.Length - (part * PartBytes))))));
        for (int part = doubt.Parts; part < before; part++) rows.Add(KvMutation.Delete(PartKey(doubt.Key, part)));
        await CommitAsync(rows, CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>How many rows hold so many bytes.</summary>
    public int PartsOf(int length) => (length + PartBytes - 1) / PartBytes;

    /// <summary>The bytes of the doubt's write.</summary>
    public async ValueTask<byte[]> ReadBytesAsync(Doubt doubt)
    {
        using var bytes = new MemoryStream();
        for (int part = 0; part < doubt.Parts; part++)
        {
            ReadOnlyMemory<byte> row = await ReadAsync(PartKey(doubt.Key, part), CancellationToken.None).ConfigureAwait(false)
                ?? throw StorageException.Corrupt("read", doubt.Key, Name, "a row of a kept write is missing");
            bytes.Write(row.Span);
        }

        return bytes.ToArray();
    }

    public ValueTask RemoveAsync(Doubt doubt)
    {
        List<KvMutation> rows = [KvMutation.Delete(KeyOf(DoubtTable, doubt.Key))];
        for (int part = 0; part < doubt.Parts; part++) rows.Add(KvMutation.Delete(PartKey(doubt.Key, part)));
        return CommitAsync(rows, CancellationToken.None);
    }

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    private async ValueTask CommitAsync(IReadOnlyList<KvMutation> rows, CancellationToken cancellationToken) =>
        await _database.AtomicWriteAsync(new AtomicWrite { Mutations = rows }, cancellationToken).ConfigureAwait(false);

    private async ValueTask<ReadOnlyMemory<byte>?> ReadAsync(byte[] key, CancellationToken cancellationToken) =>
        (await _database.SnapshotReadAsync([ReadRange.Of(key)], null, cancellationToken).ConfigureAwait(false))[0].Entries is [var entry] ? entry.Value.Data : default(ReadOnlyMemory<byte>?);

    private KvMutation HeaderRow() => KvMutation.Set(KeyOf(HeaderTable), KvValue.OfBytes(Header));

    private byte[] KeyOf(byte table) => [table, .. _name];

    private byte[] KeyOf(byte table, BlobKey key) => [table, .. _name, .. Encoding.UTF8.GetBytes(key.Value)];

    /// <summary>No blob's key has a zero byte, so that none is another's beginning.</summary>
    private byte[] PartKey(BlobKey key, int part)
    {
        byte[] row = [.. KeyOf(ByteTable, key), 0, 0, 0, 0, 0];
        BinaryPrimitives.WriteInt32BigEndian(row.AsSpan(row.Length - 4), part);
        return row;
    }
}
