namespace Strata;

/// <content>Deletes.</content>
internal sealed partial class RemoteStore
{
    /// <remarks>
    /// Where the server ignores conditions on deletes (and this is not the only writer), a conditional delete is a conditional
    /// write of a few bytes that have already expired: as atomic as any, and as invisible as if nothing were there. With
    /// tombstones all deletes are such.
    /// </remarks>
    public async ValueTask<DeleteResult> DeleteAsync(BlobKey key, WriteCondition condition, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = Enter("delete");
        Capabilities.Check(key, condition, "delete");
        CheckKey(key, "delete");
        return await RemoveAsync(key, condition, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<DeleteManyResult> DeleteManyAsync(IReadOnlyList<BlobKey> keys, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(keys);
        using OperationGate.Pass pass = Enter("delete");
        foreach (BlobKey key in keys) CheckKey(key, "delete");
        cancellationToken.ThrowIfCancellationRequested();
        return await RemoveAllAsync(keys, isBuried: _options.KeepsTombstones is not null, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Removes what is the store's own, appendices included; no tombstones are left.</summary>
    /// <exception cref="StorageException">One could not be removed; others may have been.</exception>
    public async ValueTask RemoveOwnAsync(IReadOnlyList<BlobKey> keys, CancellationToken cancellationToken)
    {
        DeleteManyResult result = await RemoveAllAsync(keys, isBuried: false, cancellationToken).ConfigureAwait(false);
        foreach (DeleteOutcome outcome in result.Outcomes)
        {
            if (outcome.Error is { } error) throw error;
        }
    }

    /// <summary>Removes an invisible blob that nobody needs any more, if it is still what was looked at.</summary>
    public async ValueTask<RemoteRemoval> RemoveDueAsync(RemoteBlob found)
    {
        BlobKey key = found.Info.Key;
        using KeyLocks.Held held = await _locks.EnterAsync(key, CancellationToken.None).ConfigureAwait(false);
        bool isGuarded = _traits.ConditionalDelete;
        RemoteAnswer answer;
        if (isGuarded || _options.SingleWriter)
        {
            if (!isGuarded && (await HeadAsync(key, "sweep", CancellationToken.None).ConfigureAwait(false))?.WriteId != found.WriteId) return RemoteRemoval.Changed;
            answer = await RemoveAsync(key, isGuarded ? found.NativeETag : null).ConfigureAwait(false);
        }
        else
        {
            if (found.Info.Length <= RemoteTombstone.Bytes || !_traits.ConditionalPut) return RemoteRemoval.Kept;
            answer = await BuryAsync(key, found, found.Info.Version).ConfigureAwait(false);
        }

        if (answer == RemoteAnswer.Refused || IsOther(answer)) return RemoteRemoval.Changed;
        await _appendices.DropAsync(found).ConfigureAwait(false);
        return isGuarded || _options.SingleWriter ? RemoteRemoval.Removed : RemoteRemoval.Buried;
    }

    /// <summary>Removes an appendix by its name.</summary>
    public ValueTask RemoveAppendixAsync(string name) => _appendices.DropAsync(name);

    private async ValueTask<DeleteResult> RemoveAsync(BlobKey key, WriteCondition condition, CancellationToken cancellationToken)
    {
        using KeyLocks.Held held = await _locks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
        for (int look = 0; look < MostLooks; look++)
        {
            RemoteBlob? found = await FindAsync(key, "delete", cancellationToken).ConfigureAwait(false);
            BlobInfo? current = Visible(found);
            if (!condition.Holds(current, Floor(found))) return new DeleteResult(DeleteStatus.PreconditionFailed);
            bool isPlain = condition.Kind == WriteConditionKind.None, isVersioned = condition.Kind == WriteConditionKind.IfOlder;
            if (current is null && !isVersioned) return new DeleteResult(DeleteStatus.Missing);
            cancellationToken.ThrowIfCancellationRequested();

            // Where a delete tells what it removed, that has to be what was looked at: else the appendix, or the answer, would be another's.
            bool isGuarded = _traits.ConditionalDelete && (!isPlain || _traits.TellsMissing);
            bool isBuried = (_options.KeepsTombstones is not null && !IsOwn(key)) || !(isPlain || isGuarded || _options.SingleWriter);
            BlobVersion version = !isBuried ? default : isVersioned ? condition.Version : _versions.Next(found!.Info.Version);
            RemoteAnswer answer = isBuried ? await BuryAsync(key, found, version).ConfigureAwait(false) : await RemoveAsync(key, isGuarded ? found!.NativeETag : null).ConfigureAwait(false);
            if (answer == RemoteAnswer.Refused) continue;
            if (IsOther(answer)) return new DeleteResult(DeleteStatus.Missing);
            await _appendices.DropAsync(found).ConfigureAwait(false);
            return new DeleteResult(current is null ? DeleteStatus.Missing : DeleteStatus.Deleted, version);
        }

        throw Crowded("delete", key);
    }

    /// <summary>True if somebody else removed it first, as far as the server tells.</summary>
    private bool IsOther(RemoteAnswer answer) => answer == RemoteAnswer.Missing && _traits.TellsMissing;

    /// <summary>Without a condition a repetition finds nothing and says the same, and a lost reply does no harm; under one a look clears it up.</summary>
    private ValueTask<RemoteAnswer> RemoveAsync(BlobKey key, string? etag)
    {
        string name = _service.NameOf(key, "delete");
        return Calls.ChangeAsync(
            "delete", key, _options.ProgressTimeout, attempt => _service.AnsweredAsync(() => _service.RemoveAsync(name, etag, attempt)),
            etag is null ? null : async () => await HeadAsync(key, "delete", CancellationToken.None).ConfigureAwait(false) is null);
    }

    /// <summary>Puts a tombstone in the place of what was found. Refused: that is no longer there.</summary>
    private async ValueTask<RemoteAnswer> BuryAsync(BlobKey key, RemoteBlob? found, BlobVersion version)
    {
        using var content = new MemoryStream(RemoteTombstone.NewContent(), writable: false);
        return await PutAsync(key, content, RemoteTombstone.Describe(key, version, Now), _traits.ConditionalPut ? RemotePrecondition.Of(found) : default, isTombstone: true).ConfigureAwait(false);
    }

    /// <summary>A failure is that of its key alone.</summary>
    private async ValueTask<DeleteManyResult> RemoveAllAsync(IReadOnlyList<BlobKey> keys, bool isBuried, CancellationToken cancellationToken)
    {
        int most = _traits.MostInOneDelete;
        if (most == 0 || isBuried) return await RemoteDeletes.EachAsync(keys, AtOnce(cancellationToken), (key, token) => RemoveAsync(key, default, token)).ConfigureAwait(false);
        var outcomes = new DeleteOutcome[keys.Count];
        for (int from = 0; from < keys.Count; from += most)
            await RemovePageAsync(keys, from, Math.Min(from + most, keys.Count), outcomes, cancellationToken).ConfigureAwait(false);
        return new DeleteManyResult(outcomes);
    }

    /// <summary>A look at each key, which tells deleted from missing, then one request for those that are there.</summary>
    private async ValueTask RemovePageAsync(IReadOnlyList<BlobKey> keys, int from, int to, DeleteOutcome[] outcomes, CancellationToken cancellationToken)
    {
        // In one order, so that two bulk deletes never wait for each other; each key once.
        BlobKey[] distinct = [.. Enumerable.Range(from, to - from).Select(i => keys[i]).Distinct().Order()];
        var held = new List<KeyLocks.Held>(distinct.Length);
        try
        {
            foreach (BlobKey key in distinct) held.Add(await _locks.EnterAsync(key, cancellationToken).ConfigureAwait(false));
            RemoteBlob?[] found = new RemoteBlob?[distinct.Length];
            var results = new Dictionary<BlobKey, DeleteOutcome>(distinct.Length);
            await Parallel.ForEachAsync(Enumerable.Range(0, distinct.Length), AtOnce(cancellationToken), async (i, token) =>
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

    private async ValueTask RemoveManyAsync(RemoteBlob[] blobs, Dictionary<BlobKey, DeleteOutcome> results)
    {
        var names = blobs.ToDictionary(b => _service.NameOf(b.Info.Key, "delete"), b => b.Info.Key, StringComparer.Ordinal);
        IReadOnlyList<RemoteRefusal> refusals = [];
        StorageException? failure = null;
        try
        {
            await Calls.ChangeAsync("delete", blobs[0].Info.Key, _options.ServerWorkTimeout, async attempt =>
            {
                refusals = await _service.RemoveManyAsync(names.Keys, attempt).ConfigureAwait(false);
                return RemoteAnswer.Done;
            }, null).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            failure = e;
        }

        foreach (BlobKey key in names.Values) results[key] = failure is null ? new DeleteOutcome(key, DeleteStatus.Deleted) : new DeleteOutcome(key, DeleteStatus.Failed, failure);
        foreach (RemoteRefusal refusal in refusals)
        {
            if (!names.TryGetValue(refusal.Name, out BlobKey key)) continue;
            results[key] = new DeleteOutcome(key, DeleteStatus.Failed, new StorageException(
                refusal.IsDenied ? StorageErrorKind.AccessDenied : StorageErrorKind.Unavailable, $"Store '{_options.Name}' did not delete '{key}': {refusal.Reason}.")
            {
                Operation = "delete", Key = key, Store = _options.Name, IsTransient = !refusal.IsDenied,
            });
        }

        foreach (RemoteBlob blob in blobs)
        {
            if (results[blob.Info.Key].Status == DeleteStatus.Deleted) await _appendices.DropAsync(blob).ConfigureAwait(false);
        }
    }
}
