namespace Strata;

/// <summary>What a scan gathered. To be used again for the next: it keeps its memory, and what it held is overwritten.</summary>
internal sealed class LogScanBuffer
{
    private byte[] _keys = [];
    private Row[] _rows = [];
    private int _used;

    /// <summary>How many entries it holds.</summary>
    public int Count { get; private set; }

    /// <summary>The key of the entry at <paramref name="index"/>, valid until the next scan.</summary>
    public ReadOnlySpan<byte> Key(int index)
    {
        Row row = RowAt(index);
        return _keys.AsSpan(row.Start, row.Length);
    }

    public LogLocation Location(int index) => RowAt(index).Location;

    internal void Clear() => Count = _used = 0;

    /// <summary>Appends an entry and gives the room for its key.</summary>
    internal Span<byte> Append(int keyLength, LogLocation location)
    {
        if (Count == _rows.Length) Array.Resize(ref _rows, Math.Max(16, 2 * Count));
        if (keyLength > _keys.Length - _used) Array.Resize(ref _keys, Math.Max(1_024, Math.Max(2 * _keys.Length, _used + keyLength)));
        _rows[Count++] = new Row(_used, keyLength, location);
        Span<byte> key = _keys.AsSpan(_used, keyLength);
        _used += keyLength;
        return key;
    }

    private Row RowAt(int index) => (uint)index < (uint)Count ? _rows[index] : throw new ArgumentOutOfRangeException(nameof(index), index, $"The scan gathered {Count} entries.");

    private readonly record struct Row(int Start, int Length, LogLocation Location);
}
