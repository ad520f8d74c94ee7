using System.Runtime.CompilerServices;

namespace Strata;

/// <summary>
/// Merges the entries of all segments into each key's latest: the one with the highest LSN; of two with the same LSN the
/// one in the newer segment, to which compaction moved it.
/// </summary>
/// <remarks>
/// A tournament of losers (Knuth, The Art of Computer Programming, volume 3, 5.4.1): one comparison a level for each entry,
/// which eight bytes of the key decide mostly. Memory: 16 bytes a source.
/// </remarks>
internal sealed class LogMerge
{
    private readonly LogCursor[] _sources;
    private readonly ulong[] _heads;
    private readonly bool[] _ended;
    private readonly int[] _losers;

    /// <summary>The bytes that all keys of all sources have in common tell nothing.</summary>
    private readonly int _shared;

    private LogMerge(LogSources sources)
    {
        _sources = [.. sources.Cursors.Where(c => c.MoveNext())];
        _shared = SharedBytes(_sources);
        _heads = [.. _sources.Select(s => LogCursor.HeadOf(s.Key, _shared))];
        _ended = new bool[_sources.Length];
        _losers = new int[_sources.Length];
    }

    /// <summary>Gives each key's latest entry to a sink. The cursors are at their beginning before, at their end after.</summary>
    /// <exception cref="IOException">A hint cannot be read any more.</exception>
    /// <exception cref="StorageException">Of kind Corrupt: a hint changed since it was opened.</exception>
    public static void Run<TSink>(LogSources sources, ref TSink sink)
        where TSink : ILogMergeSink, allows ref struct => new LogMerge(sources).Run(ref sink);

    private static int SharedBytes(LogCursor[] sources)
    {
        if (sources.Length == 0) return 0;
        int shared = sources.Min(s => s.SharedBytes);
        foreach (LogCursor source in sources.AsSpan(1)) shared = Math.Min(shared, source.Key.CommonPrefixLength(sources[0].Key));
        return shared;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Run<TSink>(ref TSink sink)
        where TSink : ILogMergeSink, allows ref struct
    {
        if (_sources.Length == 0) return;
        Span<byte> last = stackalloc byte[LogEntryHeader.MaxKeyBytes];
        int lastLength = 0;
        ulong lastHead = 0;
        int winner = FirstWinner();
        while (!_ended[winner])
        {
            LogCursor source = _sources[winner];
            ReadOnlySpan<byte> key = source.Key;
            if (_heads[winner] != lastHead || lastLength == 0 || !key.SequenceEqual(last[..lastLength]))
            {
                sink.Add(key, source.Sequence, source.Location, source.Expires);
                key.CopyTo(last);
                (lastLength, lastHead) = (key.Length, _heads[winner]);
            }

            Advance(winner);
            winner = Replay(winner);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Advance(int source)
    {
        bool isThere = _sources[source].MoveNext();
        _ended[source] = !isThere;
        _heads[source] = isThere ? LogCursor.HeadOf(_sources[source].Key, _shared) : ulong.MaxValue;
    }

    /// <summary>Plays all matches. The players of node n are the winners of its children 2n and 2n + 1; the sources are the leaves, from as many as there are on.</summary>
    private int FirstWinner()
    {
        int count = _sources.Length;
        if (count == 1) return 0;
        int[] winners = new int[2 * count];
        for (int i = 0; i < count; i++) winners[count + i] = i;
        for (int node = count - 1; node > 0; node--)
        {
            (int left, int right) = (winners[2 * node], winners[(2 * node) + 1]);
            (winners[node], _losers[node]) = IsBefore(left, right) ? (left, right) : (right, left);
        }

        return winners[1];
    }

    /// <summary>Plays the matches of a source that moved on, against those who lost before.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Replay(int source)
    {
        int winner = source;
        for (int node = (source + _losers.Length) / 2; node > 0; node /= 2)
        {
            int other = _losers[node];
            if (!IsBefore(other, winner)) continue;
            _losers[node] = winner;
            winner = other;
        }

        return winner;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsBefore(int a, int b) => _heads[a] != _heads[b] ? _heads[a] < _heads[b] : IsBeforeWithSameHead(a, b);

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
