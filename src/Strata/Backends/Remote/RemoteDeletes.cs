namespace Strata;

/// <summary>Deletes of many keys where the server, or what a delete must leave, wants one request each.</summary>
internal static class RemoteDeletes
{
    /// <summary>Some at once; a failure is that of its key alone.</summary>
    /// <param name="keys">Any; the second mention of a key finds it gone.</param>
    /// <param name="parallelism">How many at once, and when to give up.</param>
    /// <param name="delete">One of them.</param>
    public static async ValueTask<DeleteManyResult> EachAsync(IReadOnlyList<BlobKey> keys, ParallelOptions parallelism, Func<BlobKey, CancellationToken, ValueTask<DeleteResult>> delete)
    {
        var outcomes = new DeleteOutcome[keys.Count];
        var first = new Dictionary<BlobKey, int>(keys.Count);
        for (int i = 0; i < keys.Count; i++)
        {
            if (!first.TryAdd(keys[i], i)) outcomes[i] = new DeleteOutcome(keys[i], DeleteStatus.Missing);
        }

        await Parallel.ForEachAsync(first.Values, parallelism, async (i, token) =>
        {
            try
            {
                outcomes[i] = new DeleteOutcome(keys[i], (await delete(keys[i], token).ConfigureAwait(false)).Status);
            }
            catch (StorageException e)
            {
                outcomes[i] = new DeleteOutcome(keys[i], DeleteStatus.Failed, e);
            }
        }).ConfigureAwait(false);
        return new DeleteManyResult(outcomes);
    }
}
