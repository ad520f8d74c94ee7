using System.Runtime.CompilerServices;

namespace Strata;

/// <content>What readers do beside the writer.</content>
internal sealed partial class LogIndex
{
    /// <summary>The most entries that are read without the latch at once: some microseconds, in which a writer should not come.</summary>
    public const int OptimisticEntries = 256;

    private const int OptimisticTries = 24, LongTries = 2, MaxLeavesATry = OptimisticEntries + 64, CountedLeavesATry = 64;

    /// <summary>Where a key's entry is. Allocates nothing, and waits for nothing but a change that is being made.</summary>
    /// <returns>False: the key is not there.</returns>
    public bool TryGet(ReadOnlySpan<byte> key, out LogLocation location)
    {
        for (int attempt = 0; MayTry(attempt); attempt++)
        {
            if (_sequence.TryRead(out long sequence))
            {
                bool isFound = _tree.TryFind(key, out LogIndexNode leaf, out int index);
                location = isFound ? leaf.Location(index) : default;
                if (_sequence.IsStill(sequence)) return isFound;
            }
        }

        lock (_latch) return TryGetLatched(key, out location);
    }

    /// <summary>Where several keys' entries are, all at one instant.</summary>
    /// <param name="keys">The keys.</param>
    /// <param name="locations">Gets as many; not known where the key is not there.</param>
    public void TryGetMany(ReadOnlySpan<ReadOnlyMemory<byte>> keys, Span<LogLocation> locations)
    {
        for (int attempt = 0; keys.Length <= OptimisticEntries && MayTry(attempt); attempt++)
        {
            if (_sequence.TryRead(out long sequence))
            {
                for (int i = 0; i < keys.Length; i++) locations[i] = _tree.TryFind(keys[i].Span, out LogIndexNode leaf, out int index) ? leaf.Location(index) : default;
                if (_sequence.IsStill(sequence)) return;
            }
        }

        lock (_latch)
        {
            for (int i = 0; i < keys.Length; i++) TryGetLatched(keys[i].Span, out locations[i]);
        }
    }

    /// <summary>Begins reads that shall be of one instant: they are if it <see cref="IsStill">is still</see> that when they are done.</summary>
    /// <returns>False: a change is being made.</returns>
    public bool TryBeginRead(out long instant) => _sequence.TryRead(out instant);

    /// <summary>True if nothing has changed since then.</summary>
    public bool IsStill(long instant) => _sequence.IsStill(instant);

    /// <summary>Keeps all changes off until what it returns is disposed: for reads of one instant that changes have kept from that.</summary>
    public Lock.Scope Hold() => _latch.EnterScope();

    /// <summary>Marks an entry as read, for the eviction that spares it once. Best effort: a mark may be lost, or come to a neighbour, when the writer is at the same place.</summary>
    public void Visit(ReadOnlySpan<byte> key) => SetVisited(key, true);

    /// <summary>Takes the mark away again. Best effort, as well.</summary>
    public void Unvisit(ReadOnlySpan<byte> key) => SetVisited(key, false);

    /// <summary>Gathers entries in the order of their keys, all at one instant.</summary>
    /// <param name="range">Which, how many and in which direction.</param>
    /// <param name="into">Gets them; what it had is gone.</param>
    /// <returns>How many; fewer than the limit only if there are no more.</returns>
    public int Scan(in LogScan range, LogScanBuffer into)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(range.Limit, 1);
        for (int attempt = 0; (range.Limit <= OptimisticEntries || attempt < LongTries) && MayTry(attempt); attempt++)
        {
            if (_sequence.TryRead(out long sequence) && TryGather(range, into, sequence) && _sequence.IsStill(sequence)) return into.Count;
        }

