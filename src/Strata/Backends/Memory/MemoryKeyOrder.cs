namespace Strata;

/// <summary>
/// Entries in the order of their keys' UTF-8 bytes, in leaves of up to 128: 8 to 16 bytes an entry. A change costs a search
/// and moves half a leaf; a leaf that is split moves the list of leaves. What the leaves take is charged to the budget. Safe
/// for concurrent use: a change and a page of a listing hold its lock.
/// </summary>
internal sealed class MemoryKeyOrder(MemoryBudget budget)
{
    private const int LeafLength = 128;
    private readonly List<Leaf> _leaves = [];
    private readonly Lock _gate = new();

    public void Add(MemoryBlob blob)
    {
        lock (_gate)
        {
            if (_leaves.Count == 0) Insert(0, new Leaf());
            int index = _leaves.Count == 1 ? 0 : LeafOf(blob.Name);
            Leaf leaf = _leaves[index];
            if (leaf.Count == LeafLength)
            {
                // Keys that come in order fill their leaves.
                bool isLast = index == _leaves.Count - 1 && leaf.Find(blob.Name) == ~LeafLength;
                Insert(index + 1, leaf.Split(isLast ? LeafLength : LeafLength / 2));
                if (isLast || blob.Name.SequenceCompareTo(_leaves[index + 1].First.Name) >= 0) leaf = _leaves[index + 1];
            }

            long before = leaf.HeapBytes;
            leaf.Insert(~leaf.Find(blob.Name), blob);
            budget.Add(leaf.HeapBytes - before);
        }
    }

    public void Replace(MemoryBlob blob, MemoryBlob by)
    {
        lock (_gate)
        {
            Leaf leaf = _leaves[LeafOf(blob.Name)];
            leaf[leaf.Find(blob.Name)] = by;
        }
    }

    public void Remove(MemoryBlob blob)
    {
        lock (_gate)
        {
            int index = LeafOf(blob.Name);
            Leaf leaf = _leaves[index];
            leaf.RemoveAt(leaf.Find(blob.Name));
            if (leaf.Count > 0) return;
            budget.Add(-leaf.HeapBytes);
            _leaves.RemoveAt(index);
        }
    }

    /// <summary>One page.</summary>
    /// <param name="request">A validated request.</param>
    /// <param name="ticks">The time, in UTC ticks: what has expired is not shown.</param>
    public ListPage List(ListRequest request, long ticks)
    {
        lock (_gate) return MemoryListing.Page(request, ticks, From);
    }

    /// <summary>The entries from a text on.</summary>
    private IEnumerable<MemoryBlob> From(string text)
    {
        int low = 0, high = _leaves.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (BlobKey.CompareText(_leaves[middle].First.Key.Value, text) <= 0) low = middle + 1;
            else high = middle;
        }

        int from = low == 0 ? 0 : _leaves[low - 1].Find(text);
        for (int index = Math.Max(0, low - 1); index < _leaves.Count; index++, from = 0)
        {
            for (int i = from; i < _leaves[index].Count; i++) yield return _leaves[index][i];
        }
    }

    /// <summary>The leaf that holds a key, or should.</summary>
    private int LeafOf(ReadOnlySpan<byte> name)
    {
        int low = 0, high = _leaves.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_leaves[middle].First.Name.SequenceCompareTo(name) <= 0) low = middle + 1;
            else high = middle;
        }

        return Math.Max(0, low - 1);
    }

    private void Insert(int index, Leaf leaf)
    {
        _leaves.Insert(index, leaf);
        budget.Add(leaf.HeapBytes);
    }

    private sealed class Leaf
    {
        private const int ObjectBytes = 32 + 8; // and its place in the list
        private MemoryBlob[] _entries = new MemoryBlob[8];

        public int Count { get; private set; }

        public MemoryBlob First => _entries[0];

        public long HeapBytes => ObjectBytes + HeapSize.OfReferences(_entries.Length);

        public MemoryBlob this[int index]
        {
            get => _entries[index];
            set => _entries[index] = value;
        }

        /// <summary>The key's place, or the complement of where it would be.</summary>
        public int Find(ReadOnlySpan<byte> name)
        {
            int low = 0, high = Count;
            while (low < high)
            {
                int middle = (low + high) / 2, order = _entries[middle].Name.SequenceCompareTo(name);
                if (order == 0) return middle;
                if (order < 0) low = middle + 1;
                else high = middle;
            }

            return ~low;
        }

        /// <summary>The first place whose key is not before a text.</summary>
        public int Find(string text)
        {
            int low = 0, high = Count;
            while (low < high)
            {
                int middle = (low + high) / 2;
                if (BlobKey.CompareText(_entries[middle].Key.Value, text) < 0) low = middle + 1;
                else high = middle;
            }

            return low;
        }

        public void Insert(int index, MemoryBlob blob)
        {
            if (Count == _entries.Length) Array.Resize(ref _entries, Math.Min(LeafLength, Count * 2));
            Array.Copy(_entries, index, _entries, index + 1, Count++ - index);
            _entries[index] = blob;
        }

        public void RemoveAt(int index)
        {
            Array.Copy(_entries, index + 1, _entries, index, --Count - index);
            _entries[Count] = null!;
        }

        /// <summary>Gives what stands from a place on to a new leaf.</summary>
        public Leaf Split(int from)
        {
            var leaf = new Leaf { Count = Count - from };
            leaf._entries = new MemoryBlob[Math.Max(8, leaf.Count)];
            Array.Copy(_entries, from, leaf._entries, 0, leaf.Count);
            Array.Clear(_entries, from, leaf.Count);
            Count = from;
            return leaf;
        }
    }
}
