using System.Runtime.InteropServices;

namespace Strata;

/// <summary>
/// What a writer of a <see cref="LogIndex"/> needs to move entries between nodes: copies of nodes, keys that rise to the
/// level above, the items of a window. About 2 MiB, of which little is ever touched.
/// </summary>
internal sealed unsafe class LogIndexWorkspace : IDisposable
{
    // For every level that a tree may have, all separators and first children that one operation may need, of the greatest length.
    private const int KeysALevel = 24, KeyRoom = LogIndexTree.MaxHeight * KeysALevel * (LogEntryHeader.MaxKeyBytes + 32);

    // What inner levels need is there from the start: when they are changed there is no way back.
    private const int FirstItems = 1_100;
    private readonly byte* _memory = (byte*)NativeMemory.Alloc((nuint)((LogIndexTree.MaxWindow + 1) * LogIndexNode.Bytes) + KeyRoom);
    private LogIndexItem[] _items = new LogIndexItem[FirstItems];
    private int _keysUsed;

    public int Count { get; private set; }

    public ReadOnlySpan<LogIndexItem> Items => _items.AsSpan(0, Count);

    public void BeginOperation() => _keysUsed = 0;

    public void BeginWindow() => Count = 0;

    /// <summary>Room for a node.</summary>
    public byte* Copy(int index) => _memory + (index * LogIndexNode.Bytes);

    public void Add(LogIndexItem item)
    {
        if (Count == _items.Length) Array.Resize(ref _items, 2 * Count);
        _items[Count++] = item;
    }

    public LogIndexNode AddCopy(LogIndexNode node, int copy)
    {
        byte* at = Copy(copy);
        Buffer.MemoryCopy(node.At, at, LogIndexNode.Bytes, LogIndexNode.Bytes);
        return new LogIndexNode(at);
    }

    public void AddEntries(LogIndexNode copy, int from, int to)
    {
        int payload = copy.Payload, prefixLength = copy.PrefixLength;
        byte* prefix = copy.At + LogIndexNode.Bytes - prefixLength;
        for (int i = from; i < to; i++)
            Add(new LogIndexItem(prefix, prefixLength, copy.Head(i), copy.Entry(i, payload), prefixLength + copy.SuffixLength(i, payload), payload == LogIndexNode.LeafPayload && copy.IsVisited(i)));
    }

    /// <summary>An item of a key that is in no node; its payload is the caller's to write. Lasts until the operation's end.</summary>
    public LogIndexItem Item(ReadOnlySpan<byte> key, int payload, bool isVisited = false)
    {
        byte* entry = _memory + ((LogIndexTree.MaxWindow + 1) * LogIndexNode.Bytes) + _keysUsed;
        var item = new LogIndexItem(null, 0, LogIndexNode.HeadOf(key), entry, key.Length, isVisited);
        int length = (item.EntryBytes(payload) + 7) & ~7;
        if (length > KeyRoom - _keysUsed) throw new InvalidOperationException("The index has more levels than it can have.");
        _keysUsed += length;
        LogIndexNode.WriteSuffix(entry, payload, key);
        return item;
    }

    public void Dispose() => NativeMemory.Free(_memory);
}
