namespace Strata;

/// <summary>
/// Entries in the order of their keys, as they were at one instant: a B+-tree (Bayer and McCreight, 1972) that is never
/// changed. A change copies the nodes on the way to it and shares all others (Driscoll, Sarnak, Sleator and Tarjan, 1989).
/// </summary>
internal sealed class MemoryKvTree
{
    private MemoryKvTree(MemoryKvNode root, long count) => (Root, Count) = (root, count);

    public static MemoryKvTree Empty { get; } = new(new MemoryKvNode.Leaf(0), 0);

    /// <summary>Entries, those included that have expired and were not removed yet.</summary>
    public long Count { get; }

    private MemoryKvNode Root { get; }

    /// <summary>The key's entry, expired or not.</summary>
    public KvEntry? Find(ReadOnlySpan<byte> key) => Find(Root, key);

    /// <summary>Adds the visible entries of a range to a list.</summary>
    public void Read(in ReadRange range, DateTimeOffset now, List<KvEntry> found)
    {
        var scan = new Scan(range, now, found);
        if (range.Reverse) scan.Backward(Root, isLast: true);
        else scan.Forward(Root, isFirst: true);
    }

    private static KvEntry? Find(MemoryKvNode node, ReadOnlySpan<byte> key)
    {
        while (node is MemoryKvNode.Branch branch) node = branch.Children[branch.PlaceOf(key)];
        var leaf = (MemoryKvNode.Leaf)node;
        int place = leaf.PlaceOf(key, out bool isThere);
        return isThere ? leaf.Entries[place] : null;
    }

    private ref struct Scan(in ReadRange range, DateTimeOffset now, List<KvEntry> found)
    {
        private readonly ReadOnlySpan<byte> _start = range.Start.Span;
        private readonly ReadOnlySpan<byte> _end = range.End.Span;
        private readonly bool _keysOnly = range.KeysOnly;
        private int _left = range.Limit;

        /// <param name="node">Where.</param>
        /// <param name="isFirst">It may have keys below the start.</param>
        /// <returns>False: that was all.</returns>
        public bool Forward(MemoryKvNode node, bool isFirst)
        {
            if (node is MemoryKvNode.Branch branch)
            {
                int first = isFirst ? branch.PlaceOf(_start) : 0;
                for (int i = first; i < branch.Count; i++)
                {
                    if (i > first && branch.Bounds[i].AsSpan().SequenceCompareTo(_end) >= 0) return false;
                    if (!Forward(branch.Children[i], isFirst && i == first)) return false;
                }

                return true;
            }

            var leaf = (MemoryKvNode.Leaf)node;
            for (int i = isFirst ? leaf.PlaceOf(_start, out _) : 0; i < leaf.Count; i++)
            {
                KvEntry entry = leaf.Entries[i];
                if (entry.Key.Span.SequenceCompareTo(_end) >= 0 || !Add(entry)) return false;
            }

            return true;
        }

        /// <param name="node">Where.</param>
        /// <param name="isLast">It may have keys from the end on.</param>
        /// <returns>False: that was all.</returns>
        public bool Backward(MemoryKvNode node, bool isLast)
        {
            if (node is MemoryKvNode.Branch branch)
            {
                int last = isLast ? branch.PlaceOf(_end) : branch.Count - 1;
                for (int i = last; i >= 0; i--)
                {
                    if (i < last && branch.Bounds[i + 1].AsSpan().SequenceCompareTo(_start) <= 0) return false;
                    if (!Backward(branch.Children[i], isLast && i == last)) return false;
                }

                return true;
            }

            var leaf = (MemoryKvNode.Leaf)node;
            for (int i = (isLast ? leaf.PlaceOf(_end, out _) : leaf.Count) - 1; i >= 0; i--)
            {
                KvEntry entry = leaf.Entries[i];
                if (entry.Key.Span.SequenceCompareTo(_start) < 0 || !Add(entry)) return false;
            }

            return true;
        }

        private bool Add(KvEntry entry)
        {
            if (entry.Expires <= now) return true;
            found.Add(_keysOnly ? entry with { Value = new KvValue(default, entry.Value.Encoding) } : entry);
            return --_left > 0;
        }
    }

    /// <summary>Changes on the way to a new tree. What it has copied once, it changes in place: many changes cost little more than one.</summary>
    internal sealed class Edit(MemoryKvTree before)
    {
        /// <summary>A child that has fewer is merged with a neighbour if both have room in one.</summary>
        private const int Few = MemoryKvNode.Capacity / 4, Merged = MemoryKvNode.Capacity * 3 / 4;

        private static long s_edits;
        private readonly long _number = Interlocked.Increment(ref s_edits);
        private MemoryKvNode _root = before.Root;
        private long _count = before.Count;

        public KvEntry? Find(ReadOnlySpan<byte> key) => MemoryKvTree.Find(_root, key);

        /// <summary>The tree; the edit is over.</summary>
        public MemoryKvTree ToTree() => new(_root, _count);

        /// <summary>Adds an entry, or puts it in the place of its key's.</summary>
        /// <returns>The one that was there.</returns>
        public KvEntry? Set(KvEntry entry)
        {
            KvEntry? replaced = null;
            (_root, Right? right) = Set(_root, entry, ref replaced);
            if (right is { } added)
            {
                var root = new MemoryKvNode.Branch(_number) { Count = 2 };
                (root.Children[0], root.Children[1], root.Bounds[1]) = (_root, added.Node, added.Bound);
                _root = root;
            }

            if (replaced is null) _count++;
            return replaced;
        }

