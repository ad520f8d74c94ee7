namespace Strata;

/// <summary>Which keys expire next, so that a sweep costs what is due and not what is stored. Only keys that expire take memory.</summary>
/// <remarks>Where two writes of one key race it may name a time that no longer holds; whoever takes it looks at the blob.</remarks>
internal sealed class DiskExpiries
{
    private readonly SortedSet<(long Expires, BlobKey Key)> _order = [];
    private readonly Lock _gate = new();

    /// <summary>A key's expiry has changed; Unix milliseconds, 0 = never.</summary>
    public void Change(BlobKey key, long before, long after)
    {
        if (before == after) return;
        lock (_gate)
        {
            if (before != 0) _order.Remove((before, key));
            if (after != 0) _order.Add((after, key));
        }
    }

    /// <summary>Takes out what is due by now, at most so many.</summary>
    public List<(long Expires, BlobKey Key)> TakeDue(long now, int most)
    {
        List<(long, BlobKey)> due = [];
        lock (_gate)
        {
            while (due.Count < most && _order.Count > 0 && _order.Min is var first && first.Expires <= now)
            {
                _order.Remove(first);
                due.Add(first);
            }
        }

        return due;
    }
}
