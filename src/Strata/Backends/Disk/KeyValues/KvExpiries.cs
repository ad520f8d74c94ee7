using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Strata;

/// <summary>
/// Which keys expire next, in the order of their times, so that a sweep costs what is due and not what is stored. In native
/// memory: a key's bytes, 8 for its time and at most 32 more, for keys that expire alone. Safe for concurrent use.
/// </summary>
internal sealed class KvExpiries : IDisposable
{
    private const int TimeBytes = sizeof(long);
    private static readonly LogLocation Somewhere = new(1, 0, 0, LogEntryFlags.None);
    private readonly LogIndex _order = new(long.MaxValue);

    public long Count => _order.Count;

    /// <summary>Native memory in use; nothing before the first.</summary>
    public long Bytes => _order.Count == 0 ? 0 : _order.Bytes;

    /// <summary>When the next is due, Unix milliseconds; null: none ever is.</summary>
    public long? First
    {
        get
        {
            var first = new LogScanBuffer();
            return _order.Scan(new LogScan(default, default, 1), first) == 0 ? null : BinaryPrimitives.ReadInt64BigEndian(first.Key(0));
        }
    }

    /// <summary>A key expires at this time, Unix milliseconds.</summary>
    /// <returns>False: there is no memory for it.</returns>
    [SkipLocalsInit]
    public bool TryAdd(long expires, ReadOnlySpan<byte> key) => _order.TryPut(Of(expires, key, stackalloc byte[LogEntryHeader.MaxKeyBytes]), Somewhere, out _);

    /// <summary>It does no more.</summary>
    [SkipLocalsInit]
    public void Remove(long expires, ReadOnlySpan<byte> key) => _order.Remove(Of(expires, key, stackalloc byte[LogEntryHeader.MaxKeyBytes]), out _);

    /// <summary>What is due by now, the earliest first; it stays until it is removed.</summary>
    public List<(long Expires, byte[] Key)> Due(long now, int most)
    {
        Span<byte> end = stackalloc byte[TimeBytes];
        BinaryPrimitives.WriteInt64BigEndian(end, now + 1);
        var found = new LogScanBuffer();
        var due = new List<(long, byte[])>(_order.Scan(new LogScan(default, end, most), found));
        for (int i = 0; i < found.Count; i++) due.Add((BinaryPrimitives.ReadInt64BigEndian(found.Key(i)), found.Key(i)[TimeBytes..].ToArray()));
        return due;
    }

    public void Dispose() => _order.Dispose();

    private static ReadOnlySpan<byte> Of(long expires, ReadOnlySpan<byte> key, Span<byte> room)
    {
        BinaryPrimitives.WriteInt64BigEndian(room, expires);
        key.CopyTo(room[TimeBytes..]);
        return room[..(TimeBytes + key.Length)];
    }
}
