namespace Strata;

/// <summary>Opens a store of one scheme.</summary>
/// <param name="url">Where it is.</param>
/// <param name="opening">Its name and role.</param>
/// <param name="cancellationToken">Ends the attempt.</param>
public delegate ValueTask<IBlobStore> BlobStoreOpener(StoreUrl url, StoreOpening opening, CancellationToken cancellationToken);
