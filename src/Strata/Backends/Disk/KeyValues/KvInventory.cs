namespace Strata;

/// <summary>What the opening of a log has come across of a keyspace with an ordered KV: keys and places, no values.</summary>
internal sealed class KvInventory(LogKeyspace keyspace)
{
    private readonly byte[] _last = new byte[LogEntryHeader.MaxKeyBytes];
    private int _lastLength;
    private ulong _lastSequence;

    /// <summary>Key in the log of what was set or deleted last; empty: nothing was.</summary>
    public ReadOnlySpan<byte> Last => _last.AsSpan(0, _lastLength);

    public long Entries { get; private set; }

    /// <summary>Bytes of the entries.</summary>
    public long Bytes { get; private set; }

    public KvExpiries Expiries { get; } = new();

    /// <summary>There are keys of others than this and the log's own.</summary>
    public bool HasOthers { get; private set; }

    public void Add(ReadOnlySpan<byte> key, ulong sequence, LogLocation location, long expires)
    {
        HasOthers |= key[0] != (byte)keyspace && key[0] != (byte)LogKeyspace.System;
        if (key[0] != (byte)keyspace) return;
        if (sequence >= _lastSequence)
        {
            (_lastSequence, _lastLength) = (sequence, key.Length);
            key.CopyTo(_last);
        }

        if ((location.Flags & LogEntryFlags.Tombstone) != LogEntryFlags.None) return;
        Entries++;
        Bytes += location.Length;
        if (expires != 0 && !Expiries.TryAdd(expires, key[1..])) throw new StorageException(StorageErrorKind.Full, "There is no memory for the keys that expire.") { Operation = "open" };
    }
}
