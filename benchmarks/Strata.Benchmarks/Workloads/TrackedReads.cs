using System.Diagnostics.CodeAnalysis;

namespace Strata.Benchmarks;

/// <summary>Shared reads whose hits are counted and told to a tracker.</summary>
internal sealed class TrackedReads(ISharedReads inner, AccessTracker tracker) : ISharedReads
{
    private readonly ThreadCounter _hits = new();

    public bool TryRead(BlobKey key, [NotNullWhen(true)] out BlobReadResult? hit)
    {
        if (!inner.TryRead(key, out hit)) return false;
        _hits.Increment();
        tracker.RecordAccess(key);
        return true;
    }
}
