using System.Buffers;

namespace Strata;

/// <content>Changes: decided by the state that readers see, committed in the warm tier with their intent.</content>
internal sealed partial class WriteBackBlobStore
{
    private const int MostTries = 40;
    private const int DeletedAtOnce = 16;

    /// <inheritdoc/>
    public async ValueTask<WriteResult> WriteAsync(BlobKey key, BlobContent content, WriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        using OperationGate.Pass pass = Enter(key, "write", cancellationToken);
        Capabilities.Check(key, options, "write");
        bool isStraight = IsStraight(options, content.Length);
        if (!content.TryGetSequence(out ReadOnlySequence<byte> bytes)) return await WriteStreamAsync(key, content, options, isStraight, cancellationToken).ConfigureAwait(false);
        options = (options ?? new WriteOptions()) with { Checksum = options?.Checksum ?? options?.AsCopyOf?.Checksum ?? Crc32C.Of(bytes) };
        if (isStraight) return await StraightAsync(key, () => _clean.WriteAsync(key, content, options, cancellationToken), InfoOf, cancellationToken).ConfigureAwait(false);
        return await ChangeAsync(
            key, options.Condition,
            replaced => _warm.Store.WriteAsync(key, content, ForWarm(options) with { Replaces = replaced }, cancellationToken),
            () => _clean.WriteAsync(key, content, options, cancellationToken),
            cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<IBlobWriter> OpenWriterAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(key, "write", cancellationToken);
        Capabilities.Check(key, options, "write");
        return await OpenWriterAsync(key, options, IsStraight(options, options?.DeclaredLength), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<DeleteResult> DeleteAsync(BlobKey key, WriteCondition condition = default, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(key, "delete", cancellationToken);
        Capabilities.Check(key, condition, "delete");
        await AdmitAsync(cancellationToken).ConfigureAwait(false);
        using KeyLocks.Held held = await _locks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
        bool isKnown = true;
        BlobInfo? current = null;
        try
        {
            current = await StateAsync(key, cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException e) when (condition.Kind == WriteConditionKind.None && e.Kind is StorageErrorKind.Unavailable or StorageErrorKind.Timeout)
        {
            // Whether or not there is something at the origin: it goes when the origin is back.
            isKnown = false;
        }

        if (!condition.Holds(current)) return new DeleteResult(DeleteStatus.PreconditionFailed);

        // Over a delete that is pending others may have written since: it is made again, as of now.
        bool isMadeAgain = current is null && isKnown && _dirty.Find(key) is not null && !_origin.Store.Capabilities.IsSingleWriter;
        if (current is null && isKnown && !isMadeAgain) return new DeleteResult(DeleteStatus.Missing);
        using (Fences.Fence fence = await _clean.FenceAsync(key, cancellationToken).ConfigureAwait(false))
        {
            if (!fence.InDoubt)
            {
                BlobVersion version = await IntendAsync(fence, () => BuryAsync(key, current ?? _straight.Find(key), default), _ => 0).ConfigureAwait(false);
                return isMadeAgain ? new DeleteResult(DeleteStatus.Missing) : new DeleteResult(DeleteStatus.Deleted, version);
            }
        }

        _straight.Forget(key);
        return await _clean.DeleteAsync(key, condition, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<DeleteManyResult> DeleteManyAsync(IReadOnlyList<BlobKey> keys, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        foreach (BlobKey key in keys) StoreCapabilities.CheckKey(key);
        using OperationGate.Pass pass = _gate.Enter("delete");
        var outcomes = new DeleteOutcome[keys.Count];
        var seen = new HashSet<BlobKey>();
        ILookup<bool, int> rounds = Enumerable.Range(0, keys.Count).ToLookup(i => seen.Add(keys[i]));
        foreach (bool isFirst in (bool[])[true, false])
        {
            // A key that is named again is gone by then.
            var parallel = new ParallelOptions { MaxDegreeOfParallelism = DeletedAtOnce, CancellationToken = cancellationToken };
            await Parallel.ForEachAsync(rounds[isFirst], parallel, async (i, token) =>
            {
                try
                {
                    outcomes[i] = new DeleteOutcome(keys[i], (await DeleteAsync(keys[i], default, token).ConfigureAwait(false)).Status);
                }
                catch (StorageException e) when (e.Kind != StorageErrorKind.Closed)
                {
                    outcomes[i] = new DeleteOutcome(keys[i], DeleteStatus.Failed, e);
                }
            }).ConfigureAwait(false);
        }

        return new DeleteManyResult(outcomes);
    }

    /// <inheritdoc/>
    public async ValueTask<WriteResult> UpdateAsync(BlobKey key, BlobChanges changes, WriteCondition condition = default, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(changes);
        using OperationGate.Pass pass = Enter(key, "update", cancellationToken);
        Capabilities.Check(key, condition, "update");
        BlobLimits.Check(changes);
        await AdmitAsync(cancellationToken).ConfigureAwait(false);
        using KeyLocks.Held held = await _locks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
        bool isHere = _dirty.Find(key) is not null || await _clean.FindTrustedAsync(key, cancellationToken).ConfigureAwait(false) is not null

            // The bytes go along with the change; what the warm tier does not take is the origin's to change.
            || await _clean.CopyUpAsync(key, cancellationToken).ConfigureAwait(false) == true;
        if (isHere)
        {
            using Fences.Fence fence = await _clean.FenceAsync(key, cancellationToken).ConfigureAwait(false);
            if (!fence.InDoubt)
            {
                WriteResult result = await IntendAsync(fence, () => _warm.Store.UpdateAsync(key, changes, condition, cancellationToken), LengthOf).ConfigureAwait(false);

                // Evicted between the two looks it is the origin's to change.
                if (result.Status != WriteStatus.Missing || fence.IsHeld) return Named(result);
            }
        }

        WriteResult straight = await _clean.UpdateAsync(key, changes, condition, cancellationToken).ConfigureAwait(false);
        if (InfoOf(straight) is { } updated) _straight.Note(updated);
        return straight;
    }

    /// <inheritdoc/>
    public async ValueTask<WriteResult> CopyAsync(BlobKey source, BlobKey target, CopyOptions? options = null, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(source, "copy", cancellationToken);
        Capabilities.Check(source, options?.SourceCondition ?? default, "copy");
        Capabilities.Check(target, options?.Condition ?? default, "copy");
        if (options?.Replace is { } changes) BlobLimits.Check(changes);
        BlobReadResult? read = await ReadAsync(source, null, cancellationToken).ConfigureAwait(false);
        if (read is null) return WriteResult.Missing;
        await using (read.ConfigureAwait(false))
        {
            if (options?.SourceCondition.Holds(read.Info) == false) return WriteResult.PreconditionFailed(read.Info);

            // What the warm tier does not take is at the origin, and copied there.
            if (!_warm.Takes(read.Info.Length))
            {
                await FlushAsync(source, cancellationToken).ConfigureAwait(false);
                return await StraightAsync(target, () => _clean.CopyAsync(source, target, options, cancellationToken), InfoOf, cancellationToken).ConfigureAwait(false);
            }

            return await WriteAsync(target, BlobContent.From(read), NewBlob.CopyOf(read.Info, options), cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Commits what a writer has brought to the warm tier.</summary>
    internal async ValueTask<WriteResult> CommitAsync(BlobKey key, WriteCondition condition, IBlobWriter atWarm, CommitOptions? commit, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = _gate.Enter("write");
        return await ChangeAsync(
            key, condition,
            replaced => atWarm.CommitAsync((commit ?? new CommitOptions()) with { Replaces = replaced }, cancellationToken),
            () => throw new StorageException(StorageErrorKind.Unavailable, $"An earlier change of '{key}' at the origin is of unknown outcome, and the bytes of this one are in the warm tier alone; write it again later.") { Operation = "write", Key = key, Store = _options.Name, IsTransient = true },
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Gives what is sent a version above what the origin holds, as a change like any other: it is sent again.</summary>
    internal async ValueTask RestampAsync(BlobKey key, BlobVersion above)
    {
        using KeyLocks.Held held = await _locks.EnterAsync(key, CancellationToken.None).ConfigureAwait(false);
        if (_dirty.Find(key) is null) return;
        using Fences.Fence fence = await _clean.FenceAsync(key, CancellationToken.None).ConfigureAwait(false);
        BlobInfo? current = await _warm.Store.StatAsync(key).ConfigureAwait(false);
        if (current is null) await IntendAsync(fence, () => BuryAsync(key, null, above), _ => 0).ConfigureAwait(false);
        else await IntendAsync(fence, () => _warm.Store.UpdateAsync(key, new BlobChanges { KeepsETag = true, Above = above }), LengthOf).ConfigureAwait(false);
    }

    /// <summary>Makes a change of a key: judged by its state, committed in the warm tier with its intent.</summary>
    /// <param name="key">The key.</param>
    /// <param name="condition">What must hold.</param>
    /// <param name="atWarm">The change; it is given what it replaces, where that is known and not the warm tier's own.</param>
    /// <param name="atOrigin">The change at the origin, for a key of which one is in doubt there.</param>
    /// <param name="cancellationToken">Gives up, until the commit is dispatched.</param>
    private async ValueTask<WriteResult> ChangeAsync(
        BlobKey key, WriteCondition condition, Func<BlobInfo?, ValueTask<WriteResult>> atWarm, Func<ValueTask<WriteResult>> atOrigin, CancellationToken cancellationToken)
    {
        await AdmitAsync(cancellationToken).ConfigureAwait(false);
        using KeyLocks.Held held = await _locks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
        bool isDirty = _dirty.Find(key) is not null;
        BlobInfo? current = null;
        if (condition.Kind != WriteConditionKind.None)
        {
            current = await StateAsync(key, cancellationToken).ConfigureAwait(false);
            if (!condition.Holds(current)) return WriteResult.PreconditionFailed(current);
        }

        using (Fences.Fence fence = await _clean.FenceAsync(key, cancellationToken).ConfigureAwait(false))
        {
            if (!fence.InDoubt) return Named(await IntendAsync(fence, () => atWarm(isDirty ? null : current ?? _straight.Find(key)), LengthOf).ConfigureAwait(false));
        }

        return await atOrigin().ConfigureAwait(false);
    }

    /// <summary>Commits a change of a fenced key in the warm tier with its intent; from then on the key is dirty.</summary>
    /// <param name="fence">The key's.</param>
    /// <param name="commit">The change.</param>
    /// <param name="lengthOf">Bytes of the blob then; null: nothing was changed.</param>
    private async ValueTask<T> IntendAsync<T>(Fences.Fence fence, Func<ValueTask<T>> commit, Func<T, long?> lengthOf)
    {
        BlobKey key = fence.Key;
        _intended[key] = true;
        try
        {
            T result = await commit().ConfigureAwait(false);
            if (lengthOf(result) is not { } length) return result;
            _dirty.Set(key, length, _clock.GetUtcNow());
            _straight.Forget(key);
            fence.IsHeld = true;
            return result;
        }
        finally
        {
            _intended.TryRemove(key, out _);
        }
    }

    /// <summary>Leaves a tombstone in the warm tier, whether or not it holds the blob.</summary>
    private async ValueTask<BlobVersion> BuryAsync(BlobKey key, BlobInfo? replaced, BlobVersion above)
    {
        BlobInfo? own = await _warm.Store.StatAsync(key).ConfigureAwait(false);
        BlobVersion version = BlobVersion.At(_clock.GetUtcNow());
        foreach (BlobVersion passed in (BlobVersion[])[_highest.Value, above, replaced?.Version ?? default, own?.Version ?? default])
        {
            if (passed >= version) version = passed.Next();
        }

        for (int attempt = 0; attempt < MostTries; attempt++)
        {
            DeleteResult result = await _warm.Store.DeleteAsync(key, WriteCondition.IfOlder(version)).ConfigureAwait(false);
            if (result.Status != DeleteStatus.PreconditionFailed) return version;

            // An older tombstone is from ahead of the clock, nobody says by how much.
            version = new BlobVersion(version.Value + (1UL << attempt));
        }

        throw new StorageException(StorageErrorKind.Unavailable, $"What tier '{_warm.Name}' knows of '{key}' is from far in the future: set the clock.") { Operation = "delete", Key = key, Store = _options.Name };
    }

    private async ValueTask<WriteResult> WriteStreamAsync(BlobKey key, BlobContent content, WriteOptions? options, bool isStraight, CancellationToken cancellationToken)
    {
        IBlobWriter writer = await OpenWriterAsync(key, options, isStraight, cancellationToken).ConfigureAwait(false);
        await using (writer.ConfigureAwait(false))
        {
            Stream stream = content.OpenStream();
            await using (stream.ConfigureAwait(false)) await writer.WriteFromAsync(stream, cancellationToken).ConfigureAwait(false);
            if (content.Length is { } declared && declared != writer.Length) throw StorageException.WrongLength("write", key, _options.Name, declared, $"{writer.Length}");
            return await writer.CommitAsync(null, cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask<IBlobWriter> OpenWriterAsync(BlobKey key, WriteOptions? options, bool isStraight, CancellationToken cancellationToken)
    {
        if (isStraight) return new WriteBackWriter(await _clean.OpenWriterAsync(key, options, cancellationToken).ConfigureAwait(false), (writer, commit, token) => StraightAsync(key, () => writer.CommitAsync(commit, token), InfoOf, token));
        WriteCondition condition = options?.Condition ?? default;
        IBlobWriter atWarm = await _warm.Store.OpenWriterAsync(key, options is null ? null : ForWarm(options), cancellationToken).ConfigureAwait(false);
        return new WriteBackWriter(atWarm, (writer, commit, token) => CommitAsync(key, condition, writer, commit, token));
    }

    /// <summary>Waits while the origin lacks too much.</summary>
    private ValueTask AdmitAsync(CancellationToken cancellationToken) => _outbox.HasRoom && !_dirty.IsFull ? default : WaitForRoomAsync(cancellationToken);

    private async ValueTask WaitForRoomAsync(CancellationToken cancellationToken)
    {
        await UntilClosedAsync(
            "write",
            async token =>
            {
                await _outbox.AdmitAsync(token).ConfigureAwait(false);
                await _dirty.AdmitAsync(token).ConfigureAwait(false);
                return true;
            },
            cancellationToken).ConfigureAwait(false);
    }

    private WriteResult Named(WriteResult result) => result.IsWritten ? WriteResult.Written(result.Info! with { Tier = _warm.Name }, _warm.Name) : result;

    private static BlobInfo? InfoOf(WriteResult result) => result.IsWritten ? result.Info : null;

    private static long? LengthOf(WriteResult result) => result.IsWritten ? result.Info!.Length : null;

    /// <summary>The options for the warm tier, which knows no tiers, and of whose blobs the conditions are not its own to judge.</summary>
    private static WriteOptions ForWarm(WriteOptions options) => options with { Condition = default, Tier = null, SkipTiers = null, OnlyTiers = null };

    /// <summary>Whether a write goes to the origin at once: the warm tier does not take it, or its caller does not want it there.</summary>
    private bool IsStraight(WriteOptions? options, long? length) =>
        (length is { } known && !_warm.Takes(known)) || options?.Tier == _origin.Name || options?.SkipTiers?.Contains(_warm.Name) == true || options?.OnlyTiers?.Contains(_warm.Name) == false;
}
