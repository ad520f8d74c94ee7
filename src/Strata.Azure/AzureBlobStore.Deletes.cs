using Azure.Core;

namespace Strata.Azure;

/// <content>Deletes: the service compares its own ETag where there is a condition.</content>
public sealed partial class AzureBlobStore
{
    private const int DeletesAtOnce = 16;

    /// <inheritdoc/>
    public async ValueTask<DeleteResult> DeleteAsync(BlobKey key, WriteCondition condition = default, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = _gate.Enter("delete");
        Capabilities.Check(key, condition, "delete");
        NameOf(key, "delete");
        return new DeleteResult(await RemoveAsync(key, condition, cancellationToken).ConfigureAwait(false));
    }

    /// <inheritdoc/>
    /// <remarks>Some single deletes at once: a failure is that of its key alone.</remarks>
    public async ValueTask<DeleteManyResult> DeleteManyAsync(IReadOnlyList<BlobKey> keys, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        using OperationGate.Pass pass = _gate.Enter("delete");
        foreach (BlobKey key in keys) NameOf(key, "delete");
        cancellationToken.ThrowIfCancellationRequested();
        var outcomes = new DeleteOutcome[keys.Count];

        // The second mention of a key finds it gone.
        var first = new Dictionary<BlobKey, int>(keys.Count);
        for (int i = 0; i < keys.Count; i++)
        {
            if (!first.TryAdd(keys[i], i)) outcomes[i] = new DeleteOutcome(keys[i], DeleteStatus.Missing);
        }

        var parallelism = new ParallelOptions { MaxDegreeOfParallelism = Math.Max(DeletesAtOnce, _options.Parallelism), CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(first.Values, parallelism, async (i, token) =>
        {
            try
            {
                outcomes[i] = new DeleteOutcome(keys[i], await RemoveAsync(keys[i], default, token).ConfigureAwait(false));
            }
            catch (StorageException e)
            {
                outcomes[i] = new DeleteOutcome(keys[i], DeleteStatus.Failed, e);
            }
        }).ConfigureAwait(false);
        return new DeleteManyResult(outcomes);
    }

    private async ValueTask<DeleteStatus> RemoveAsync(BlobKey key, WriteCondition condition, CancellationToken cancellationToken)
    {
        string name = NameOf(key, "delete");
        using KeyLocks.Held held = await _locks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
        for (int look = 0; look < MostLooks; look++)
        {
            RemoteBlob? found = await FindAsync(key, "delete", cancellationToken).ConfigureAwait(false);
            BlobInfo? current = Visible(found);
            if (!condition.Holds(current)) return DeleteStatus.PreconditionFailed;
            if (current is null || found is null) return DeleteStatus.Missing;
            cancellationToken.ThrowIfCancellationRequested();

            // What is there always has to be what was looked at: else the appendix, or the answer, would be another's.
            RemoteAnswer answer = await _calls.ChangeAsync(
                "delete", key, _options.ProgressTimeout,
                attempt => AnsweredAsync(() => _client.SendAsync(RequestMethod.Delete, name, request => AddCondition(request, new AzurePrecondition(found.NativeETag)), attempt)),
                async () => await HeadAsync(key, "delete", CancellationToken.None).ConfigureAwait(false) is null).ConfigureAwait(false);
            if (answer == RemoteAnswer.Refused) continue;
            if (answer == RemoteAnswer.Missing) return DeleteStatus.Missing;
            await DropAppendixAsync(found).ConfigureAwait(false);
            return DeleteStatus.Deleted;
        }

        throw Crowded("delete", key);
    }
}
