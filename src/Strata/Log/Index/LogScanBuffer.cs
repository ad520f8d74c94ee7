using System.Runtime.CompilerServices;

namespace Strata;

/// <summary>What a scan gathered. To be used again for the next: it keeps its memory, and what it held is overwritten.</summary>
internal sealed class LogScanBuffer
{
    /// <summary>Behind the room of a key are so many bytes that its writer may spoil, so that it can copy by whole vectors.</summary>
    public const int SpareBytes = 16;

    private byte[] _keys = [];
    private Row[] _rows = [];
    private int _used;

    /// <summary>Memory that it keeps, bytes.</summary>
    public int HeldBytes => _keys.Length + (_rows.Length * Unsafe.SizeOf<Row>());

    /// <summary>How many entries it holds.</summary>
    public int Count { get; private set; }

    /// <summary>The key of the entry at <paramref name="index"/>, valid until the next scan.</summary>
    public ReadOnlySpan<byte> Key(int index)
    {
        _ = At(index, out ReadOnlySpan<byte> key);
        return key;
    }

    public LogLocation Location(int index) => At(index, out _);

    /// <summary>Location and key of an entry.</summary>
    public LogLocation At(int index, out ReadOnlySpan<byte> key)
    {
        if ((uint)index >= (uint)Count) throw new ArgumentOutOfRangeException(nameof(index), index, $"The scan gathered {Count} entries.");
        ref readonly Row row = ref _rows[index];
        key = _keys.AsSpan(row.Start, row.Length);
        return row.Location;
    }

    internal void Clear() => Count = _used = 0;

    /// <summary>Appends an entry and gives the room for its key, with <see cref="SpareBytes"/> behind it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal Span<byte> Append(int keyLength, LogLocation location)
    {
        int room = keyLength + SpareBytes;
        if (Count == _rows.Length || room > _keys.Length - _used) Grow(room);
        _rows[Count++] = new Row(_used, keyLength, location);
        Span<byte> key = _keys.AsSpan(_used, room);
        _used += keyLength;
        return key;
    }

    private void Grow(int room)
    {
        if (Count == _rows.Length) Array.Resize(ref _rows, Math.Max(16, 2 * Count));
        if (room > _keys.Length - _used) Array.Resize(ref _keys, Math.Max(1_024, Math.Max(2 * _keys.Length, _used + room)));
    }

    private readonly record struct Row(int Start, int Length, LogLocation Location);
}
