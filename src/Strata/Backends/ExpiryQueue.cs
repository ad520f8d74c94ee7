namespace Strata;

/// <summary>What expires next, so that a sweep costs what is due and not what is stored.</summary>
internal sealed class ExpiryQueue<TEntry>
{
    private readonly PriorityQueue<TEntry, long> _queue = new();
    private readonly Lock _gate = new();

    public void Add(TEntry entry, DateTimeOffset? expires)
    {
        if (expires is not { } moment) return;
        lock (_gate) _queue.Enqueue(entry, moment.UtcTicks);
    }

    /// <summary>The entries that were due by now, at most <paramref name="most"/>; some may have been replaced since.</summary>
    public IReadOnlyList<TEntry> TakeDue(DateTimeOffset now, int most)
    {
        lock (_gate)
        {
            List<TEntry>? due = null;
            while ((due?.Count ?? 0) < most && _queue.TryPeek(out TEntry? entry, out long ticks) && ticks <= now.UtcTicks)
            {
                _queue.Dequeue();
                (due ??= []).Add(entry);
            }

            return due ?? [];
        }
    }
}
