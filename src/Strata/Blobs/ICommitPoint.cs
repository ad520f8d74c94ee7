namespace Strata;

/// <summary>A facet of durable stores that may be the commit point of a write-back tier (CONSISTENCY 8).</summary>
internal interface ICommitPoint
{
    /// <summary>Whether a write is on the medium when it is acknowledged.</summary>
    bool FlushesCommits { get; }

    /// <summary>Sets which blobs are never evicted: what a store below does not have yet.</summary>
    /// <param name="isKept">Asked for each candidate, while others may write: quick, without I/O and locks that are held where the store is called.</param>
    void KeepFromEviction(Func<BlobKey, bool> isKept);
}
