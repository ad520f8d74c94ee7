using System.Runtime.CompilerServices;

namespace Strata;

/// <summary>
/// The B+ tree of a <see cref="LogIndex"/>, as its writer sees it. Leaves stay full because a full one shares with its
/// neighbours before another is made of them, and because neighbours that fit into fewer are put together; how many
/// neighbours take part grows when the promised bytes a key are in danger.
/// </summary>
/// <remarks>
/// Reading methods may run beside the writer and then return anything, but they return. What a writer does is prepared
/// by <see cref="Locate"/>, which changes nothing a reader sees.
/// </remarks>
[SkipLocalsInit]
internal sealed unsafe partial class LogIndexTree : IDisposable
{
    /// <summary>
    /// Most levels. Of the longest separators that share nothing a node holds one, so that such levels have little more than
    /// half as many nodes each as the one below: even these reach it with billions of nodes.
    /// </summary>
    public const int MaxHeight = 40;

    /// <summary>Most nodes whose entries are moved at once.</summary>
    public const int MaxWindow = 12;

    /// <summary>Bytes beyond its key that an entry may take.</summary>
    public const int PromisedOverhead = 32;

    // Of an inner level's window a change can make so many nodes more: its new separators are all of the greatest length, of
    // which one stands in a node and the next rises. From nine that are new below, five nodes; from seven then, four.
    private const int GrowthPerLevel = 7, NearbyWindow = 3, PressedWindow = 8;
    private const int Room = LogIndexNode.Bytes - LogIndexNode.HeaderBytes;
    // Shares of a hundred: how full a window may be to be shared out once more, and how full what is put together becomes.
    private const int PairShare = 85, NearbyShare = 93, PressedShare = 96, MergedShare = 92, MergedPressedShare = 97;

    // Below these it is worth a look whether neighbours can do with a node less.
    private const int ThinShare = 61, ThinPressedShare = 86;
    private const int SequentialRun = 8, PressureFloor = 1_000;
    private readonly LogIndexNodes _nodes = new();
    private readonly uint[] _ids = new uint[MaxHeight + 1];
    private readonly int[] _children = new int[MaxHeight + 1];
    private readonly LogIndexItem[][] _raised = [new LogIndexItem[MaxWindow + 8], new LogIndexItem[MaxWindow + 8]];
    private LogIndexWorkspace? _workspace;
    private uint _root;
    private int _height = 1;
    private int _index;
    private long _count;
    private long _keyBytes;

    public LogIndexTree()
    {
        _root = _nodes.Allocate();
        _nodes[_root].Begin(0, default, 0);
    }

    public long Count => Volatile.Read(ref _count);

    /// <summary>Bytes of nodes in use.</summary>
    public long Bytes => _nodes.InUse * LogIndexNode.Bytes;

    /// <summary>Bytes of nodes that were ever in use.</summary>
    public long HeldBytes => _nodes.Held * LogIndexNode.Bytes;

    private LogIndexWorkspace Workspace => _workspace ??= new LogIndexWorkspace();

    // What the most demanding insertion takes: more than is ever seen, and the price of a bound that holds always.
    private int MostGrowth => (GrowthPerLevel * _height) + 2;

    private bool IsPressed => _count > PressureFloor && Bytes > (_keyBytes + (PromisedOverhead * _count)) / 100 * 97;

    /// <summary>Reads. False: it is not there, or what was read was in the middle of a change.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryFind(ReadOnlySpan<byte> key, out LogIndexNode leaf, out int index)
    {
        index = 0;
        if (!TryFindLeaf(key, out leaf)) return false;
        index = leaf.Find(key, LogIndexNode.LeafPayload, out bool isFound);
        return isFound;
    }

