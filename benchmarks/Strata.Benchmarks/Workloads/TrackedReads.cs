using System.Diagnostics.CodeAnalysis;

namespace Strata.Benchmarks;

/// <summary>Shared reads whose hits are told to a tracker, which thereby counts them: as the tier layer does.</summary>
internal sealed class TrackedReads(ISharedReads inner, AccessTracker tracker) : ISharedReads
{
    public bool TryRead(BlobKey key, [NotNullWhen(true)] out BlobReadResult? hit)
    {
        if (!inner.TryRead(key, out hit)) return false;
        tracker.RecordAccess(key);
        return true;
    }
}
