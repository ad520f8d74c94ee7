using System.Diagnostics.CodeAnalysis;

namespace Strata.Benchmarks;

/// <summary>Shared reads without a look-up: every key has the same blob.</summary>
internal sealed class OneRead(BlobReadResult result) : ISharedReads
{
    public bool TryRead(BlobKey key, [NotNullWhen(true)] out BlobReadResult? hit)
    {
        hit = result;
        return true;
    }
}