    /// <summary>Reads: the path to the leaf where <paramref name="key"/> belongs, by child. False in the middle of a change.</summary>
    /// <param name="key">Null: the last leaf.</param>
    /// <param name="isLast">The key is beyond all.</param>
    /// <param name="path">Gets a node's number and the child taken, from the leaf's parent up.</param>
    /// <param name="leaf">The leaf.</param>
    public bool TryFindPath(ReadOnlySpan<byte> key, bool isLast, ref LogIndexPath path, out LogIndexNode leaf)
    {
        uint id = _root;
        path.Height = Math.Clamp(_height, 1, MaxHeight);
        for (int level = path.Height - 1; level > 0; level--)
        {
            if (!_nodes.TryGet(id, out leaf)) return false;
            int child = isLast ? leaf.Count : leaf.FindChild(key);
            path.Set(level, id, child);
            id = leaf.Child(child);
        }

        return _nodes.TryGet(id, out leaf);
    }

    /// <summary>Reads: the leaf behind, or before. False: there is none, or what was read was in the middle of a change.</summary>
    public bool TryMove(ref LogIndexPath path, bool isDown, out LogIndexNode leaf)
    {
        leaf = default;
        int level = 1;
        uint id = 0;
        for (; ; level++)
        {
            if (level >= path.Height) return false;
            int child = path.Child(level) + (isDown ? -1 : 1);
            if (!_nodes.TryGet(path.Id(level), out LogIndexNode node)) return false;
            if (child < 0 || child > node.Count) continue;
            path.Set(level, path.Id(level), child);
            id = node.Child(child);
            break;
        }

        while (--level > 0)
        {
            if (!_nodes.TryGet(id, out LogIndexNode node)) return false;
            int child = isDown ? node.Count : 0;
            path.Set(level, id, child);
            id = node.Child(child);
        }

        return _nodes.TryGet(id, out leaf);
    }

    /// <summary>Finds the place of a key for the change that follows.</summary>
    /// <param name="key">The key.</param>
    /// <param name="location">Where its entry is, if it is there.</param>
    public bool Locate(ReadOnlySpan<byte> key, out LogLocation location)
    {
        uint id = _root;
        for (int level = _height - 1; level > 0; level--)
        {
            LogIndexNode node = _nodes[id];
            _ids[level] = id;
            _children[level] = node.FindChild(key);
            id = node.Child(_children[level]);
        }

        _ids[0] = id;
        LogIndexNode leaf = _nodes[id];
        leaf.Prefetch();
        _index = leaf.Find(key, LogIndexNode.LeafPayload, out bool isFound);
        location = isFound ? leaf.Location(_index) : default;
        return isFound;
    }

    /// <summary>True if the key that was located, and is not there, can be inserted without passing so many bytes.</summary>
    public bool HasRoom(ReadOnlySpan<byte> key, long maxBytes)
    {
        if (FitsLeaf(key)) return true;
        if (_height >= MaxHeight - 1) return false;

        return (maxBytes / LogIndexNode.Bytes) - _nodes.InUse >= MostGrowth && TryReserve();
    }

    /// <summary>Changes the location of the key that was located.</summary>
    public void SetLocation(LogLocation location) => _nodes[_ids[0]].SetLocation(_index, location);

    /// <summary>Inserts the key that was located and is not there.</summary>
    public void Insert(ReadOnlySpan<byte> key, LogLocation location)
    {
        LogIndexNode leaf = _nodes[_ids[0]];
        int run = RunWith(leaf);
        if (TryInsertIntoLeaf(leaf, key, location))
        {
            leaf.LastInsertion = _index;
            leaf.Run = run;
        }
        else
        {
            Workspace.BeginOperation();
            LogIndexItem item = Workspace.Item(key, LogIndexNode.LeafPayload, (location.Flags & LogEntryFlags.Visited) != LogEntryFlags.None);
            LogIndexNode.WriteLocation(item.Entry, location);
            Spread(0, _index, 0, [item], run);
        }

        _keyBytes += key.Length;
        Volatile.Write(ref _count, _count + 1);
    }

    /// <summary>Removes the key of so many bytes that was located and is there.</summary>
    public void Remove(int keyLength)
    {
        Volatile.Write(ref _count, _count - 1);
        _keyBytes -= keyLength;
        LogIndexNode leaf = _nodes[_ids[0]];
        leaf.Remove(_index, LogIndexNode.LeafPayload);
        leaf.Run = 0;
        
        // Without memory for what may have to be written above, the leaf stays as it is.
        if (!IsThin(leaf, 0) || !TryReserve()) return;
        Workspace.BeginOperation();
        Thin(0);
    }

