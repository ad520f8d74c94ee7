namespace Strata;

/// <summary>Bulk deletes for stores that have no faster way: one by one, in order.</summary>
internal static class BulkDelete
{
    public static async ValueTask<DeleteManyResult> OneByOneAsync(IBlobStore store, IReadOnlyList<BlobKey> keys, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(keys);
        foreach (BlobKey key in keys) StoreCapabilities.CheckKey(key);
        var outcomes = new List<DeleteOutcome>(keys.Count);
        foreach (BlobKey key in keys)
        {
            try
            {
                DeleteResult result = await store.DeleteAsync(key, WriteCondition.None, cancellationToken).ConfigureAwait(false);
                outcomes.Add(new DeleteOutcome(key, result.Status));
            }
            catch (StorageException e) when (e.Kind != StorageErrorKind.Closed)
            {
                outcomes.Add(new DeleteOutcome(key, DeleteStatus.Failed, e));
            }
        }

        return new DeleteManyResult(outcomes);
    }
}
