namespace Strata;

/// <summary>
/// The entries that expire, the next one first (a binary heap), so that a sweep costs what is due and not what is stored.
/// An entry knows its place, and one that goes before its time is taken out. Not safe for concurrent use.
/// </summary>
internal sealed class MemoryExpiries
{
    private const int LeastSlots = 8;
    private MemoryBlob[] _heap = [];
    private int _count;

    /// <summary>What the heap takes on the heap.</summary>
    public long HeapBytes => HeapSize.OfReferences(_heap.Length);

    public void Add(MemoryBlob blob)
    {
        if (!blob.Expires) return;
        if (_count == _heap.Length) Array.Resize(ref _heap, Math.Max(LeastSlots, _count * 2));
        Rise(_count++, blob);
    }

    public void Remove(MemoryBlob blob)
    {
        if (!blob.Expires) return;
        int slot = blob.Details.ExpirySlot;
        MemoryBlob last = _heap[--_count];
        _heap[_count] = null!;
        blob.Details.ExpirySlot = -1;
        if (ReferenceEquals(last, blob)) Shrink();
        else
        {
            Rise(slot, last);
            Sink(last.Details.ExpirySlot, last);
            Shrink();
        }
    }

    /// <summary>An entry that has expired by then; null if none has.</summary>
    public MemoryBlob? Due(long ticks) => _count > 0 && TicksOf(_heap[0]) <= ticks ? _heap[0] : null;

    private void Rise(int slot, MemoryBlob blob)
    {
        for (int parent; slot > 0 && TicksOf(_heap[parent = (slot - 1) / 2]) > TicksOf(blob); slot = parent) Put(slot, _heap[parent]);
        Put(slot, blob);
    }

    private void Sink(int slot, MemoryBlob blob)
    {
        while (true)
        {
            int child = (2 * slot) + 1;
            if (child >= _count) break;
            if (child + 1 < _count && TicksOf(_heap[child + 1]) < TicksOf(_heap[child])) child++;
            if (TicksOf(_heap[child]) >= TicksOf(blob)) break;
            Put(slot, _heap[child]);
            slot = child;
        }

        Put(slot, blob);
    }

    private void Put(int slot, MemoryBlob blob)
    {
        _heap[slot] = blob;
        blob.Details.ExpirySlot = slot;
    }

    private void Shrink()
    {
        if (_count == 0) _heap = [];
        else if (_count < _heap.Length / 8) Array.Resize(ref _heap, Math.Max(LeastSlots, _heap.Length / 4));
    }

    private static long TicksOf(MemoryBlob blob) => blob.Details.ExpiresTicks;
}
