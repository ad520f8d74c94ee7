namespace Strata;

/// <summary>A facet of volatile stores: tells what was dropped to make room.</summary>
public interface IEvictionSource
{
    /// <summary>
    /// Raised after a blob was evicted, with its key and payload length in bytes. Handlers run on the writing thread:
    /// they return at once and never throw.
    /// </summary>
    event Action<BlobKey, long>? Evicted;
}
