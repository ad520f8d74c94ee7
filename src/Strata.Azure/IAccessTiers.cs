namespace Strata.Azure;

/// <summary>A facet of <see cref="AzureBlobStore"/>: moves blobs between access tiers. Bytes, metadata, ETag and version stay.</summary>
public interface IAccessTiers
{
    /// <summary>Where a blob is; null if it is missing.</summary>
    ValueTask<AccessTierStatus?> GetTierAsync(BlobKey key, CancellationToken cancellationToken = default);

    /// <summary>Moves a blob that is not in the archive, at once.</summary>
    /// <returns>False if the blob is missing.</returns>
    /// <exception cref="StorageException">Of kind Unsupported: it is in the archive (<see cref="RehydrateAsync"/>), or the account has no such tier.</exception>
    ValueTask<bool> SetTierAsync(BlobKey key, AccessTier tier, CancellationToken cancellationToken = default);

    /// <summary>
    /// Begins to bring a blob back from the archive. It takes up to 15 hours, or with high priority often less than one;
    /// <see cref="GetTierAsync"/> tells when it is done.
    /// </summary>
    /// <param name="key">The blob.</param>
    /// <param name="tier">Where it shall be: any but the archive.</param>
    /// <param name="isUrgent">True for high priority, which costs more.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>False if the blob is missing. A blob that is not in the archive moves to the tier at once.</returns>
    ValueTask<bool> RehydrateAsync(BlobKey key, AccessTier tier = AccessTier.Hot, bool isUrgent = false, CancellationToken cancellationToken = default);
}
