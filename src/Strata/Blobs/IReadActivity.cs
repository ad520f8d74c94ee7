namespace Strata;

/// <summary>A facet of stores that know how often and how lately each blob was read: what decides their own evictions, so that a layer needs no count of its own beside a hit.</summary>
public interface IReadActivity
{
    /// <summary>What is known of a visible blob; false if there is none. Cost: one look-up, 0 bytes allocated; it is not a read itself.</summary>
    bool TryGetActivity(BlobKey key, out BlobActivity activity);
}
