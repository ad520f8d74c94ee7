using System.Runtime.CompilerServices;

namespace Strata;

/// <content>How entries move between nodes.</content>
internal sealed unsafe partial class LogIndexTree
{
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

        window = WindowToShare(level, cuts.Weight(0, count), out int parts);
        Gather(level, window, at, removed, items);
        Write(level, window, Cut(payload, ends, parts));
    }

    /// <summary>The neighbours that take what a node has too much of, the fewer the better, and how many nodes they become.</summary>
    private LogIndexWindow WindowToShare(int level, int weight, out int parts)
    {
        LogIndexWindow nearby = WindowAround(level, NearbyWindow);
        int more = weight - _nodes[_ids[level]].Used;
        parts = nearby.Count;
        if (nearby.Count == 1)
        {
            parts = 2;
            return nearby;
        }

        LogIndexWindow pair = Emptiest(level, nearby);
        if (UsedBy(level, pair) + more <= 2 * Room * PairShare / 100)
        {
            parts = 2;
            return pair;
        }

        if (UsedBy(level, nearby) + more <= nearby.Count * Room * NearbyShare / 100) return nearby;
        if (level == 0 && IsPressed)
        {
            LogIndexWindow wide = WindowAround(level, PressedWindow);
            parts = wide.Count;
            if (UsedBy(level, wide) + more <= wide.Count * Room * PressedShare / 100) return wide;
        }

        parts = nearby.Count + 1;
        return nearby;
    }

    /// <summary>Self and the neighbour that has more room.</summary>
    private LogIndexWindow Emptiest(int level, LogIndexWindow nearby)
    {
        LogIndexWindow before = new(1, 2), behind = new(0, 2);
        if (nearby.Self == 0) return behind;
        if (nearby.Self == nearby.Count - 1) return before;
        return UsedBy(level, before) < UsedBy(level, behind) ? before : behind;
    }

    private int UsedBy(int level, LogIndexWindow window)
    {
        int used = 0;
        for (int i = 0; i < window.Count; i++) used += NodeOf(level, window, i, out _).Used;
        return used;
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
        level < _height - 1 ? node.Used < (level == 0 && IsPressed ? Room * ThinPressedShare / 100 : Room * ThinShare / 100) : level > 0 && node.Count == 0;

    /// <summary>Puts the path's node and its neighbours into fewer nodes if they fit well.</summary>
    private void Thin(int level)
    {
        if (level == _height - 1)
        {
            if (level > 0 && _nodes[_root].Count == 0) RemoveRoot();
            return;
        }

        LogIndexNode node = _nodes[_ids[level]];
        if (!IsThin(node, level)) return;
        LogIndexWindow window = WindowAround(level, NearbyWindow);
        int parts = PartsFor(level, window, MergedShare);
        if (parts >= window.Count && level == 0 && IsPressed)
        {
            window = WindowAround(level, MaxWindow);
            parts = PartsFor(level, window, MergedPressedShare);
        }

        // A node that is nearly empty takes from its neighbours if it cannot be given up.
        bool isNearlyEmpty = node.Used < Room / 4;
        if (window.Count == 1 || (parts >= window.Count && !isNearlyEmpty)) return;
        Gather(level, window, level == 0 ? 0 : 1, 0, []);
        Span<int> ends = stackalloc int[MaxWindow + 8];
        ReadOnlySpan<int> cut = Cut(PayloadOf(level), ends, Math.Min(parts, window.Count));
        if (cut.Length < window.Count || isNearlyEmpty) Write(level, window, cut);
    }

    /// <summary>How many nodes the window's entries would fill to a share of a hundred.</summary>
    private int PartsFor(int level, LogIndexWindow window, int share)
    {
        int full = Room * share / 100;
        return Math.Max(1, (UsedBy(level, window) + full - 1) / full);
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
