namespace Strata;

/// <summary>What expires next, so that a sweep costs what is due and not what is stored.</summary>
/// <remarks>An entry that goes before its time is taken out, so that the queue keeps nothing alive that its store has let go.</remarks>
internal sealed class ExpiryQueue<TEntry>
    where TEntry : class
{
    private readonly SortedSet<Place> _order = new(Comparer<Place>.Create(static (x, y) => x.Ticks != y.Ticks ? x.Ticks.CompareTo(y.Ticks) : x.Number.CompareTo(y.Number)));
    private readonly Dictionary<TEntry, Place> _places = new(ReferenceEqualityComparer.Instance);
    private readonly Lock _gate = new();
    private long _number;

    /// <summary>When the next entry is due; null: there is none.</summary>
    public DateTimeOffset? Next
    {
        get
        {
            lock (_gate) return _order.Count == 0 ? null : new DateTimeOffset(_order.Min.Ticks, TimeSpan.Zero);
        }
    }

    public void Add(TEntry entry, DateTimeOffset? expires)
    {
        if (expires is not { } moment) return;
        lock (_gate)
        {
            var place = new Place(moment.UtcTicks, ++_number, entry);
            if (_places.TryAdd(entry, place)) _order.Add(place);
        }
    }

    /// <summary>Takes the entry out, if it is there.</summary>
    public void Remove(TEntry entry, DateTimeOffset? expires)
    {
        if (expires is null) return;
        lock (_gate)
        {
            if (_places.Remove(entry, out Place place)) _order.Remove(place);
        }
    }

    /// <summary>Takes out all entries.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            _order.Clear();
            _places.Clear();
        }
    }

    /// <summary>Takes out the entries that are due by now, at most <paramref name="most"/>; some may be replaced meanwhile.</summary>
    public IReadOnlyList<TEntry> TakeDue(DateTimeOffset now, int most)
    {
        lock (_gate)
        {
            List<TEntry>? due = null;
            while ((due?.Count ?? 0) < most && _order.Count > 0 && _order.Min is var first && first.Ticks <= now.UtcTicks)
            {
                _order.Remove(first);
                _places.Remove(first.Entry);
                (due ??= []).Add(first.Entry);
            }

            return due ?? [];
        }
    }

    private readonly record struct Place(long Ticks, long Number, TEntry Entry);
}
