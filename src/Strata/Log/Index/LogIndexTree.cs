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
internal sealed unsafe class LogIndexTree : IDisposable
{
    /// <summary>Most levels. Even keys of the greatest length with all that tells them apart at their ends stay below.</summary>
    public const int MaxHeight = 24;

    /// <summary>Most nodes that share their entries at once.</summary>
    public const int MaxWindow = 8;

    /// <summary>Bytes beyond its key that an entry may take.</summary>
    public const int PromisedOverhead = 32;

    // Of an inner level's window a change can make five nodes more (its new separators are all of the greatest length).
    private const int GrowthPerLevel = 5, NearbyWindow = 3;
    private const int Room = LogIndexNode.Bytes - LogIndexNode.HeaderBytes;
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
        _index = leaf.Find(key, LogIndexNode.LeafPayload, out bool isFound);
        location = isFound ? leaf.Location(_index) : default;
        return isFound;
    }

    /// <summary>True if the key that was located, and is not there, can be inserted without passing so many bytes.</summary>
    public bool HasRoom(ReadOnlySpan<byte> key, long maxBytes)
    {
        if (FitsLeaf(key)) return true;
        if (_height >= MaxHeight - 1) return false;

        // Twice: what an insertion leaves is enough for the deletions that make room again.
        if (maxBytes / LogIndexNode.Bytes - _nodes.InUse < 2 * MostGrowth) return false;
        return TryReserve();
    }

    /// <summary>Changes the location of the key that was located.</summary>
    public void SetLocation(LogLocation location) => _nodes[_ids[0]].SetLocation(_index, location);

    /// <summary>Inserts the key that was located and is not there.</summary>
    public void Insert(ReadOnlySpan<byte> key, LogLocation location)
    {
        Volatile.Write(ref _count, _count + 1);
        _keyBytes += key.Length;
        LogIndexNode leaf = _nodes[_ids[0]];
        int run = RunWith(leaf);
        if (TryInsertIntoLeaf(leaf, key, location))
        {
            leaf.LastInsertion = _index;
            leaf.Run = run;
            return;
        }

        Workspace.BeginOperation();
        LogIndexItem item = Workspace.Item(key, LogIndexNode.LeafPayload, (location.Flags & LogEntryFlags.Visited) != LogEntryFlags.None);
        LogIndexNode.WriteLocation(item.Entry, location);
        Spread(0, _index, 0, [item], run);
    }

    /// <summary>Removes the key that was located and is there.</summary>
    /// <param name="keyLength">Its length.</param>
    /// <param name="maxBytes">What may not be passed: near it, leaves may stay emptier than they would.</param>
    public void Remove(int keyLength, long maxBytes)
    {
        Volatile.Write(ref _count, _count - 1);
        _keyBytes -= keyLength;
        LogIndexNode leaf = _nodes[_ids[0]];
        leaf.Remove(_index, LogIndexNode.LeafPayload);
        leaf.Run = 0;
        if (!IsThin(leaf, 0) || (_height > 1 && maxBytes / LogIndexNode.Bytes - _nodes.InUse < MostGrowth) || !TryReserve()) return;
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

        return _nodes.TryGet(id, out leaf);
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

    /// <summary>Puts items into a node's row in the place of others; the row may become more nodes.</summary>
    private void Spread(int level, int at, int removed, ReadOnlySpan<LogIndexItem> items, int run)
    {
        int payload = PayloadOf(level);
        var window = new LogIndexWindow(0, 1);
        Gather(level, window, at, removed, items);
        var cuts = new LogIndexCuts(Workspace, payload);
        int count = Workspace.Count;
        if (cuts.SizeOf(0, count) <= LogIndexNode.Bytes)
        {
            Write(level, window, [count], at, run);
            return;
        }

        Span<int> ends = stackalloc int[MaxWindow + 8];
        int cut = SequentialCut(level, at, items.Length, count, run);
        if (cut > 0 && cuts.SizeOf(0, cut) <= LogIndexNode.Bytes && cuts.SizeOf(cut, count) <= LogIndexNode.Bytes)
        {
            ends[0] = cut;
            ends[1] = count;
            Write(level, window, ends[..2], at, run);
            return;
        }

        bool isPressed = level == 0 && IsPressed;
        window = WindowAround(level, isPressed ? MaxWindow : NearbyWindow);
        Gather(level, window, at, removed, items);
        cuts = new LogIndexCuts(Workspace, payload);
        int share = isPressed ? 97 : 93;
        int parts = window.Count + (cuts.Weight(0, Workspace.Count) > (long)window.Count * Room * share / 100 || window.Count == 1 ? 1 : 0);
        Write(level, window, Cut(payload, ends, parts));
    }

    /// <summary>Where a node is cut that fills in one direction: what stays behind is full.</summary>
    private int SequentialCut(int level, int at, int added, int count, int run)
    {
        int end = at + added;
        if (end == count && run > 0 && (run >= SequentialRun || IsLastOfLevel(level))) return at;
        if (level > 0) return 0;
        if (run >= SequentialRun) return end;
        return run > -SequentialRun ? 0 : at == 0 ? end : at;
    }

    private bool IsLastOfLevel(int level)
    {
        for (int above = level + 1; above < _height; above++)
        {
            if (_children[above] < _nodes[_ids[above]].Count) return false;
        }

        return true;
    }

    /// <summary>Cuts into so many parts, or as many more as it takes.</summary>
    private ReadOnlySpan<int> Cut(int payload, Span<int> ends, int parts)
    {
        var cuts = new LogIndexCuts(Workspace, payload);
        ends[0] = 0;
        if (Workspace.Count == 0) return ends[..1];
        for (; ; parts++)
        {
            if (cuts.TryEven(ends[..parts])) return ends[..parts];
            int balanced = cuts.Balance(ends[..parts]);
            if (balanced > 0) return ends[..balanced];
        }
    }

    /// <summary>Up to so many neighbours around the path's node that have the same parent.</summary>
    private LogIndexWindow WindowAround(int level, int size)
    {
        if (level == _height - 1) return new(0, 1);
        int children = _nodes[_ids[level + 1]].Count + 1, count = Math.Min(size, children);
        int first = Math.Clamp(_children[level + 1] - (count / 2), 0, children - count);
        return new(_children[level + 1] - first, count);
    }

    private static int PayloadOf(int level) => level == 0 ? LogIndexNode.LeafPayload : LogIndexNode.InnerPayload;

    private LogIndexNode NodeOf(int level, LogIndexWindow window, int index, out uint id)
    {
        id = index == window.Self ? _ids[level] : _nodes[_ids[level + 1]].Child(_children[level + 1] - window.Self + index);
        return _nodes[id];
    }

    /// <summary>Takes the entries of a window into the workspace.</summary>
    private void Gather(int level, LogIndexWindow window, int at, int removed, ReadOnlySpan<LogIndexItem> items)
    {
        LogIndexWorkspace workspace = Workspace;
        workspace.BeginWindow();
        for (int i = 0; i < window.Count; i++)
        {
            LogIndexNode copy = workspace.AddCopy(NodeOf(level, window, i, out _), i);
            int start = 0, entries = copy.Count;
            if (level > 0)
            {
                workspace.Add(FirstChild(level, window, i, copy.Link));
                start = 1;
            }

            if (i != window.Self)
            {
                workspace.AddEntries(copy, 0, entries);
                continue;
            }

            // Of an inner node the item before the first slot is its first child, which no change takes away.
            workspace.AddEntries(copy, 0, at - start);
            foreach (LogIndexItem item in items) workspace.Add(item);
            workspace.AddEntries(copy, at - start + removed, entries);
        }
    }

    /// <summary>The first child of an inner node, with the key that stands above.</summary>
    private LogIndexItem FirstChild(int level, LogIndexWindow window, int index, uint child)
    {
        Span<byte> room = stackalloc byte[LogIndexNode.MaxKeyBytes];
        scoped ReadOnlySpan<byte> key = default;
        if (index > 0)
        {
            LogIndexNode parent = _nodes[_ids[level + 1]];
            int slot = _children[level + 1] - window.Self + index - 1;
            Span<byte> whole = room[..parent.KeyLength(slot, LogIndexNode.InnerPayload)];
            parent.CopyKey(slot, LogIndexNode.InnerPayload, whole);
            key = whole;
        }

        LogIndexItem item = Workspace.Item(key, LogIndexNode.InnerPayload);
        Unsafe.WriteUnaligned(item.Entry, child);
        return item;
    }

    /// <summary>Writes what was gathered into nodes, and tells the level above.</summary>
    /// <param name="level">Of the nodes.</param>
    /// <param name="window">The nodes that it was gathered from.</param>
    /// <param name="ends">Where each node's items end.</param>
    /// <param name="inserted">The item that came in; its leaf remembers it.</param>
    /// <param name="run">For how long insertions have gone one way.</param>
    private void Write(int level, LogIndexWindow window, ReadOnlySpan<int> ends, int inserted = -1, int run = 0)
    {
        Span<uint> ids = stackalloc uint[Math.Max(window.Count, ends.Length)];
        for (int i = 0; i < window.Count; i++) NodeOf(level, window, i, out ids[i]);
        for (int i = window.Count; i < ends.Length; i++) ids[i] = _nodes.Allocate();
        for (int i = ends.Length; i < window.Count; i++) _nodes.Free(ids[i]);

        LogIndexItem[] raised = _raised[level & 1];
        for (int i = 0, start = 0; i < ends.Length; start = ends[i++])
        {
            if (i > 0) raised[i - 1] = Separator(level, start, ids[i]);
            LogIndexNode node = _nodes[ids[i]];
            WriteNode(level, node, start, ends[i]);
            if (level > 0 || inserted < start || inserted >= ends[i]) continue;
            node.LastInsertion = inserted - start;
            node.Run = run;
        }

        if (level == _height - 1 && ends.Length == 1) return;
        int first = level == _height - 1 ? 0 : _children[level + 1] - window.Self;
        Splice(level + 1, first + 1, window.Count - 1, raised.AsSpan(0, ends.Length - 1));
    }

    private void WriteNode(int level, LogIndexNode node, int start, int end)
    {
        LogIndexWorkspace workspace = Workspace;
        ReadOnlySpan<LogIndexItem> items = workspace.Items;
        int payload = PayloadOf(level);
        uint first = 0;
        if (level > 0) first = items[start++].Child;
        Span<byte> room = stackalloc byte[LogIndexNode.MaxKeyBytes];
        int prefixLength = start < end ? new LogIndexCuts(workspace, payload).CommonPrefix(start, end - 1) : 0;
        node.Begin(level, start < end ? items[start].Key(payload, room)[..prefixLength] : default, end - start);
        node.Link = first;
        for (int i = start; i < end; i++)
        {
            ref readonly LogIndexItem item = ref items[i];
            if (item.PrefixLength == prefixLength)
            {
                int length = item.EntryBytes(payload);
                Unsafe.CopyBlockUnaligned(node.Fill(i - start, item.Head, length), item.Entry, (uint)length);
            }
            else
            {
                ReadOnlySpan<byte> suffix = item.Key(payload, room)[prefixLength..];
                byte* entry = node.Fill(i - start, LogIndexNode.HeadOf(suffix), LogIndexNode.SizeOf(item.KeyLength, prefixLength, payload) - LogIndexNode.SlotBytes);
                Unsafe.CopyBlockUnaligned(entry, item.Entry, (uint)payload);
                LogIndexNode.WriteSuffix(entry, payload, suffix);
            }

            if (item.IsVisited) node.SetVisited(i - start, isVisited: true);
        }
    }

    /// <summary>What stands above between two nodes: between leaves the shortest key that is above the one and not above the other.</summary>
    private LogIndexItem Separator(int level, int start, uint id)
    {
        LogIndexWorkspace workspace = Workspace;
        int payload = PayloadOf(level);
        Span<byte> room = stackalloc byte[LogIndexNode.MaxKeyBytes];
        ReadOnlySpan<byte> key = workspace.Items[start].Key(payload, room);
        if (level == 0) key = key[..(new LogIndexCuts(workspace, payload).CommonPrefix(start - 1, start) + 1)];
        LogIndexItem item = workspace.Item(key, LogIndexNode.InnerPayload);
        Unsafe.WriteUnaligned(item.Entry, id);
        return item;
    }

    /// <summary>Puts children into the path's node of an inner level in the place of others, the first of which is never the node's first.</summary>
    private void Splice(int level, int at, int removed, ReadOnlySpan<LogIndexItem> items)
    {
        if (level == _height)
        {
            AddRoot(items);
            return;
        }

        if (!TrySpliceInPlace(_nodes[_ids[level]], at, removed, items))
        {
            bool isAppended = removed == 0 && at > _nodes[_ids[level]].Count;
            Spread(level, at, removed, items, isAppended ? 1 : 0);
        }
        else if (removed > items.Length)
        {
            Thin(level);
        }
    }

    private bool TrySpliceInPlace(LogIndexNode node, int at, int removed, ReadOnlySpan<LogIndexItem> items)
    {
        const int payload = LogIndexNode.InnerPayload;
        Span<byte> room = stackalloc byte[LogIndexNode.MaxKeyBytes];
        int prefixLength = node.PrefixLength, free = node.Free;
        for (int i = 0; i < removed; i++) free += LogIndexNode.SizeOf(node.KeyLength(at - 1 + i, payload), prefixLength, payload);
        foreach (LogIndexItem item in items)
        {
            free -= LogIndexNode.SizeOf(item.KeyLength, prefixLength, payload);
            if (free < 0 || !item.Key(payload, room).StartsWith(node.Prefix)) return false;
        }

        for (int i = 0; i < removed; i++) node.Remove(at - 1, payload);
        for (int i = 0; i < items.Length; i++)
        {
            byte* entry = InsertIntoNode(node, at - 1 + i, items[i].Key(payload, room)[prefixLength..], payload);
            Unsafe.WriteUnaligned(entry, items[i].Child);
        }

        return true;
    }

    private void AddRoot(ReadOnlySpan<LogIndexItem> items)
    {
        LogIndexWorkspace workspace = Workspace;
        workspace.BeginWindow();
        LogIndexItem first = workspace.Item(default, LogIndexNode.InnerPayload);
        Unsafe.WriteUnaligned(first.Entry, _root);
        workspace.Add(first);
        foreach (LogIndexItem item in items) workspace.Add(item);

        uint id = _nodes.Allocate();
        int level = _height;
        _ids[level] = id;
        _children[level] = 0;
        _height = level + 1;
        _root = id;

        Span<int> ends = stackalloc int[MaxWindow + 8];
        Write(level, new LogIndexWindow(0, 1), Cut(LogIndexNode.InnerPayload, ends, 1));
    }

    /// <summary>Few enough keys that it is worth a look whether neighbours can do with a node less.</summary>
    private bool IsThin(LogIndexNode node, int level) =>
        level < _height - 1 ? node.Used < (level == 0 && IsPressed ? Room / 100 * 84 : Room / 100 * 61) : level > 0 && node.Count == 0;

    /// <summary>Puts the path's node and its neighbours into fewer nodes if they fit well.</summary>
    private void Thin(int level)
    {
        if (level == _height - 1)
        {
            if (level > 0 && _nodes[_root].Count == 0) RemoveRoot();
            return;
        }

        if (!IsThin(_nodes[_ids[level]], level)) return;
        bool isPressed = level == 0 && IsPressed;
        LogIndexWindow window = WindowAround(level, isPressed ? MaxWindow : NearbyWindow);
        if (window.Count == 1) return;
        int used = 0, goal = Room / 100 * (isPressed ? 96 : 92);
        for (int i = 0; i < window.Count; i++) used += NodeOf(level, window, i, out _).Used;
        int parts = Math.Max(1, (used + goal - 1) / goal);
        bool isNearlyEmpty = _nodes[_ids[level]].Used < Room / 4;
        if (parts >= window.Count && !isNearlyEmpty) return;

        Gather(level, window, level == 0 ? 0 : 1, 0, []);
        Span<int> ends = stackalloc int[MaxWindow + 8];
        ReadOnlySpan<int> cut = Cut(PayloadOf(level), ends, Math.Min(parts, window.Count));
        if (cut.Length < window.Count || isNearlyEmpty) Write(level, window, cut);
    }

    private void RemoveRoot()
    {
        do
        {
            uint old = _root;
            _root = _nodes[old].Link;
            _height--;
            _nodes.Free(old);
        }
        while (_height > 1 && _nodes[_root].Count == 0);
    }
}
