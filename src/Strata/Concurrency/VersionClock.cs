namespace Strata;

/// <summary>
/// Issues versions at a commit point: max(clock, last issued + 1, replaced + 1), so that they rise even when the wall
/// clock steps back (CONSISTENCY 1).
/// </summary>
/// <param name="clock">The wall clock.</param>
/// <param name="floor">The highest version that may have been issued before.</param>
/// <param name="reserve">
/// Persists, before it returns, that versions up to its argument may have been issued; called about once a minute.
/// Null for a store that does not outlive the process.
/// </param>
internal sealed class VersionClock(TimeProvider clock, BlobVersion floor = default, Action<BlobVersion>? reserve = null)
{
    private static readonly TimeSpan Ahead = TimeSpan.FromSeconds(60);
    private readonly Lock _gate = new();
    private BlobVersion _last = floor;
    private BlobVersion _reserved = floor;

    /// <summary>The highest version issued.</summary>
    public BlobVersion Last
    {
        get
        {
            lock (_gate) return _last;
        }
    }

    /// <summary>The next version, above that of what it replaces.</summary>
    public BlobVersion Next(BlobVersion replaced = default)
    {
        lock (_gate)
        {
            BlobVersion next = Max(BlobVersion.At(clock.GetUtcNow()), Max(_last, replaced).Next());
            if (reserve is not null && next > _reserved)
            {
                BlobVersion limit = BlobVersion.At(next.Time + Ahead);
                reserve(limit);
                _reserved = limit;
            }

            return _last = next;
        }
    }

    private static BlobVersion Max(BlobVersion left, BlobVersion right) => left > right ? left : right;
}
