namespace Strata;

/// <summary>The last events, in a ring of fixed size.</summary>
internal sealed class TierEvents(TimeProvider clock)
{
    private const int Kept = 256;
    private readonly TierEvent?[] _ring = new TierEvent?[Kept];
    private readonly Lock _gate = new();
    private long _last;

    public void Add(TierEventKind kind, string tier, BlobKey key, long length)
    {
        lock (_gate)
        {
            _last++;
            _ring[_last % Kept] = new TierEvent(_last, clock.GetUtcNow(), kind, tier, key, length);
        }
    }

    public IReadOnlyList<TierEvent> After(long sequence)
    {
        lock (_gate)
        {
            if (sequence >= _last) return [];
            var events = new List<TierEvent>();
            for (long i = Math.Max(Math.Max(sequence, 0), _last - Kept) + 1; i <= _last; i++) events.Add(_ring[i % Kept]!);
            return events;
        }
    }
}
