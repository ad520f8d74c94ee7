using System.Runtime.CompilerServices;

namespace Strata;

/// <summary>
/// Until when entries of a memory tier may be served: what a hit looks at where trust lapses. A look takes no lock, allocates
/// nothing and touches one or two cache lines.
/// </summary>
/// <remarks>
/// A table of fixed size (4 MiB) in sets of four, of which each entry has two (Pagh and Rodler, Cuckoo Hashing, 2004): so that as good as
/// nothing is pushed out before the table is full, for each hit on what was would allocate. An entry is known by its key's hash and its
/// own identity, 58 bits together, so that the table keeps nothing alive: two of them alike, one of which is stale, are less likely than a
/// damaged payload that its CRC-32C does not show. What was pushed out is looked up among the known writes, and put back.
/// </remarks>
internal sealed class FreshEntries
{
    private const int Ways = 4;
    private const int SetBits = 16, Sets = 1 << SetBits;
    private readonly Lock _writing = new();
    private readonly Slot[] _slots = new Slot[Ways * Sets];

    /// <summary>Asks for the line that a look at this key's entry begins with.</summary>
    public unsafe void Prefetch(BlobKey key)
    {
        // Not pinned: where the table is moved meanwhile, another line is asked for.
        ref Slot slot = ref _slots[FirstOf((ulong)(uint)key.Hash << 32)];
        CacheLines.Prefetch((byte*)Unsafe.AsPointer(ref slot), Unsafe.SizeOf<Slot>());
    }

    /// <summary>Whether the entry was added, and its time is not over.</summary>
    public bool Has(BlobKey key, BlobReadResult entry, long now)
    {
        ulong tag = TagOf(key, entry);
        return Has(FirstOf(tag), tag, now) || Has(SecondOf(tag), tag, now);
    }

    public void Add(BlobKey key, BlobReadResult entry, long until)
    {
        ulong tag = TagOf(key, entry);
        lock (_writing) _slots[PlaceFor(tag)].Replace(tag, until);
    }

    public void Remove(BlobKey key)
    {
        ulong tag = (ulong)(uint)key.Hash << 32;
        lock (_writing)
        {
            Remove(FirstOf(tag), key);
            Remove(SecondOf(tag), key);
        }
    }

    private static ulong TagOf(BlobKey key, BlobReadResult entry) => ((ulong)(uint)key.Hash << 32) | (uint)RuntimeHelpers.GetHashCode(entry);

    /// <summary>Where the first of its two sets begins.</summary>
    private static int FirstOf(ulong tag) => (int)((uint)(tag >> 32) % Sets) * Ways;

    /// <summary>Where the other one begins: by bits of the hash that the first does not go by.</summary>
    private static int SecondOf(ulong tag) => (int)(((uint)(tag >> 32) * 0x9E37_79B1) >> (32 - SetBits)) * Ways;

    private bool Has(int set, ulong tag, long now)
    {
        foreach (ref Slot slot in _slots.AsSpan(set, Ways))
        {
            // Read before and after the tag: equal, it belongs to the tag.
            long until = Volatile.Read(ref slot.Until);
            if (until > now && Volatile.Read(ref slot.Tag) == tag && Volatile.Read(ref slot.Until) == until) return true;
        }

        return false;
    }

    private void Remove(int set, BlobKey key)
    {
        foreach (ref Slot slot in _slots.AsSpan(set, Ways))
        {
            if ((uint)(slot.Tag >> 32) == (uint)key.Hash) slot.Replace(0, 0);
        }
    }

    /// <summary>The entry's own place; else a free one or, where its sets are full, that of what ends first, there or one step on.</summary>
    private int PlaceFor(ulong tag)
    {
        int first = FirstOf(tag), second = SecondOf(tag);
        if (Find(first, tag) is var known && known >= 0) return known;
        if (Find(second, tag) is var moved && moved >= 0) return moved;
        int place = Earlier(Earliest(first), Earliest(second));

        // A free one ends at 0: before all others.
        if (_slots[place].Until == 0) return place;
        (int From, int To) best = (place, place);
        for (int i = 0; i < Ways; i++)
        {
            best = Better(best, first + i);
            best = Better(best, second + i);
        }

        // There before it leaves here: whoever looks meanwhile finds it, or asks the known writes.
        if (best.From != best.To) _slots[best.To].Replace(_slots[best.From].Tag, _slots[best.From].Until);
        return best.From;
    }

    /// <summary>The move of an entry to the other of its sets, if what it takes the place of there ends earlier than what the best move so far does.</summary>
    private (int From, int To) Better((int From, int To) best, int from)
    {
        ulong tag = _slots[from].Tag;
        int to = Earlier(Earliest(FirstOf(tag)), Earliest(SecondOf(tag)));
        return _slots[to].Until < _slots[best.To].Until ? (from, to) : best;
    }

    private int Find(int set, ulong tag)
    {
        for (int i = set; i < set + Ways; i++)
        {
            if (_slots[i].Tag == tag) return i;
        }

        return -1;
    }

    private int Earliest(int set)
    {
        int earliest = set;
        for (int i = set + 1; i < set + Ways; i++) earliest = Earlier(earliest, i);
        return earliest;
    }

    private int Earlier(int one, int other) => _slots[other].Until < _slots[one].Until ? other : one;

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
