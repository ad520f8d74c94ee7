namespace Strata;

/// <summary>A node of a <see cref="MemoryKvTree"/>. Only the edit that made it changes it, and only until its tree is published.</summary>
/// <param name="edit">Which edit made it; a number, so that no node keeps an older tree alive.</param>
internal abstract class MemoryKvNode(long edit)
{
    /// <summary>Most entries of a leaf, and most children of a branch: what is copied for a change.</summary>
    public const int Capacity = 32;

    public long Edit { get; } = edit;

    /// <summary>Entries or children.</summary>
    public int Count { get; set; }

    /// <summary>Entries in the order of their keys.</summary>
    internal sealed class Leaf(long edit) : MemoryKvNode(edit)
    {
        public KvEntry[] Entries { get; } = new KvEntry[Capacity];

        /// <summary>The place of the first entry whose key is not below this one.</summary>
        public int PlaceOf(ReadOnlySpan<byte> key, out bool isThere)
        {
            int low = 0, high = Count - 1;
            isThere = false;
            while (low <= high)
            {
                int middle = (low + high) >>> 1, order = Entries[middle].Key.Span.SequenceCompareTo(key);
                if (order == 0)
                {
                    isThere = true;
                    return middle;
                }

                if (order < 0) low = middle + 1;
                else high = middle - 1;
            }

            return low;
        }

        public void Insert(int place, KvEntry entry)
        {
            Array.Copy(Entries, place, Entries, place + 1, Count++ - place);
            Entries[place] = entry;
        }

        public void RemoveAt(int place)
        {
            Array.Copy(Entries, place + 1, Entries, place, --Count - place);
            Entries[Count] = null!;
        }

        /// <summary>Appends what another has from some place on.</summary>
        public void Append(Leaf other, int from = 0)
        {
            Array.Copy(other.Entries, from, Entries, Count, other.Count - from);
            Count += other.Count - from;
        }

        public void Truncate(int count)
        {
            Array.Clear(Entries, count, Count - count);
            Count = count;
        }
    }

    /// <summary>Children in the order of their keys, and between each two the least key that belongs to the right one, or a prefix that does as well.</summary>
    internal sealed class Branch(long edit) : MemoryKvNode(edit)
    {
        public MemoryKvNode[] Children { get; } = new MemoryKvNode[Capacity];

        /// <summary>The bound at a place is the one below the child there; the first child has none.</summary>
        public byte[][] Bounds { get; } = new byte[Capacity][];

        /// <summary>The place of the child that a key belongs to.</summary>
        public int PlaceOf(ReadOnlySpan<byte> key)
        {
            int low = 1, high = Count - 1;
            while (low <= high)
            {
                int middle = (low + high) >>> 1;
                if (Bounds[middle].AsSpan().SequenceCompareTo(key) <= 0) low = middle + 1;
                else high = middle - 1;
            }

            return low - 1;
        }

        public void Insert(int place, byte[] bound, MemoryKvNode child)
        {
            Array.Copy(Children, place, Children, place + 1, Count - place);
            Array.Copy(Bounds, place, Bounds, place + 1, Count++ - place);
            (Children[place], Bounds[place]) = (child, bound);
        }

        /// <summary>Where the first child goes, the next one's bound goes too: it takes over all that is below.</summary>
        public void RemoveAt(int place)
        {
            Array.Copy(Children, place + 1, Children, place, Count - place - 1);
            Array.Copy(Bounds, place + 1, Bounds, place, --Count - place);
            Children[Count] = null!;
            Bounds[Count] = null!;
            Bounds[0] = null!;
        }

        /// <summary>Appends what another has from some place on; its first child there gets this bound.</summary>
        public void Append(Branch other, byte[]? bound, int from = 0)
        {
            Array.Copy(other.Children, from, Children, Count, other.Count - from);
            Array.Copy(other.Bounds, from, Bounds, Count, other.Count - from);
            Bounds[Count] = bound!;
            Count += other.Count - from;
        }

        public void Truncate(int count)
        {
            Array.Clear(Children, count, Count - count);
            Array.Clear(Bounds, count, Count - count);
            Count = count;
        }
    }
}
