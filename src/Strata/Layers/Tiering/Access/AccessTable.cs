namespace Strata;

/// <summary>
/// The keys that the tracker remembers, in pages of entries and of names, and an index of their hashes: no object a key, so that a
/// million of them are no work for the collector. Not safe for concurrent use.
/// </summary>
/// <remarks>
/// Entries are named by their number, which stays until the next <see cref="Compact"/>. Those that have changed since they were
/// last taken stand in a list that runs through them, in the order in which they changed.
/// </remarks>
internal sealed class AccessTable(long maxBytes)
{
    public const int None = -1;
    private const int PageShift = 10, PageLength = 1 << PageShift;
    private const int NamesShift = 16, NamesLength = 1 << NamesShift;
    private const int ArrayHeader = 24, EntryBytes = 48;
    private readonly List<AccessEntry[]> _pages = [];
    private readonly List<byte[]> _names = [];
    private int[] _index = new int[PageLength];
    private uint _namesEnd;
    private int _firstChanged = None;
    private int _lastChanged = None;

    public int Count { get; private set; }

    /// <summary>Entries that wait to be written.</summary>
    public int Changed { get; private set; }

    /// <summary>What pages, names and index take on the heap.</summary>
    public long Bytes => (_pages.Count * ((long)(PageLength * EntryBytes) + ArrayHeader)) + (_names.Count * (NamesLength + (long)ArrayHeader)) + (_index.Length * (long)sizeof(int));

    public ref AccessEntry this[int entry] => ref _pages[entry >> PageShift][entry & (PageLength - 1)];

    public ReadOnlySpan<byte> NameOf(int entry)
    {
        ref AccessEntry found = ref this[entry];
        return _names[(int)(found.NameOffset >> NamesShift)].AsSpan((int)(found.NameOffset & (NamesLength - 1)), found.NameLength);
    }

    /// <returns><see cref="None"/> if it is not there.</returns>
    public int Find(uint hash, ReadOnlySpan<byte> name)
    {
        for (uint slot = hash; ; slot++)
        {
            int entry = _index[slot & (uint)(_index.Length - 1)] - 1;
            if (entry < 0) return None;
            if (this[entry].Hash == hash && NameOf(entry).SequenceEqual(name)) return entry;
        }
    }

    /// <summary>Adds a key that is not there.</summary>
    /// <returns><see cref="None"/> if there is no room for it: some must be forgotten first (<see cref="Compact"/>).</returns>
    public int Add(uint hash, ReadOnlySpan<byte> name)
    {
        uint offset = PlaceFor(_namesEnd, name.Length);
        bool needsPage = Count == _pages.Count << PageShift, needsNames = (offset + name.Length - 1) >> NamesShift >= _names.Count, needsIndex = 4L * (Count + 1) > 3L * _index.Length;
        long more = (needsPage ? (PageLength * EntryBytes) + ArrayHeader : 0) + (needsNames ? NamesLength + ArrayHeader : 0) + (needsIndex ? _index.Length * (long)sizeof(int) : 0);
        if (more > 0 && Bytes + more > maxBytes) return None;
        if (needsPage) _pages.Add(new AccessEntry[PageLength]);
        if (needsNames) _names.Add(new byte[NamesLength]);
        int entry = Count++;
        name.CopyTo(_names[(int)(offset >> NamesShift)].AsSpan((int)(offset & (NamesLength - 1))));
        _namesEnd = offset + (uint)name.Length;
        this[entry] = new AccessEntry { Hash = hash, NameOffset = offset, NameLength = (ushort)name.Length };
        if (needsIndex)
        {
            _index = new int[2 * _index.Length];
            IndexAll();
        }
        else
        {
            Index(entry);
        }

        return entry;
    }

    /// <summary>Appends an entry to those that wait to be written, if it is not among them.</summary>
    public void MarkChanged(int entry)
    {
        ref AccessEntry changed = ref this[entry];
        if (changed.IsChanged) return;
        changed.IsChanged = true;
        changed.NextChanged = 0;
        if (_lastChanged == None) _firstChanged = entry;
        else this[_lastChanged].NextChanged = entry + 1;
        _lastChanged = entry;
        Changed++;
    }

    /// <summary>Takes the entry that waits longest.</summary>
    /// <returns><see cref="None"/> if none does.</returns>
    public int TakeChanged()
    {
        int entry = _firstChanged;
        if (entry == None) return None;
        ref AccessEntry taken = ref this[entry];
        taken.IsChanged = false;
        _firstChanged = taken.NextChanged - 1;
        if (_firstChanged == None) _lastChanged = None;
        Changed--;
        return entry;
    }

    /// <summary>Drops entries, and moves the others together. Cost: a pass over all.</summary>
    /// <param name="drops">Asked once an entry, in their order.</param>
    public void Compact(Predicate<int> drops)
    {
        int kept = 0;
        uint end = 0;
        (_firstChanged, _lastChanged, Changed) = (None, None, 0);
        for (int entry = 0; entry < Count; entry++)
        {
            if (drops(entry)) continue;
            AccessEntry moved = this[entry];
            ReadOnlySpan<byte> name = NameOf(entry);

            // Names lie in the order of the entries: where one goes is never behind where it is.
            moved.NameOffset = PlaceFor(end, name.Length);
            name.CopyTo(_names[(int)(moved.NameOffset >> NamesShift)].AsSpan((int)(moved.NameOffset & (NamesLength - 1))));
            end = moved.NameOffset + (uint)name.Length;
            bool isChanged = moved.IsChanged;
            moved.IsChanged = false;
            this[kept] = moved;
            if (isChanged) MarkChanged(kept);
            kept++;
        }

        Count = kept;
        _namesEnd = end;
        Trim(_pages, (kept + PageLength - 1) >> PageShift);
        Trim(_names, (int)((end + NamesLength - 1L) >> NamesShift));
        Array.Clear(_index);
        IndexAll();
    }

    private static void Trim<T>(List<T> pages, int needed)
    {
        if (pages.Count > needed) pages.RemoveRange(needed, pages.Count - needed);
    }

    /// <summary>Where a name goes that is written behind others: whole, in one page.</summary>
    private static uint PlaceFor(uint end, int length) => (end & (NamesLength - 1)) + length <= NamesLength ? end : (end + NamesLength - 1) & ~(uint)(NamesLength - 1);

    private void IndexAll()
    {
        for (int entry = 0; entry < Count; entry++) Index(entry);
    }

    private void Index(int entry)
    {
        uint slot = this[entry].Hash, mask = (uint)(_index.Length - 1);
        while (_index[slot & mask] != 0) slot++;
        _index[slot & mask] = entry + 1;
    }
}
