using System.Diagnostics.CodeAnalysis;

namespace Strata;

/// <summary>
/// The one synchronous facet: a store that holds whole blobs in memory hands out its own immutable entry, without
/// allocation and without a task. A layer resolves it when the stack is built.
/// </summary>
public interface ISharedReads
{
    /// <summary>The visible blob under <paramref name="key"/>, or false. Cost: one look-up, 0 bytes allocated.</summary>
    bool TryRead(BlobKey key, [NotNullWhen(true)] out BlobReadResult? hit);
}
