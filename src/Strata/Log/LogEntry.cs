using System.Buffers;

namespace Strata;

/// <summary>
/// An entry as it was read, its checksum verified: bytes of the mapped segment, or of a buffer where the log does not map.
/// They stay as they are until it is disposed, which must happen once; a segment is not given away before.
/// </summary>
internal readonly unsafe struct LogEntry : IDisposable
{
    private readonly LogSegment? _segment;
    private readonly ArrayPool<byte>? _pool;
    private readonly byte[]? _rented;

    /// <summary>An entry within the mapping of a segment, under a lease of it.</summary>
    internal LogEntry(LogSegment segment, LogLocation location) => (_segment, Location) = (segment, location);

    /// <summary>An entry in a buffer.</summary>
    internal LogEntry(byte[] rented, ArrayPool<byte> pool, LogLocation location) => (_rented, _pool, Location) = (rented, pool, location);

    /// <summary>Where it was read; what <see cref="LogBatch.Expect"/> takes.</summary>
    public LogLocation Location { get; }

    /// <summary>It keeps a segment as it is, and not a buffer alone.</summary>
    public bool IsLeased => _segment is not null;

    /// <summary>Its parts, valid until it is disposed.</summary>
    public LogEntryView View => new(Bytes, Location);

    /// <summary>The LSN of the commit that wrote it.</summary>
    public ulong Sequence => View.Sequence;

    /// <summary>Unix milliseconds; 0 = never.</summary>
    public long Expires => View.Expires;

    public bool IsTombstone => View.IsTombstone;

    public bool IsReference => View.IsReference;

    public ReadOnlyMemory<byte> Key => Slice(LogEntryHeader.Bytes, View.Key.Length);

    /// <summary>Head and body.</summary>
    public ReadOnlyMemory<byte> Value
    {
        get
        {
            LogEntryView view = View;
            return Slice(view.ValueAt, view.ValueLength);
        }
    }

    public ReadOnlyMemory<byte> Head
    {
        get
        {
            LogEntryView view = View;
            return Slice(view.ValueAt, view.HeadLength);
        }
    }

    public ReadOnlyMemory<byte> Body
    {
        get
        {
            LogEntryView view = View;
            return Slice(view.ValueAt + view.HeadLength, view.BodyLength);
        }
    }

    private ReadOnlySpan<byte> Bytes =>
        _segment is { } segment ? new ReadOnlySpan<byte>(segment.Mapping!.Pointer + Location.Offset, Location.Length) : _rented.AsSpan(0, Location.Length);

    /// <summary>The same in a buffer of its own, which holds nothing of the log; to be disposed as well.</summary>
    public LogEntry Copy(ArrayPool<byte> pool)
    {
        byte[] rented = pool.Rent(Location.Length);
        Bytes.CopyTo(rented);
        return new LogEntry(rented, pool, Location);
    }

    public void Dispose()
    {
        _segment?.Release();
        if (_rented is not null) _pool!.Return(_rented);
    }

    private ReadOnlyMemory<byte> Slice(int start, int length) =>
        _segment is { } segment ? segment.Mapping!.Memory.Slice((int)Location.Offset + start, length) : _rented.AsMemory(start, length);
}
