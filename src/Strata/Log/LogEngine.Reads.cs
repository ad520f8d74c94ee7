using System.Diagnostics.CodeAnalysis;

namespace Strata;

/// <content>Reads: the key is looked up in memory without a lock, its entry is read once and verified each time.</content>
internal sealed unsafe partial class LogEngine
{
    /// <summary>So much of an entry is asked for before it is verified: the processor itself sees what follows.</summary>
    private const int BytesAhead = 2 << 10;

    /// <summary>A key's value. Dispose the entry.</summary>
    /// <exception cref="StorageException">Of kind Corrupt: the entry does not match its checksum.</exception>
    public bool TryRead(ReadOnlySpan<byte> key, out LogEntry entry)
    {
        LogLocation before = default;
        while (_index.TryGet(key, out LogLocation location) && (location.Flags & LogEntryFlags.Tombstone) == LogEntryFlags.None)
        {
            if (TryReadAt(key, location, out entry)) return true;
            before = Moved(key, location, before);
        }

        entry = default;
        return false;
    }

    /// <summary>A key's value or its tombstone. Dispose the entry.</summary>
    /// <exception cref="StorageException">Of kind Corrupt: the entry does not match its checksum.</exception>
    public bool TryReadLatest(ReadOnlySpan<byte> key, out LogEntry entry)
    {
        LogLocation before = default;
        while (_index.TryGet(key, out LogLocation location))
        {
            if (TryReadAt(key, location, out entry)) return true;
            before = Moved(key, location, before);
        }

        entry = default;
        return false;
    }

    /// <summary>Where a key's latest entry is; a tombstone too.</summary>
    public bool TryLocate(ReadOnlySpan<byte> key, out LogLocation location) => _index.TryGet(key, out location);

    /// <summary>Marks a key as read lately.</summary>
    public void Visit(ReadOnlySpan<byte> key) => _index.Visit(key);

    /// <summary>Takes that mark away again.</summary>
    public void Unvisit(ReadOnlySpan<byte> key) => _index.Unvisit(key);

    /// <summary>Gathers keys and places in order, as they are at one instant. <see cref="LogRangeReader"/> reads the entries too.</summary>
    public int Scan(in LogScan range, LogScanBuffer into) => _index.Scan(range, into);

    /// <summary>The entry at a place. False: the segment is gone; look the key up again.</summary>
    /// <exception cref="StorageException">Of kind Corrupt: what is there is not this key's entry, or does not match its checksum.</exception>
    public bool TryReadAt(ReadOnlySpan<byte> key, LogLocation location, out LogEntry entry)
    {
        entry = default;
        if (!TryLease(location.Segment, out LogSegment? segment)) return false;
        bool isHandedOver = false;
        try
        {
            if (segment.Mapping is { } mapping)
            {
                if ((long)location.Offset + location.Length > mapping.Length) throw Damaged(key, location, "its segment is shorter than that");
                byte* at = mapping.Pointer + location.Offset;
                CacheLines.Prefetch(at, Math.Min(location.Length, BytesAhead));
                Verify(key, location, segment, new ReadOnlySpan<byte>(at, location.Length));
                entry = new LogEntry(segment, location);
                isHandedOver = true;
            }
            else
            {
                entry = ReadBuffered(key, location, segment);
            }

            return true;
        }
        finally
        {
            if (!isHandedOver) segment.Release();
        }
    }

    /// <summary>A lease of a segment; false: it is gone.</summary>
    internal bool TryLease(uint incarnation, [NotNullWhen(true)] out LogSegment? segment) => _segments.TryGetValue(incarnation, out segment) && segment.TryAcquire();

    /// <summary>Verifies that a whole entry is this key's, and as it was written.</summary>
    /// <exception cref="StorageException">Of kind Corrupt: it is not.</exception>
    internal void Verify(ReadOnlySpan<byte> key, LogLocation location, LogSegment segment, ReadOnlySpan<byte> entry)
    {
        if (LogEntryHeader.Fault(entry, key, segment.Seed) is { } fault) throw Damaged(key, location, fault);
    }

    /// <summary>Compaction moved an entry between the two steps of a read; it changes the index before the segment goes.</summary>
    /// <returns>Where it was.</returns>
    private LogLocation Moved(ReadOnlySpan<byte> key, LogLocation location, LogLocation before) =>
        location.IsSamePlaceAs(before) ? throw Damaged(key, location, "its segment is gone") : location;

    /// <summary>Reads an entry of a leased segment into a buffer.</summary>
    /// <exception cref="StorageException">As of <see cref="TryReadAt"/>, or the disk refuses.</exception>
    internal LogEntry ReadBuffered(ReadOnlySpan<byte> key, LogLocation location, LogSegment segment)
    {
        byte[] rented = _buffers.Rent(location.Length);
        try
        {
            Span<byte> bytes = rented.AsSpan(0, location.Length);
            int read = segment.File.Read(location.Offset, bytes);
            if (read < bytes.Length) throw Damaged(key, location, "its segment is shorter than that");
            Verify(key, location, segment, bytes);
            return new LogEntry(rented, _buffers, location);
        }
        catch (Exception e)
        {
            _buffers.Return(rented);
            if (DiskErrors.IsDiskError(e)) throw DiskErrors.Map(e, "read", null, _options.Name, _disk.Path);
            throw;
        }
    }

    private StorageException Damaged(ReadOnlySpan<byte> key, LogLocation location, string what) =>
        new(StorageErrorKind.Corrupt, $"An entry of keyspace {key[0]} in the log of store '{_options.Name}' is damaged: {what} (segment {location.Segment:x8}, offset {location.Offset}).") { Operation = "read", Store = _options.Name };
}
