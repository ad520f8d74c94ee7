using System.Runtime.CompilerServices;

namespace Strata;

/// <summary>The last events, in a ring of fixed size: whoever watches keeps its place alone, and a slow one costs nothing but what it misses.</summary>
internal sealed class TierEvents(TimeProvider clock)
{
    private const int Kept = 4096;

    /// <summary>The most that one look answers.</summary>
    private const int MostAnswered = 256;

    private readonly TierEvent?[] _ring = new TierEvent?[Kept];
    private readonly Lock _gate = new();
    private TaskCompletionSource? _awaited;
    private long _last;
    private bool _closed;

    public void Add(TierEventKind kind, string tier, BlobKey key, long length)
    {
        TaskCompletionSource? awaited;
        lock (_gate)
        {
            _last++;
            _ring[_last % Kept] = new TierEvent(_last, clock.GetUtcNow(), kind, tier, key, length);
            (awaited, _awaited) = (_awaited, null);
        }

        awaited?.TrySetResult();
    }

    public IReadOnlyList<TierEvent> After(long sequence)
    {
        lock (_gate) return Range(Math.Max(sequence, _last - MostAnswered), MostAnswered);
    }

    /// <summary>The events behind <paramref name="sequence"/> and all that come, until the store is closed.</summary>
    public async IAsyncEnumerable<TierEvent> WatchAsync(long sequence, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            List<TierEvent> events;
            Task more;
            lock (_gate)
            {
                // A place from before a restart is of other events: it begins anew.
                if (sequence > _last) sequence = 0;
                events = Range(sequence, MostAnswered);
                if (events.Count == 0 && _closed) yield break;
                more = events.Count > 0 ? Task.CompletedTask : (_awaited ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }

            await more.WaitAsync(cancellationToken).ConfigureAwait(false);
            foreach (TierEvent one in events)
            {
                long missed = one.Sequence - sequence - 1;
                sequence = one.Sequence;
                yield return missed == 0 ? one : one with { Missed = missed };
            }
        }
    }

    /// <summary>Ends every watch once it has told what there is.</summary>
    public void Close()
    {
        TaskCompletionSource? awaited;
        lock (_gate)
        {
            _closed = true;
            (awaited, _awaited) = (_awaited, null);
        }

        awaited?.TrySetResult();
    }

    private List<TierEvent> Range(long after, int most)
    {
        var events = new List<TierEvent>();
        for (long i = Math.Max(Math.Max(after, 0), _last - Kept) + 1; i <= _last && events.Count < most; i++) events.Add(_ring[i % Kept]!);
        return events;
    }
}