    /// <summary>Appends a leaf whose keys are all greater than any there. For loading.</summary>
    /// <param name="separator">Above the last key there, not above the first of the new ones.</param>
    /// <param name="count">Keys of the leaf.</param>
    /// <param name="keyBytes">Bytes of its keys.</param>
    /// <param name="leaf">The node, which <see cref="NewLeaf"/> gave.</param>
    public void AppendLeaf(ReadOnlySpan<byte> separator, int count, long keyBytes, uint leaf)
    {
        bool isFirst = _count == 0;
        Volatile.Write(ref _count, _count + count);
        _keyBytes += keyBytes;
        if (isFirst)
        {
            _nodes.Free(_root);
            _root = leaf;
            return;
        }

        uint id = _root;
        for (int level = _height - 1; level > 0; level--)
        {
            LogIndexNode node = _nodes[id];
            _ids[level] = id;
            _children[level] = node.Count;
            id = node.Child(node.Count);
        }

        _ids[0] = id;
        Workspace.BeginOperation();
        LogIndexItem item = Workspace.Item(separator, LogIndexNode.InnerPayload);
        Unsafe.WriteUnaligned(item.Entry, leaf);
        Splice(1, _height > 1 ? _children[1] + 1 : 1, 0, [item]);
    }

    /// <summary>A leaf to fill and append.</summary>
    /// <exception cref="OutOfMemoryException">There is no memory; nothing has changed.</exception>
    public uint NewLeaf(out LogIndexNode node)
    {
        _ = Workspace;
        _nodes.Reserve(MostGrowth + 1);
        uint id = _nodes.Allocate();
        node = _nodes[id];
        return id;
    }

    /// <summary>Once this is called no reader finds anything.</summary>
    public void Dispose()
    {
        _nodes.Dispose();
        _workspace?.Dispose();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryFindLeaf(ReadOnlySpan<byte> key, out LogIndexNode leaf)
    {
        uint id = _root;
        for (int level = Math.Min(_height, MaxHeight); level > 1; level--)
        {
            if (!_nodes.TryGet(id, out leaf)) return false;
            id = leaf.Child(leaf.FindChild(key));
        }

        if (!_nodes.TryGet(id, out leaf)) return false;
        leaf.Prefetch();
        return true;
    }

    private bool TryReserve()
    {
        try
        {
            _nodes.Reserve(MostGrowth);
            _ = Workspace;
            return true;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }

    private bool FitsLeaf(ReadOnlySpan<byte> key)
    {
        LogIndexNode leaf = _nodes[_ids[0]];
        return key.StartsWith(leaf.Prefix) && LogIndexNode.SizeOf(key.Length, leaf.PrefixLength, LogIndexNode.LeafPayload) <= leaf.Free;
    }

    private bool TryInsertIntoLeaf(LogIndexNode leaf, ReadOnlySpan<byte> key, LogLocation location)
    {
        if (!FitsLeaf(key)) return false;
        byte* entry = InsertIntoNode(leaf, _index, key[leaf.PrefixLength..], LogIndexNode.LeafPayload);
        LogIndexNode.WriteLocation(entry, location);
        leaf.SetVisited(_index, (location.Flags & LogEntryFlags.Visited) != LogEntryFlags.None);
        return true;
    }

    /// <summary>Into a node that has room for it, if only as garbage.</summary>
    private byte* InsertIntoNode(LogIndexNode node, int index, ReadOnlySpan<byte> suffix, int payload)
    {
        byte* entry = node.Insert(index, suffix, payload);
        if (entry is not null) return entry;
        node.Compact(Workspace.Copy(MaxWindow));
        return node.Insert(index, suffix, payload);
    }

    /// <summary>For how long insertions into the leaf have gone one way, the one to come among them.</summary>
    private int RunWith(LogIndexNode leaf)
    {
        int run = leaf.Run;
        if (_index == leaf.LastInsertion + 1) return Math.Min(Math.Max(run, 0) + 1, SequentialRun);
        return _index == leaf.LastInsertion ? Math.Max(Math.Min(run, 0) - 1, -SequentialRun) : 0;
    }
}
