namespace Strata;

/// <summary>Opens a KV database of one scheme.</summary>
/// <param name="url">Where it is.</param>
/// <param name="opening">Its name, and its surroundings.</param>
/// <param name="cancellationToken">Ends the attempt.</param>
public delegate ValueTask<IKvDatabase> KvDatabaseOpener(StoreUrl url, KvOpening opening, CancellationToken cancellationToken);