        /// <summary>Removes a key's entry.</summary>
        /// <returns>The one that was there.</returns>
        public KvEntry? Remove(ReadOnlySpan<byte> key)
        {
            // Or the way to nothing would be copied.
            if (Find(key) is not { } removed) return null;
            _root = Remove(_root, key) ?? Empty.Root;
            while (_root is MemoryKvNode.Branch { Count: 1 } branch) _root = branch.Children[0];
            _count--;
            return removed;
        }

        private (MemoryKvNode Node, Right? Right) Set(MemoryKvNode node, KvEntry entry, ref KvEntry? replaced)
        {
            if (node is MemoryKvNode.Leaf leaf) return Set(Own(leaf), entry, ref replaced);
            MemoryKvNode.Branch branch = Own((MemoryKvNode.Branch)node);
            int place = branch.PlaceOf(entry.Key.Span);
            (branch.Children[place], Right? added) = Set(branch.Children[place], entry, ref replaced);
            if (added is not { } child) return (branch, null);
            if (branch.Count < MemoryKvNode.Capacity)
            {
                branch.Insert(place + 1, child.Bound, child.Node);
                return (branch, null);
            }

            int from = PlaceOfSplit(place + 1);
            var right = new MemoryKvNode.Branch(_number);
            byte[] bound = from == branch.Count ? child.Bound : branch.Bounds[from];
            if (from == branch.Count)
            {
                right.Insert(0, null!, child.Node);
                return (branch, new Right(right, bound));
            }

            right.Append(branch, null, from);
            branch.Truncate(from);
            if (place + 1 <= from) branch.Insert(place + 1, child.Bound, child.Node);
            else right.Insert(place + 1 - from, child.Bound, child.Node);
            return (branch, new Right(right, bound));
        }

        private (MemoryKvNode Node, Right? Right) Set(MemoryKvNode.Leaf leaf, KvEntry entry, ref KvEntry? replaced)
        {
            int place = leaf.PlaceOf(entry.Key.Span, out bool isThere);
            if (isThere)
            {
                (replaced, leaf.Entries[place]) = (leaf.Entries[place], entry);
                return (leaf, null);
            }

            if (leaf.Count < MemoryKvNode.Capacity)
            {
                leaf.Insert(place, entry);
                return (leaf, null);
            }

            int from = PlaceOfSplit(place);
            var right = new MemoryKvNode.Leaf(_number);
            right.Append(leaf, from);
            leaf.Truncate(from);
            if (place < from || (place == from && from < MemoryKvNode.Capacity)) leaf.Insert(place, entry);
            else right.Insert(place - from, entry);
            return (leaf, new Right(right, BoundOf(leaf.Entries[leaf.Count - 1].Key.Span, right.Entries[0].Key.Span)));
        }

        /// <summary>In the middle; but where keys come in their order, what is full stays full.</summary>
        private static int PlaceOfSplit(int place) => place == MemoryKvNode.Capacity ? place : MemoryKvNode.Capacity / 2;

        /// <summary>The shortest that tells the two apart.</summary>
        private static byte[] BoundOf(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) => right[..(left.CommonPrefixLength(right) + 1)].ToArray();

        /// <returns>Null: nothing is left of it.</returns>
        private MemoryKvNode? Remove(MemoryKvNode node, ReadOnlySpan<byte> key)
        {
            if (node is MemoryKvNode.Leaf leaf)
            {
                if (leaf.Count == 1) return null;
                leaf = Own(leaf);
                leaf.RemoveAt(leaf.PlaceOf(key, out _));
                return leaf;
            }

            MemoryKvNode.Branch branch = Own((MemoryKvNode.Branch)node);
            int place = branch.PlaceOf(key);
            if (Remove(branch.Children[place], key) is { } child)
            {
                branch.Children[place] = child;
                if (child.Count < Few && !MergeAt(branch, place)) MergeAt(branch, place + 1);
                return branch;
            }

            if (branch.Count == 1) return null;
            branch.RemoveAt(place);
            return branch;
        }

        /// <summary>Merges the child at a place with the one before it.</summary>
        /// <returns>False: there is none, or both have no room in one.</returns>
        private bool MergeAt(MemoryKvNode.Branch branch, int place)
        {
            if (place < 1 || place >= branch.Count) return false;
            (MemoryKvNode left, MemoryKvNode right) = (branch.Children[place - 1], branch.Children[place]);
            if (left.Count + right.Count > Merged) return false;
            if (left is MemoryKvNode.Leaf leaf)
            {
                leaf = Own(leaf);
                leaf.Append((MemoryKvNode.Leaf)right);
                left = leaf;
            }
            else
            {
                MemoryKvNode.Branch whole = Own((MemoryKvNode.Branch)left);
                whole.Append((MemoryKvNode.Branch)right, branch.Bounds[place]);
                left = whole;
            }

            branch.Children[place - 1] = left;
            branch.RemoveAt(place);
            return true;
        }

        private MemoryKvNode.Leaf Own(MemoryKvNode.Leaf leaf)
        {
            if (leaf.Edit == _number) return leaf;
            var copy = new MemoryKvNode.Leaf(_number);
            copy.Append(leaf);
            return copy;
        }

        private MemoryKvNode.Branch Own(MemoryKvNode.Branch branch)
        {
            if (branch.Edit == _number) return branch;
            var copy = new MemoryKvNode.Branch(_number);
            copy.Append(branch, null);
            return copy;
        }

        /// <summary>What a split has put beside a node.</summary>
        private readonly record struct Right(MemoryKvNode Node, byte[] Bound);
    }
}
