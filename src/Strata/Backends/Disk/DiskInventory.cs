namespace Strata;

/// <summary>What the opening of a store's log has come across: keys and places, no values.</summary>
internal sealed class DiskInventory
{
    private readonly byte[] _last = new byte[LogEntryHeader.MaxKeyBytes];
    private int _lastLength;
    private ulong _lastSequence;

    /// <summary>Key in the log of the blob that was written or deleted last; empty: none.</summary>
    public ReadOnlySpan<byte> Last => _last.AsSpan(0, _lastLength);

    public long Blobs { get; private set; }

    /// <summary>Bytes of the entries that count.</summary>
    public long Bytes { get; private set; }

    /// <summary>Blobs that expire, and when, Unix milliseconds.</summary>
    public List<(BlobKey Key, long Expires)> Expiries { get; } = [];

    /// <summary>Keys in the log of value files, uploads and parts.</summary>
    public List<byte[]> Files { get; } = [];

    public List<byte[]> Uploads { get; } = [];

    public List<byte[]> Parts { get; } = [];

    /// <summary>What is in the keyspace of rows; null: nothing.</summary>
    public KvInventory? Rows { get; private set; }

    public void Add(ReadOnlySpan<byte> key, ulong sequence, LogLocation location, long expires)
    {
        if (key[0] == (byte)LogKeyspace.Blobs && sequence > _lastSequence)
        {
            (_lastSequence, _lastLength) = (sequence, key.Length);
            key.CopyTo(_last);
        }

        if (key[0] == (byte)LogKeyspace.StateRows)
        {
            (Rows ??= new KvInventory(LogKeyspace.StateRows)).Add(key, sequence, location, expires);
            return;
        }

        if (DiskBlobStore.IsTombstone(location)) return;
        switch ((LogKeyspace)key[0])
        {
            case LogKeyspace.Blobs:
                Blobs++;
                if (expires != 0) Expiries.Add((DiskKey.ToBlobKey(key), expires));
                break;
            case LogKeyspace.Payloads:
                break;
            case LogKeyspace.ValueFiles:
                Files.Add(key.ToArray());
                break;
            case LogKeyspace.Uploads:
                Uploads.Add(key.ToArray());
                break;
            case LogKeyspace.Parts:
                Parts.Add(key.ToArray());
                break;
            default:
                return;
        }

        Bytes += location.Length;
    }
}
