namespace Strata;

/// <content>Deletes of many keys.</content>
public sealed partial class DiskBlobStore
{
    private const int DeletedAtOnce = 256, TriesAtOnce = 3;

    /// <inheritdoc/>
    /// <remarks>Many keys share a commit; where others write to them at the same time, each has its own.</remarks>
    public async ValueTask<DeleteManyResult> DeleteManyAsync(IReadOnlyList<BlobKey> keys, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        foreach (BlobKey key in keys) StoreCapabilities.CheckKey(key);
        using OperationGate.Pass pass = _gate.Enter("delete");
        var outcomes = new DeleteOutcome[keys.Count];
        for (int from = 0; from < keys.Count; from += DeletedAtOnce)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await DeleteTogetherAsync(keys, from, Math.Min(keys.Count, from + DeletedAtOnce), outcomes).ConfigureAwait(false);
        }

        return new DeleteManyResult(outcomes);
    }

    private async ValueTask DeleteTogetherAsync(IReadOnlyList<BlobKey> keys, int from, int to, DeleteOutcome[] outcomes)
    {
        // A key that is named again is gone by then.
        List<int> rest = [];
        bool isDone = false;
        for (int attempt = 0; attempt < TriesAtOnce && !isDone; attempt++)
        {
            rest.Clear();
            using DiskChange change = NewChange();
            var seen = new HashSet<BlobKey>();
            try
            {
                for (int i = from; i < to; i++)
                {
                    if (seen.Add(keys[i])) outcomes[i] = new DeleteOutcome(keys[i], PrepareDelete(change, keys[i], default).Status);
                    else rest.Add(i);
                }

                isDone = change.Batch.Count == 0 || await TryCommitAsync(change, "delete", null).ConfigureAwait(false);
            }
            catch (StorageException e) when (e.Outcome == WriteOutcome.Unknown)
            {
                // To try each would be refused, and sound as if nothing could have happened.
                for (int i = from; i < to; i++)
                {
                    if (outcomes[i].Status != DeleteStatus.Missing) outcomes[i] = new DeleteOutcome(keys[i], DeleteStatus.Failed, Named(e, "delete", keys[i]));
                }

                return;
            }
            catch (StorageException)
            {
                // Each is told for itself what is wrong.
                break;
            }
        }

        foreach (int i in isDone ? rest : Enumerable.Range(from, to - from))
        {
            try
            {
                outcomes[i] = new DeleteOutcome(keys[i], (await DeleteAsync(keys[i], default, CancellationToken.None).ConfigureAwait(false)).Status);
            }
            catch (StorageException e) when (e.Kind != StorageErrorKind.Closed)
            {
                outcomes[i] = new DeleteOutcome(keys[i], DeleteStatus.Failed, e);
            }
        }
    }
}
