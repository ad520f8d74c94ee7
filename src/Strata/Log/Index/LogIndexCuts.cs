using System.Runtime.CompilerServices;

namespace Strata;

/// <summary>Where a row of items is cut so that each part fits into a node.</summary>
/// <param name="workspace">Has the items.</param>
/// <param name="payload">Of the level: of inner nodes the first item of each part gives its child alone, and its key rises.</param>
[SkipLocalsInit]
internal readonly ref struct LogIndexCuts(LogIndexWorkspace workspace, int payload)
{
    private readonly ReadOnlySpan<LogIndexItem> _items = workspace.Items;

    /// <summary>Keys of a part that stand in its node.</summary>
    private int Skipped => payload == LogIndexNode.InnerPayload ? 1 : 0;

    /// <summary>Bytes of the keys in [from, to) as they stand in the nodes where they come from.</summary>
    public int Weight(int from, int to)
    {
        int sum = 0;
        foreach (LogIndexItem item in _items[from..to]) sum += LogIndexNode.SlotBytes + item.EntryBytes(payload);
        return sum;
    }

    /// <summary>Bytes that a node of the items in [from, to) takes.</summary>
    public int SizeOf(int from, int to)
    {
        from += Skipped;
        if (from >= to) return LogIndexNode.HeaderBytes;
        int prefix = CommonPrefix(from, to - 1), size = LogIndexNode.HeaderBytes + prefix;
        foreach (LogIndexItem item in _items[from..to]) size += LogIndexNode.SizeOf(item.KeyLength, prefix, payload);
        return size;
    }

    /// <summary>How many bytes two items' keys begin with in common.</summary>
    public int CommonPrefix(int first, int second)
    {
        if (first == second) return _items[first].KeyLength;
        Span<byte> a = stackalloc byte[LogIndexNode.MaxKeyBytes], b = stackalloc byte[LogIndexNode.MaxKeyBytes];
        return _items[first].Key(payload, a).CommonPrefixLength(_items[second].Key(payload, b));
    }

    /// <summary>Cuts into parts of about equal weight.</summary>
    /// <param name="ends">Gets the end of each part.</param>
    /// <returns>False if a part does not fit.</returns>
    public bool TryEven(Span<int> ends)
    {
        if (_items.Length < ends.Length) return false;
        int total = Weight(0, _items.Length), sum = 0, at = 0;
        for (int part = 0; part < ends.Length; part++)
        {
            int start = at, last = _items.Length - (ends.Length - part - 1);
            long goal = (long)total * (part + 1) / ends.Length;
            while (at < last && (at == start || sum < goal || part == ends.Length - 1)) sum += LogIndexNode.SlotBytes + _items[at++].EntryBytes(payload);
            ends[part] = at;
            if (SizeOf(start, at) > LogIndexNode.Bytes) return false;
        }

        return true;
    }

    /// <summary>Cuts into at most as many parts as there is room for ends, the fullest of them as empty as can be.</summary>
    /// <returns>How many parts; 0 if it cannot be done.</returns>
    public int Balance(Span<int> ends)
    {
        int parts = Pack(LogIndexNode.Bytes, ends);
        if (parts == 0) return 0;
        Span<int> tried = stackalloc int[ends.Length];
        int low = LogIndexNode.HeaderBytes, high = LogIndexNode.Bytes;
        while (high - low > LogIndexNode.Bytes / 32)
        {
            int limit = (low + high) / 2, count = Pack(limit, tried);
            if (count == 0)
            {
                low = limit;
                continue;
            }

            high = limit;
            parts = count;
            tried.CopyTo(ends);
        }

        return parts;
    }

    /// <summary>Fills one part after the other up to <paramref name="limit"/>: the fewest parts that can be.</summary>
    private int Pack(int limit, Span<int> ends)
    {
        int parts = 0;
        for (int start = 0; start < _items.Length; parts++)
        {
            int end = PackOne(limit, start);
            if (end == start || parts == ends.Length) return 0;
            ends[parts] = start = end;
        }

        return parts;
    }

    private int PackOne(int limit, int start)
    {
        int first = start + Skipped, at = first, prefix = 0, size = LogIndexNode.HeaderBytes;
        for (; at < _items.Length; at++)
        {
            int common = at == first ? _items[at].KeyLength : Math.Min(prefix, CommonPrefix(first, at));
            size = common == prefix && at > first ? size + LogIndexNode.SizeOf(_items[at].KeyLength, common, payload) : SizeOf(start, at + 1);
            prefix = common;
            if (size > limit) break;
        }

        return Math.Min(at, _items.Length);
    }
}
