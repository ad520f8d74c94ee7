namespace Strata;

/// <summary>
/// Entries in the order in which they came, in a ring; each knows its slot, so that it is taken from the middle at once.
/// 8 bytes an entry, up to twice that after growth. Not safe for concurrent use.
/// </summary>
internal sealed class MemoryQueue(MemoryPlace place)
{
    private const int LeastSlots = 8;
    private MemoryBlob?[] _ring = [];
    private int _oldest;

    /// <summary>Slots from the oldest to the newest, with the holes that taken entries left.</summary>
    private int _spread;

    public int Count { get; private set; }

    /// <summary>The entries' sizes together.</summary>
    public long Bytes { get; private set; }

    /// <summary>What the ring takes on the heap.</summary>
    public long HeapBytes => HeapSize.OfReferences(_ring.Length);

    public void Add(MemoryBlob blob)
    {
        if (_spread == _ring.Length) Rearrange(Count >= _ring.Length / 4 * 3 ? Math.Max(LeastSlots, _ring.Length * 2) : _ring.Length);
        Put(blob, (_oldest + _spread++) & (_ring.Length - 1));
        Count++;
        Bytes += blob.Size;
    }

    /// <summary>Gives an entry's slot to another.</summary>
    public void Replace(MemoryBlob blob, MemoryBlob by)
    {
        Put(by, blob.Slot);
        Bytes += by.Size - blob.Size;
    }

    public void Remove(MemoryBlob blob)
    {
        _ring[blob.Slot] = null;
        Forget(blob);
    }

    /// <summary>The oldest entry, which stays; null if there is none.</summary>
    public MemoryBlob? Oldest
    {
        get
        {
            while (_spread > 0)
            {
                if (_ring[_oldest] is { } blob) return blob;
                Advance();
            }

            return null;
        }
    }

    /// <summary>Takes the oldest entry out; null if there is none.</summary>
    public MemoryBlob? TakeOldest()
    {
        if (Oldest is not { } blob) return null;
        _ring[_oldest] = null;
        Advance();
        Forget(blob);
        return blob;
    }

    private void Put(MemoryBlob blob, int slot)
    {
        _ring[slot] = blob;
        blob.Slot = slot;
        blob.Place = place;
    }

    private void Forget(MemoryBlob blob)
    {
        blob.Place = MemoryPlace.None;
        Count--;
        Bytes -= blob.Size;
        if (Count < _ring.Length / 8) Rearrange(_ring.Length / 4);
    }

    private void Advance()
    {
        _oldest = (_oldest + 1) & (_ring.Length - 1);
        _spread--;
    }

    private void Rearrange(int slots)
    {
        MemoryBlob?[] before = _ring;
        int from = _oldest, spread = _spread;
        _ring = slots < LeastSlots && Count == 0 ? [] : new MemoryBlob?[Math.Max(slots, LeastSlots)];
        (_oldest, _spread) = (0, 0);
        for (int i = 0; i < spread; i++)
        {
            if (before[(from + i) & (before.Length - 1)] is { } blob) Put(blob, _spread++);
        }
    }
}
