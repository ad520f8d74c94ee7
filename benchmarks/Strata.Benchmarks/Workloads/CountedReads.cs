using System.Diagnostics.CodeAnalysis;

namespace Strata.Benchmarks;

/// <summary>Shared reads whose hits are counted, as the tier layer does: what <see cref="TrackedReads"/> costs without a tracker.</summary>
internal sealed class CountedReads(ISharedReads inner) : ISharedReads
{
    private readonly ThreadCounter _hits = new();

    public bool TryRead(BlobKey key, [NotNullWhen(true)] out BlobReadResult? hit)
    {
        if (!inner.TryRead(key, out hit)) return false;
        _hits.Increment();
        return true;
    }
}
