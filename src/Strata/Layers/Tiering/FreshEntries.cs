using System.Runtime.CompilerServices;

namespace Strata;

/// <summary>
/// Until when entries of a memory tier may be served: what a hit looks at where trust lapses. A look takes no lock, allocates
/// nothing and touches one or two cache lines.
/// </summary>
/// <remarks>
/// A set-associative table of fixed size (4 MiB). An entry is known by its key's hash and its own identity, 58 bits together, so
/// that the table keeps nothing alive: two of them alike, one of which is stale, are less likely than a damaged payload that its
/// CRC-32C does not show. What was pushed out is looked up among the known writes, and put back.
/// </remarks>
internal sealed class FreshEntries
{
    private const int Ways = 4;
    private const int Sets = 1 << 16;
    private readonly Lock _writing = new();
    private readonly Slot[] _slots = new Slot[Ways * Sets];

    /// <summary>Whether the entry was added, and its time is not over.</summary>
    public bool Has(BlobKey key, BlobReadResult entry, long now)
    {
        ulong tag = TagOf(key, entry);
        Span<Slot> set = SetOf(key);
        for (int i = 0; i < set.Length; i++)
        {
            // Read before and after the tag: equal, it belongs to the tag.
            ref Slot slot = ref set[i];
            long until = Volatile.Read(ref slot.Until);
            if (until > now && Volatile.Read(ref slot.Tag) == tag && Volatile.Read(ref slot.Until) == until) return true;
        }

        return false;
    }

    public void Add(BlobKey key, BlobReadResult entry, long until)
    {
        ulong tag = TagOf(key, entry);
        lock (_writing)
        {
            Span<Slot> set = SetOf(key);
            int place = 0;
            for (int i = 0; i < set.Length; i++)
            {
                if (set[i].Tag == tag)
                {
                    place = i;
                    break;
                }

                if (set[i].Until < set[place].Until) place = i;
            }

            set[place].Replace(tag, until);
        }
    }

    public void Remove(BlobKey key)
    {
        lock (_writing)
        {
            foreach (ref Slot slot in SetOf(key))
            {
                if ((uint)(slot.Tag >> 32) == (uint)key.Hash) slot.Replace(0, 0);
            }
        }
    }

    private static ulong TagOf(BlobKey key, BlobReadResult entry) => ((ulong)(uint)key.Hash << 32) | (uint)RuntimeHelpers.GetHashCode(entry);

    private Span<Slot> SetOf(BlobKey key) => _slots.AsSpan((int)((uint)key.Hash % Sets) * Ways, Ways);

    private struct Slot
    {
        public ulong Tag;
        public long Until;

        public void Replace(ulong tag, long until)
        {
            Volatile.Write(ref Until, 0);
            Volatile.Write(ref Tag, tag);
            Volatile.Write(ref Until, until);
        }
    }
}
