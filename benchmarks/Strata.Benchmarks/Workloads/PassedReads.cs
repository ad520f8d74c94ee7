using System.Diagnostics.CodeAnalysis;

namespace Strata.Benchmarks;

/// <summary>Shared reads passed on: what <see cref="TrackedReads"/> costs without a tracker.</summary>
internal sealed class PassedReads(ISharedReads inner) : ISharedReads
{
    public bool TryRead(BlobKey key, [NotNullWhen(true)] out BlobReadResult? hit) => inner.TryRead(key, out hit);
}
