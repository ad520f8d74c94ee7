using Amazon.S3;
using Amazon.S3.Model;

namespace Strata.S3;

/// <content>Deletes.</content>
public sealed partial class S3BlobStore
{
    private const int MostInOneRequest = 1000;

    /// <inheritdoc/>
    /// <remarks>
    /// Where the server ignores conditions on deletes (and this is not the only writer), a conditional delete is a conditional
    /// write of a few bytes that have already expired: as atomic as any, and as invisible as if nothing were there. It stays
    /// until the next write of the key, or a sweep. With <see cref="S3BlobStoreOptions.KeepsTombstones"/> all deletes are such.
    /// </remarks>
    public async ValueTask<DeleteResult> DeleteAsync(BlobKey key, WriteCondition condition = default, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = _gate.Enter("delete");
        Capabilities.Check(key, condition, "delete");
        CheckKey(key, "delete");
        return await RemoveAsync(key, condition, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<DeleteManyResult> DeleteManyAsync(IReadOnlyList<BlobKey> keys, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        using OperationGate.Pass pass = _gate.Enter("delete");
        foreach (BlobKey key in keys) CheckKey(key, "delete");
        cancellationToken.ThrowIfCancellationRequested();
        if (_options.KeepsTombstones is not null)
            return await RemoteDeletes.EachAsync(keys, Parallelism(cancellationToken), (key, token) => RemoveAsync(key, default, token)).ConfigureAwait(false);
        var outcomes = new DeleteOutcome[keys.Count];
        for (int from = 0; from < keys.Count; from += MostInOneRequest)
            await DeletePageAsync(keys, from, Math.Min(from + MostInOneRequest, keys.Count), outcomes, cancellationToken).ConfigureAwait(false);
        return new DeleteManyResult(outcomes);
    }

    private async ValueTask<DeleteResult> RemoveAsync(BlobKey key, WriteCondition condition, CancellationToken cancellationToken)
    {
        string name = NameOf(key, "delete");
        using KeyLocks.Held held = await _locks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
        for (int look = 0; look < MostLooks; look++)
        {
            RemoteBlob? found = await FindAsync(key, "delete", cancellationToken).ConfigureAwait(false);
            BlobInfo? current = Visible(found);
            if (!condition.Holds(current, Floor(found))) return new DeleteResult(DeleteStatus.PreconditionFailed);
            bool isVersioned = condition.Kind == WriteConditionKind.IfOlder;
            if (current is null && !isVersioned) return new DeleteResult(DeleteStatus.Missing);
            cancellationToken.ThrowIfCancellationRequested();
            bool isGuarded = condition.Kind != WriteConditionKind.None && _provider.Honours(S3Abilities.ConditionalDelete);
            bool isBuried = _options.KeepsTombstones is not null || !(condition.Kind == WriteConditionKind.None || isGuarded || _options.SingleWriter);
            BlobVersion version = !isBuried ? default : isVersioned ? condition.Version : _versions.Next(found!.Info.Version);
            RemoteAnswer answer = isBuried
                ? await BuryAsync(key, found, version).ConfigureAwait(false)
                : await RemoveObjectAsync(key, name, isGuarded ? found!.NativeETag : null).ConfigureAwait(false);
            if (answer == RemoteAnswer.Refused) continue;
            await DropAppendixAsync(found).ConfigureAwait(false);
            return new DeleteResult(current is null ? DeleteStatus.Missing : DeleteStatus.Deleted, version);
        }

        throw Crowded("delete", key);
    }

    /// <summary>A look at each key, which tells deleted from missing, then one request for those that are there.</summary>
    private async ValueTask DeletePageAsync(IReadOnlyList<BlobKey> keys, int from, int to, DeleteOutcome[] outcomes, CancellationToken cancellationToken)
    {
        // In one order, so that two bulk deletes never wait for each other; each key once.
        BlobKey[] distinct = [.. Enumerable.Range(from, to - from).Select(i => keys[i]).Distinct().Order()];
        var held = new List<KeyLocks.Held>(distinct.Length);
        try
        {
            foreach (BlobKey key in distinct) held.Add(await _locks.EnterAsync(key, cancellationToken).ConfigureAwait(false));
            RemoteBlob?[] found = new RemoteBlob?[distinct.Length];
            var results = new Dictionary<BlobKey, DeleteOutcome>(distinct.Length);
            await Parallel.ForEachAsync(Enumerable.Range(0, distinct.Length), Parallelism(cancellationToken), async (i, token) =>
            {
                try
                {
                    found[i] = await FindAsync(distinct[i], "delete", token).ConfigureAwait(false);
                }
                catch (StorageException e)
                {
                    lock (results) results[distinct[i]] = new DeleteOutcome(distinct[i], DeleteStatus.Failed, e);
                }
            }).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            RemoteBlob[] visible = [.. found.Where(f => Visible(f) is not null).Select(f => f!)];
            if (visible.Length > 0) await RemoveManyAsync(visible, results).ConfigureAwait(false);
            for (int i = from; i < to; i++)
            {
                // The second mention of a key finds it gone.
                BlobKey key = keys[i];
                outcomes[i] = results.TryGetValue(key, out DeleteOutcome outcome) ? outcome : new DeleteOutcome(key, DeleteStatus.Missing);
                if (outcome.Status == DeleteStatus.Deleted) results.Remove(key);
            }
        }
        finally
        {
            foreach (KeyLocks.Held one in held) one.Dispose();
        }
    }

    private async ValueTask RemoveManyAsync(RemoteBlob[] objects, Dictionary<BlobKey, DeleteOutcome> results)
    {
        var names = objects.ToDictionary(o => NameOf(o.Info.Key, "delete"), o => o, StringComparer.Ordinal);
        var request = new DeleteObjectsRequest { BucketName = _options.Bucket, Objects = [.. names.Keys.Select(name => new KeyVersion { Key = name })], Quiet = true };
        List<DeleteError> errors = [];
        StorageException? failure = null;
        try
        {
            await _calls.ChangeAsync("delete", objects[0].Info.Key, _options.ServerWorkTimeout, async attempt =>
            {
                try
                {
                    await _client.DeleteObjectsAsync(request, attempt.Token).ConfigureAwait(false);
                }
                catch (DeleteObjectsException e)
                {
                    errors = e.Response.DeleteErrors ?? [];
                }

                return RemoteAnswer.Done;
            }, null).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            failure = e;
        }

        foreach (RemoteBlob one in objects)
            results[one.Info.Key] = failure is null ? new DeleteOutcome(one.Info.Key, DeleteStatus.Deleted) : new DeleteOutcome(one.Info.Key, DeleteStatus.Failed, failure);
        foreach (DeleteError error in errors)
        {
            if (!names.TryGetValue(error.Key, out RemoteBlob? of)) continue;
            bool isDenied = error.Code is "AccessDenied";
            results[of.Info.Key] = new DeleteOutcome(of.Info.Key, DeleteStatus.Failed, new StorageException(
                isDenied ? StorageErrorKind.AccessDenied : StorageErrorKind.Unavailable, $"Store '{_options.Name}' did not delete '{of.Info.Key}': {error.Message} ({error.Code}).")
            {
                Operation = "delete", Key = of.Info.Key, Store = _options.Name, IsTransient = !isDenied,
            });
        }

        foreach (RemoteBlob one in objects)
        {
            if (results[one.Info.Key].Status == DeleteStatus.Deleted) await DropAppendixAsync(one).ConfigureAwait(false);
        }
    }

    /// <summary>A repetition finds nothing and says the same: a lost reply does no harm.</summary>
    private async ValueTask<RemoteAnswer> RemoveObjectAsync(BlobKey key, string name, string? etag) =>
        await _calls.ChangeAsync("delete", key, _options.ProgressTimeout, attempt => AnsweredAsync(() =>
            _client.DeleteObjectAsync(new DeleteObjectRequest { BucketName = _options.Bucket, Key = name, IfMatch = Requests.Quoted(etag) }, attempt.Token)), null).ConfigureAwait(false);

    /// <summary>Puts a tombstone in the place of what was found. Refused: that is no longer there.</summary>
    private async ValueTask<RemoteAnswer> BuryAsync(BlobKey key, RemoteBlob? found, BlobVersion version)
    {
        S3Precondition guard = !_provider.Honours(S3Abilities.ConditionalPut) ? default : found is null ? new S3Precondition(null, IsAbsent: true) : new S3Precondition(found.NativeETag);
        using var content = new MemoryStream(RemoteTombstone.NewContent(), writable: false);
        return await PutAsync(key, content, RemoteTombstone.Describe(key, version, Now), guard, isTombstone: true).ConfigureAwait(false);
    }

    private ParallelOptions Parallelism(CancellationToken cancellationToken) => new() { MaxDegreeOfParallelism = Math.Max(16, _options.Parallelism), CancellationToken = cancellationToken };
}
