using System.Runtime.CompilerServices;

namespace Strata;

/// <summary>
/// Merges the entries of all segments into each key's latest: the one with the highest LSN; of two with the same LSN the
/// one in the newer segment, to which compaction moved it.
/// </summary>
/// <remarks>
/// A tournament of losers (Knuth, The Art of Computer Programming, volume 3, 5.4.1): one comparison a level for each entry,
/// which eight bytes of the key decide mostly. Memory: 24 bytes a source.
/// </remarks>
internal sealed class LogMerge
{
    private readonly LogCursor[] _sources;
    private readonly bool[] _ended;

    /// <summary>Of each match who lost, and his head: eight bytes of the key that he has now.</summary>
    private readonly int[] _losers;
    private readonly ulong[] _loserHeads;

    /// <summary>The bytes that all keys of all sources have in common tell nothing.</summary>
    private readonly int _shared;
    private readonly byte[] _last = new byte[LogEntryHeader.MaxKeyBytes];
    private int _lastLength;
    private ulong _lastHead;
    private int _winner;
    private ulong _winnerHead = ulong.MaxValue;

    /// <param name="sources">The cursors are at their beginning. They stay the caller's.</param>
    /// <exception cref="IOException">A hint cannot be read any more.</exception>
    /// <exception cref="StorageException">Of kind Corrupt: a hint changed since it was opened.</exception>
    public LogMerge(LogSources sources)
    {
        _sources = [.. sources.Cursors.Where(c => c.MoveNext())];
        _shared = SharedBytes(_sources);
        _ended = new bool[_sources.Length];
        _losers = new int[_sources.Length];
        _loserHeads = new ulong[_sources.Length];
        PlayAll();
    }

    /// <summary>The segments of the sources that have entries, by their numbers.</summary>
    public IReadOnlyList<uint> Incarnations => [.. _sources.Select(s => s.Incarnation)];

    /// <summary>True when all entries were given.</summary>
    public bool IsOver => IsAtEnd(_winner, _winnerHead);

    /// <summary>Gives each key's latest entry to a sink. The cursors are at their beginning before, at their end after.</summary>
    /// <exception cref="IOException">A hint cannot be read any more.</exception>
    /// <exception cref="StorageException">Of kind Corrupt: a hint changed since it was opened.</exception>
    public static void Run<TSink>(LogSources sources, ref TSink sink)
        where TSink : ILogMergeSink, allows ref struct
    {
        var merge = new LogMerge(sources);
        var batch = new LogMergeBatch();
        while (merge.Fill(batch))
        {
            int at = 0;
            foreach (ref readonly LogMergeEntry entry in batch.Entries)
            {
                sink.Add(batch.Keys[at..entry.KeyEnd], entry.Sequence, entry.Location, entry.Expires);
                at = entry.KeyEnd;
            }
        }
    }

    /// <summary>Puts the next entries into a batch, as many as fit. False: there are none.</summary>
    /// <exception cref="IOException">A hint cannot be read any more.</exception>
    /// <exception cref="StorageException">Of kind Corrupt: a hint changed since it was opened.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public bool Fill(LogMergeBatch batch)
    {
        batch.Clear();
        ReadOnlySpan<byte> last = _last.AsSpan(0, _lastLength);
        ulong lastHead = _lastHead, head = _winnerHead;
        int winner = _winner, shared = _shared;
        LogCursor[] sources = _sources;
        int[] losers = _losers;
        ulong[] loserHeads = _loserHeads;
        while (!IsAtEnd(winner, head) && batch.HasRoom)
        {
            LogCursor source = sources[winner];
            if (head != lastHead || !source.Key.SequenceEqual(last))
            {
                lastHead = head;
                last = batch.Add(source, winner);
            }

            _ended[winner] = !source.MoveNext();
            head = _ended[winner] ? ulong.MaxValue : LogCursor.HeadOf(source.Key, shared);

            // It plays against those who lost before.
            for (int node = (winner + losers.Length) >> 1; node > 0; node >>= 1)
            {
                ulong other = loserHeads[node];
                if (other > head || (other == head && !IsBeforeWithSameHead(losers[node], winner))) continue;
                (winner, losers[node]) = (losers[node], winner);
                (head, loserHeads[node]) = (other, head);
            }
        }

        (_winner, _winnerHead) = (winner, head);
        if (batch.Entries.IsEmpty) return false;
        last.CopyTo(_last);
        (_lastLength, _lastHead) = (last.Length, lastHead);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsAtEnd(int winner, ulong head) => head == ulong.MaxValue && (_sources.Length == 0 || _ended[winner]);

    private static int SharedBytes(LogCursor[] sources)
    {
        if (sources.Length == 0) return 0;
        int shared = sources.Min(s => s.SharedBytes);
        foreach (LogCursor source in sources.AsSpan(1)) shared = Math.Min(shared, source.Key.CommonPrefixLength(sources[0].Key));
        return shared;
    }

    /// <summary>Plays all matches. The players of node n are the winners of its children 2n and 2n + 1; the sources are the leaves, from as many as there are on.</summary>
    private void PlayAll()
    {
        int count = _sources.Length;
        if (count == 0) return;
        ulong[] heads = [.. _sources.Select(s => LogCursor.HeadOf(s.Key, _shared))];
        int[] winners = new int[2 * count];
        for (int i = 0; i < count; i++) winners[count + i] = i;
        for (int node = count - 1; node > 0; node--)
        {
            (int left, int right) = (winners[2 * node], winners[(2 * node) + 1]);
            bool isLeft = heads[left] != heads[right] ? heads[left] < heads[right] : IsBeforeWithSameHead(left, right);
            (winners[node], _losers[node]) = isLeft ? (left, right) : (right, left);
            _loserHeads[node] = heads[_losers[node]];
        }

        _winner = count == 1 ? 0 : winners[1];
        _winnerHead = heads[_winner];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool IsBeforeWithSameHead(int a, int b)
    {
        if (_ended[a] || _ended[b]) return !_ended[a];
        LogCursor first = _sources[a], second = _sources[b];
        int order = first.Key.SequenceCompareTo(second.Key);
        if (order == 0) order = second.Sequence.CompareTo(first.Sequence);
        if (order == 0) order = second.Incarnation.CompareTo(first.Incarnation);
        return order < 0;
    }
}
