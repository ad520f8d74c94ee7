using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Strata;

/// <summary>
/// Sorts the entries of a hint: by digits of eight bytes of the key (a radix sort, from the least on), and what those do not
/// tell apart by comparison.
/// </summary>
internal static unsafe class LogHintSort
{
    private const int Digits = sizeof(ulong), Values = 256, FewItems = 1_024;

    /// <summary>Sorts by key and keeps each key's latest: the one with the highest LSN, and of those the one farthest behind.</summary>
    /// <returns>How many are left.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int SortLatest(LogHintItem* items, int count, byte* records, int shared)
    {
        for (int i = 0; i < count; i++) items[i].Head = LogCursor.HeadOf(items[i].In(records)->Key, shared);
        var all = new Span<LogHintItem>(items, count);
        var order = new Order(records, shared);
        if (count <= FewItems)
        {
            all.Sort(order);
        }
        else
        {
            SortByHead(items, count);
            SortRuns(all, order);
        }

        return KeepLatest(all, records);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SortByHead(LogHintItem* items, int count)
    {
        uint* counts = stackalloc uint[Digits * Values];
        new Span<uint>(counts, Digits * Values).Clear();
        for (int i = 0; i < count; i++)
        {
            ulong head = items[i].Head;
            for (int digit = 0; digit < Digits; digit++, head >>= 8) counts[(digit * Values) + (byte)head]++;
        }

        var spare = (LogHintItem*)NativeMemory.Alloc((nuint)count, (nuint)sizeof(LogHintItem));
        try
        {
            LogHintItem* from = items, to = spare;
            for (int digit = 0; digit < Digits; digit++)
            {
                uint* places = counts + (digit * Values);
                int shift = 8 * digit;

                // A byte that is the same in all keys orders nothing.
                if (places[(byte)(from[0].Head >> shift)] == count) continue;
                uint sum = 0;
                for (int value = 0; value < Values; value++) (places[value], sum) = (sum, sum + places[value]);
                for (int i = 0; i < count; i++) to[places[(byte)(from[i].Head >> shift)]++] = from[i];
                LogHintItem* sorted = to;
                to = from;
                from = sorted;
            }

            if (from != items) new ReadOnlySpan<LogHintItem>(from, count).CopyTo(new Span<LogHintItem>(items, count));
        }
        finally
        {
            NativeMemory.Free(spare);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SortRuns(Span<LogHintItem> items, Order order)
    {
        for (int i = 0, next; i < items.Length; i = next)
        {
            for (next = i + 1; next < items.Length && items[next].Head == items[i].Head; next++)
            {
            }

            if (next - i > 1) items[i..next].Sort(order);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int KeepLatest(Span<LogHintItem> items, byte* records)
    {
        int kept = 0;
        foreach (LogHintItem item in items)
        {
            if (kept == 0 || items[kept - 1].Head != item.Head || !items[kept - 1].In(records)->Key.SequenceEqual(item.In(records)->Key)) items[kept++] = item;
        }

        return kept;
    }

    /// <summary>By key; of one key the latest first.</summary>
    private readonly struct Order(byte* records, int shared) : IComparer<LogHintItem>
    {
        public int Compare(LogHintItem x, LogHintItem y)
        {
            if (x.Head != y.Head) return x.Head < y.Head ? -1 : 1;
            LogHintRecord* a = x.In(records), b = y.In(records);
            int order = a->Key[shared..].SequenceCompareTo(b->Key[shared..]);
            if (order == 0) order = b->Sequence.CompareTo(a->Sequence);
            return order == 0 ? b->Offset.CompareTo(a->Offset) : order;
        }
    }
}
