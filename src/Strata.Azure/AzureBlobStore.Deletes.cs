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
        CheckKey(key, "delete");
        return await RemoveAsync(key, condition, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    /// <remarks>Some single deletes at once: a failure is that of its key alone.</remarks>
    public async ValueTask<DeleteManyResult> DeleteManyAsync(IReadOnlyList<BlobKey> keys, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        using OperationGate.Pass pass = _gate.Enter("delete");
        foreach (BlobKey key in keys) CheckKey(key, "delete");
        cancellationToken.ThrowIfCancellationRequested();
        return await RemoteDeletes.EachAsync(keys, Parallelism(cancellationToken), (key, token) => RemoveAsync(key, default, token)).ConfigureAwait(false);
    }

    private async ValueTask<DeleteResult> RemoveAsync(BlobKey key, WriteCondition condition, CancellationToken cancellationToken)
    {
        using KeyLocks.Held held = await _locks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
        for (int look = 0; look < MostLooks; look++)
        {
            RemoteBlob? found = await FindAsync(key, "delete", cancellationToken).ConfigureAwait(false);
            BlobInfo? current = Visible(found);
            if (!condition.Holds(current, Floor(found))) return new DeleteResult(DeleteStatus.PreconditionFailed);
            bool isVersioned = condition.Kind == WriteConditionKind.IfOlder, isBuried = _options.KeepsTombstones is not null && !IsOwn(key);
            if (current is null && !isVersioned) return new DeleteResult(DeleteStatus.Missing);
            cancellationToken.ThrowIfCancellationRequested();
            BlobVersion version = !isBuried ? default : isVersioned ? condition.Version : _versions.Next(found!.Info.Version);

            // What is there always has to be what was looked at: else the appendix, or the answer, would be another's.
            RemoteAnswer answer = isBuried ? await BuryAsync(key, found, version).ConfigureAwait(false) : await RemoveBlobAsync(key, found!.NativeETag).ConfigureAwait(false);
            if (answer == RemoteAnswer.Refused) continue;
            if (answer == RemoteAnswer.Missing) return new DeleteResult(DeleteStatus.Missing);
            await DropAppendixAsync(found).ConfigureAwait(false);
            return new DeleteResult(current is null ? DeleteStatus.Missing : DeleteStatus.Deleted, version);
        }

        throw Crowded("delete", key);
    }

    private ValueTask<RemoteAnswer> RemoveBlobAsync(BlobKey key, string etag)
    {
        string name = NameOf(key, "delete");
        return _calls.ChangeAsync(
            "delete", key, _options.ProgressTimeout,
            attempt => AnsweredAsync(() => _client.SendAsync(RequestMethod.Delete, name, request => AddCondition(request, new AzurePrecondition(etag)), attempt)),
            async () => await HeadAsync(key, "delete", CancellationToken.None).ConfigureAwait(false) is null);
    }

    /// <summary>Puts a tombstone in the place of what was found. Refused: that is no longer there.</summary>
    private async ValueTask<RemoteAnswer> BuryAsync(BlobKey key, RemoteBlob? found, BlobVersion version)
    {
        AzurePrecondition guard = found is null ? new AzurePrecondition(null, IsAbsent: true) : new AzurePrecondition(found.NativeETag);
        using var content = new MemoryStream(RemoteTombstone.NewContent(), writable: false);
        return await PutAsync(key, content, RemoteTombstone.Describe(key, version, Now), guard, isTombstone: true).ConfigureAwait(false);
    }

    private ParallelOptions Parallelism(CancellationToken cancellationToken) => new() { MaxDegreeOfParallelism = Math.Max(DeletesAtOnce, _options.Parallelism), CancellationToken = cancellationToken };
}
