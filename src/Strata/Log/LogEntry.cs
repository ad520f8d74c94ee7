using System.Buffers;

namespace Strata;

/// <summary>
/// An entry as it was read, its checksum verified: bytes of the mapped segment, or of a buffer where the log does not map.
/// They stay as they are until it is disposed, which must happen once; a segment is not given away before.
/// </summary>
internal readonly struct LogEntry : IDisposable
{
    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly LogSegment? _segment;
    private readonly ArrayPool<byte>? _pool;
    private readonly byte[]? _rented;

    /// <summary>An entry within a mapping, under a lease of the segment.</summary>
    internal LogEntry(ReadOnlyMemory<byte> bytes, in LogEntryHeader header, LogLocation location, LogSegment segment)
        : this(bytes, header, location) => _segment = segment;

    /// <summary>An entry in a buffer.</summary>
    internal LogEntry(byte[] rented, ArrayPool<byte> pool, in LogEntryHeader header, LogLocation location)
        : this(rented.AsMemory(0, header.Length), header, location) => (_rented, _pool) = (rented, pool);

    private LogEntry(ReadOnlyMemory<byte> bytes, in LogEntryHeader header, LogLocation location)
    {
        _bytes = bytes;
        Header = header;
        Location = location;
    }

    public LogEntryHeader Header { get; }

    /// <summary>Where it was read; what <see cref="LogBatch.Expect"/> takes.</summary>
    public LogLocation Location { get; }

    /// <summary>The LSN of the commit that wrote it.</summary>
    public ulong Sequence => Header.Sequence;

    /// <summary>Unix milliseconds; 0 = never.</summary>
    public long Expires => Header.Expires;

    public bool IsTombstone => (Header.Flags & LogEntryFlags.Tombstone) != LogEntryFlags.None;

    public bool IsReference => (Header.Flags & LogEntryFlags.Reference) != LogEntryFlags.None;

    public ReadOnlyMemory<byte> Key => _bytes.Slice(LogEntryHeader.Bytes, Header.KeyLength);

    /// <summary>Head and body.</summary>
    public ReadOnlyMemory<byte> Value => _bytes.Slice(LogEntryHeader.Bytes + Header.KeyLength, Header.ValueLength);

    public ReadOnlyMemory<byte> Head => Value[..Header.HeadLength];

    public ReadOnlyMemory<byte> Body => Value[Header.HeadLength..];

    public void Dispose()
    {
        _segment?.Release();
        if (_rented is not null) _pool!.Return(_rented);
    }
}