        lock (_latch)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            TryGather(range, into, sequence: null);
            return into.Count;
        }
    }

    /// <summary>Counts the keys of [from, to); an empty <paramref name="to"/> is the end.</summary>
    /// <remarks>Not of one instant, for it does not hold the writer up: keys that come or go meanwhile count or do not, others count once.</remarks>
    [SkipLocalsInit]
    public long CountRange(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to)
    {
        Span<byte> next = stackalloc byte[LogIndexNode.MaxKeyBytes + 1];
        scoped ReadOnlySpan<byte> start = from;
        for (long sum = 0; ;)
        {
            sum += CountSome(start, to, next, out int length);
            if (length == 0) return sum;
            start = next[..length];
        }
    }

    /// <summary>After a pause; false: it is time to wait for the latch, or the writer itself reads in its batch.</summary>
    private bool MayTry(int attempt)
    {
        if (attempt == 0) return true;
        if (attempt == OptimisticTries || _latch.IsHeldByCurrentThread) return false;
        Thread.SpinWait(4 << Math.Min(attempt, 6));
        return true;
    }

    private void SetVisited(ReadOnlySpan<byte> key, bool isVisited)
    {
        if (!_sequence.TryRead(out long sequence) || !_tree.TryFind(key, out LogIndexNode leaf, out int index) || leaf.IsVisited(index) == isVisited || !_sequence.IsStill(sequence)) return;
        leaf.SetVisited(index, isVisited);
    }

    private bool TryGetLatched(ReadOnlySpan<byte> key, out LogLocation location)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        bool isFound = _tree.TryFind(key, out LogIndexNode leaf, out int index);
        location = isFound ? leaf.Location(index) : default;
        return isFound;
    }

    /// <param name="range">Which.</param>
    /// <param name="into">Gets them.</param>
    /// <param name="sequence">What was read before; null with the latch held.</param>
    /// <returns>False: there was a change. True means nothing until the sequence is compared.</returns>
    private bool TryGather(in LogScan range, LogScanBuffer into, long? sequence)
    {
        into.Clear();
        bool isDown = range.Descending;
        ReadOnlySpan<byte> first = isDown ? range.To : range.From, last = isDown ? range.From : range.To;
        var path = default(LogIndexPath);
        if (!_tree.TryFindPath(first, isLast: isDown && first.IsEmpty, ref path, out LogIndexNode leaf)) return false;

        // What is taken of a leaf is [low, high).
        int bound = isDown && first.IsEmpty ? leaf.Count : leaf.Find(first, LogIndexNode.LeafPayload, out _);
        for (int leaves = 0; ; leaves++)
        {
            int low = isDown ? 0 : bound, high = isDown ? bound : leaf.Count;
            if (!last.IsEmpty)
            {
                int end = leaf.Find(last, LogIndexNode.LeafPayload, out _);
                if (isDown) low = Math.Max(low, end);
                else high = Math.Min(high, end);
            }

            Take(leaf, low, high, range, into);
            bool isEnd = isDown ? low > 0 : high < leaf.Count;
            if (isEnd || into.Count == range.Limit) return true;
            if (sequence is { } before && ((leaves > MaxLeavesATry && !range.ValuesOnly) || !_sequence.IsStill(before))) return false;
            if (!_tree.TryMove(ref path, isDown, out leaf)) return true;
            bound = isDown ? leaf.Count : 0;
        }
    }

    private static void Take(LogIndexNode leaf, int low, int high, in LogScan range, LogScanBuffer into)
    {
        if (range.ValuesOnly)
        {
            TakeValues(leaf, range.Descending ? high - 1 : low, high - low, range, into);
            return;
        }

        int count = Math.Min(high - low, range.Limit - into.Count);
        if (range.Descending) leaf.AppendTo(into, high - 1, -1, count);
        else leaf.AppendTo(into, low, 1, count);
    }

    /// <summary>Takes what lies between tombstones, run by run.</summary>
    private static void TakeValues(LogIndexNode leaf, int at, int left, in LogScan range, LogScanBuffer into)
    {
        int step = range.Descending ? -1 : 1;
        while (left > 0 && into.Count < range.Limit)
        {
            int most = Math.Min(left, range.Limit - into.Count), run = 0;
            while (run < most && !leaf.IsTombstone(at + (run * step))) run++;
            leaf.AppendTo(into, at, step, run);
            left -= run;
            at += run * step;
            for (; left > 0 && leaf.IsTombstone(at); left--) at += step;
        }
    }

    /// <summary>Counts keys of some leaves at one instant.</summary>
    /// <param name="from">The first key that counts.</param>
    /// <param name="to">The first that counts no more.</param>
    /// <param name="next">Gets where to go on.</param>
    /// <param name="length">Length of that; 0: there is no more.</param>
    [SkipLocalsInit]
    private long CountSome(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to, Span<byte> next, out int length)
    {
        // The start may stand in `next`, and has to last for all tries.
        Span<byte> found = stackalloc byte[LogIndexNode.MaxKeyBytes + 1];
        long sum;
        for (int attempt = 0; MayTry(attempt); attempt++)
        {
            if (_sequence.TryRead(out long sequence) && TryCount(from, to, sequence, found, out length, out sum) && _sequence.IsStill(sequence))
            {
                found[..length].CopyTo(next);
                return sum;
            }
        }

        lock (_latch)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            TryCount(from, to, sequence: null, found, out length, out sum);
        }

        found[..length].CopyTo(next);
        return sum;
    }

    private bool TryCount(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to, long? sequence, Span<byte> next, out int length, out long sum)
    {
        length = 0;
        sum = 0;
        var path = default(LogIndexPath);
        if (!_tree.TryFindPath(from, isLast: false, ref path, out LogIndexNode leaf)) return false;
        int low = leaf.Find(from, LogIndexNode.LeafPayload, out _);
        for (int leaves = 1; ; leaves++, low = 0)
        {
            int count = leaf.Count, high = to.IsEmpty ? count : Math.Min(count, leaf.Find(to, LogIndexNode.LeafPayload, out _));
            sum += Math.Max(0, high - low);
            if (high < count) return true;
            if (leaves >= CountedLeavesATry && count > 0)
            {
                int keyLength = leaf.KeyLength(count - 1, LogIndexNode.LeafPayload);
                leaf.CopyKey(count - 1, LogIndexNode.LeafPayload, next[..keyLength]);
                next[keyLength] = 0;
                length = keyLength + 1;
                return true;
            }

            if (sequence is { } before && (leaves > MaxLeavesATry || !_sequence.IsStill(before))) return false;
            if (!_tree.TryMove(ref path, isDown: false, out leaf)) return true;
        }
    }
}
