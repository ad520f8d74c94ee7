using Microsoft.Extensions.Logging;

namespace Strata;

/// <content>Changes: noted in the state, made by all layers side by side, acknowledged once those that lack it are known durably.</content>
public sealed partial class FanoutBlobStore
{
    /// <inheritdoc/>
    public async ValueTask<WriteResult> WriteAsync(BlobKey key, BlobContent content, WriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        using OperationGate.Pass pass = Enter(key, "write", cancellationToken);
        Capabilities.Check(key, options, "write");
        using HeldContent held = await HoldAsync(key, content, cancellationToken).ConfigureAwait(false);
        return await CommitAsync(key, held, options, null, content.Length, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask<IBlobWriter> OpenWriterAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(key, "write", cancellationToken);
        Capabilities.Check(key, options, "write");
        return new(new FanoutBlobWriter(this, key, options));
    }

    /// <inheritdoc/>
    public async ValueTask<DeleteResult> DeleteAsync(BlobKey key, WriteCondition condition = default, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(key, "delete", cancellationToken);
        Capabilities.Check(key, condition, "delete");
        await AdmitAsync(cancellationToken).ConfigureAwait(false);
        using KeyLocks.Held held = await _locks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
        BlobInfo? current = await StateAsync(key, cancellationToken).ConfigureAwait(false);
        if (!condition.Holds(current)) return new DeleteResult(DeleteStatus.PreconditionFailed);
        if (current is null) return new DeleteResult(DeleteStatus.Missing);
        BlobVersion version = _versions.Next(current.Version);
        await ChangeAsync(key, version, isDelete: true, null, (replica, token) => RemoveAsync(replica, key, version, token), cancellationToken).ConfigureAwait(false);
        return new DeleteResult(DeleteStatus.Deleted, version);
    }

    /// <inheritdoc/>
    public ValueTask<DeleteManyResult> DeleteManyAsync(IReadOnlyList<BlobKey> keys, CancellationToken cancellationToken = default) => BulkDelete.OneByOneAsync(this, keys, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<WriteResult> UpdateAsync(BlobKey key, BlobChanges changes, WriteCondition condition = default, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(changes);
        using OperationGate.Pass pass = Enter(key, "update", cancellationToken);
        Capabilities.Check(key, condition, "update");
        BlobLimits.Check(changes);
        await AdmitAsync(cancellationToken).ConfigureAwait(false);
        using KeyLocks.Held held = await _locks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
        return await RewriteAsync(key, changes, condition, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<WriteResult> CopyAsync(BlobKey source, BlobKey target, CopyOptions? options = null, CancellationToken cancellationToken = default)
    {
        StoreCapabilities.CheckKey(target);
        using OperationGate.Pass pass = Enter(source, "copy", cancellationToken);
        Capabilities.Check(source, options?.SourceCondition ?? default, "copy");
        Capabilities.Check(target, options?.Condition ?? default, "copy");
        if (options?.Replace is { } changes) BlobLimits.Check(changes);
        BlobReadResult? read = await OpenAsync(source, null, cancellationToken).ConfigureAwait(false);
        if (read is null) return WriteResult.Missing;
        await using (read.ConfigureAwait(false))
        {
            if (options?.SourceCondition.Holds(read.Info) == false) return WriteResult.PreconditionFailed(read.Info);
            using HeldContent held = await HoldAsync(target, BlobContent.From(read), cancellationToken).ConfigureAwait(false);
            return await CommitAsync(target, held, NewBlob.CopyOf(read.Info, options), null, null, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Writes what is held, if its condition holds.</summary>
    internal async ValueTask<WriteResult> CommitAsync(BlobKey key, HeldContent content, WriteOptions? options, CommitOptions? commit, long? declared, CancellationToken cancellationToken)
    {
        NewBlob.Verify(key, _options.Name, content.Length, content.Checksum, declared, options, commit);
        await AdmitAsync(cancellationToken).ConfigureAwait(false);
        using KeyLocks.Held held = await _locks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
        BlobInfo? current = await StateAsync(key, cancellationToken).ConfigureAwait(false);
        if (options?.Condition.Holds(current) == false) return WriteResult.PreconditionFailed(current);
        BlobVersion version = options?.AsCopyOf is null ? _versions.Next(current?.Version ?? default) : default;
        return await PutAsync(NewBlob.Describe(key, content.Length, content.Checksum, options, commit, current, version, _clock.GetUtcNow()), content, isOrdered: options?.AsCopyOf is null, cancellationToken).ConfigureAwait(false);
    }

    internal StorageException TooLong(BlobKey key) =>
        new(StorageErrorKind.TooLarge, $"The blob '{key}' is longer than the {Capabilities.MaxBlobLength} bytes that store '{_options.Name}' takes for one blob.") { Operation = "write", Key = key, Store = _options.Name };

    /// <summary>Writes the key's blob anew with other metadata and a version above all that was given. Under its lock.</summary>
    private async ValueTask<WriteResult> RewriteAsync(BlobKey key, BlobChanges changes, WriteCondition condition, CancellationToken cancellationToken)
    {
        BlobReadResult? read = await OpenAsync(key, null, cancellationToken).ConfigureAwait(false);
        if (read is null) return WriteResult.Missing;
        await using (read.ConfigureAwait(false))
        {
            BlobInfo current = read.Info;
            if (!condition.Holds(current)) return WriteResult.PreconditionFailed(current);
            using HeldContent content = await HoldAsync(key, BlobContent.From(read), cancellationToken).ConfigureAwait(false);
            BlobVersion version = _versions.Next(current.Version > changes.Above ? current.Version : changes.Above);
            return await PutAsync(NewBlob.Update(current, changes, version, _clock.GetUtcNow()) with { Tier = null, Checksum = content.Checksum }, content, isOrdered: true, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <param name="info">The blob as it is to be.</param>
    /// <param name="content">Its bytes.</param>
    /// <param name="isOrdered">The version is one of ours, above all that layers hold; a copy that a caller brings may be older.</param>
    /// <param name="cancellationToken">Gives up, until the change is noted.</param>
    private async ValueTask<WriteResult> PutAsync(BlobInfo info, HeldContent content, bool isOrdered, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> holders = await ChangeAsync(info.Key, info.Version, isDelete: false, content, (replica, token) => SendAsync(replica, info, content.Content, isOrdered, token), cancellationToken).ConfigureAwait(false);
        return WriteResult.Written(info, holders);
    }

    /// <summary>Makes a change at all layers. Under the key's lock.</summary>
    /// <returns>The layers that have it.</returns>
    /// <exception cref="StorageException">Too few have it; the message tells what came of it at each.</exception>
    private async ValueTask<IReadOnlyList<string>> ChangeAsync(
        BlobKey key, BlobVersion version, bool isDelete, HeldContent? content, Func<Replica, CancellationToken, ValueTask<string?>> apply, CancellationToken cancellationToken)
    {
        bool covers = _readOnly.Length > 0;
        bool isNewCover = await _state.BeginAsync(key, version, isDelete, covers, cancellationToken).ConfigureAwait(false);

        // A layer that has missed a change gets this one too only if it refuses by itself what its outbox may be sending meanwhile.
        Replica[] targets = [.. _written.Where(replica => replica.ComparesVersions || !replica.Missed.Contains(key))];
        Task<ReplicaAttempt>[] running = [.. targets.Select(replica => AttemptAsync(replica, content, apply))];
        var attempts = new List<ReplicaAttempt>();
        await UntilDecidedAsync(running, attempts).ConfigureAwait(false);
        Replica[] holders = [.. attempts.Where(a => a.IsApplied).Select(a => a.Replica)];
        bool isOver = attempts.Count == running.Length;
        if (holders.Length == 0 && isOver && attempts.All(a => a.Outcome == WriteOutcome.NotApplied))
        {
            await DropAsync(key, isNewCover).ConfigureAwait(false);
            throw Failed(key, attempts, WriteOutcome.NotApplied);
        }

        for (int i = 0; i < running.Length; i++)
        {
            if (attempts.TrueForAll(a => a.Replica != targets[i])) Lag(targets[i], key, running[i]);
        }

        Replica[] right = holders.Length > 0 ? holders : RightWithoutHolder(key, attempts);
        string? fault = await EndAsync(key, version, covers, right).ConfigureAwait(false);
        if (fault is not null && right.Length < _written.Length) throw Failed(key, attempts, WriteOutcome.Unknown, fault);
        return IsAcknowledged(holders) ? [.. holders.Select(replica => replica.Name)] : throw Failed(key, attempts, WriteOutcome.Unknown);
    }

    /// <summary>Which layers answer for a key of which no layer is known to have the last change: those that certainly do not; if there are none, the first alone.</summary>
    private static Replica[] RightWithoutHolder(BlobKey key, List<ReplicaAttempt> attempts)
    {
        Replica[] without = [.. attempts.Where(a => a.Outcome == WriteOutcome.NotApplied && !a.Replica.Missed.Contains(key)).Select(a => a.Replica)];
        return without.Length > 0 ? without : [attempts[0].Replica];
    }

    /// <summary>Notes durably which layers do not have the key's state, so that they get it.</summary>
    /// <returns>Why it could not be noted; null: it was.</returns>
    private async ValueTask<string?> EndAsync(BlobKey key, BlobVersion version, bool covers, Replica[] right)
    {
        // Those that had missed something are looked at once more, too: what is being sent to them may be older.
        Replica[] behind = [.. _written.Where(replica => !right.Contains(replica) || replica.Missed.Contains(key))];
        foreach (Replica replica in behind) replica.Missed.Add(key);
        if (_written.All(replica => replica.Missed.Contains(key))) right[0].Missed.Remove(key);
        try
        {
            await _state.EndAsync(key, version, covers, behind.SelectMany(replica => replica.Outbox!.Intend(key.Value, ReplicaSender.DataOf(version)))).ConfigureAwait(false);
            return null;
        }
        catch (StorageException e)
        {
            _log.LogError(e, "The end of a change of '{Key}' in store '{Store}' cannot be noted; the layers are compared when it is opened again", key, _options.Name);
            return e.Message;
        }
    }

    private async ValueTask DropAsync(BlobKey key, bool uncovers)
    {
        try
        {
            await _state.DropAsync(key, uncovers).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            _log.LogError(e, "The end of a change of '{Key}' in store '{Store}' cannot be noted; the layers are compared when it is opened again", key, _options.Name);
        }
    }

    /// <summary>Waits until enough layers have the change, or all are through. With All every one of them is waited for.</summary>
    private async ValueTask UntilDecidedAsync(Task<ReplicaAttempt>[] running, List<ReplicaAttempt> attempts)
    {
        List<Task<ReplicaAttempt>> left = [.. running];
        while (left.Count > 0)
        {
            Task<ReplicaAttempt> next = await Task.WhenAny(left).ConfigureAwait(false);
            left.Remove(next);
            attempts.Add(await next.ConfigureAwait(false));
            if (_options.Acknowledge != FanoutAcknowledgement.All && IsAcknowledged([.. attempts.Where(a => a.IsApplied).Select(a => a.Replica)])) return;
        }
    }

    private bool IsAcknowledged(Replica[] holders) => _options.Acknowledge switch
    {
        FanoutAcknowledgement.All => holders.Length == _written.Length,
        FanoutAcknowledgement.Quorum => holders.Length > _written.Length / 2,
        _ => holders.Contains(_written[0]),
    };

    private async Task<ReplicaAttempt> AttemptAsync(Replica replica, HeldContent? content, Func<Replica, CancellationToken, ValueTask<string?>> apply)
    {
        content?.Retain();
        try
        {
            // On its own thread: a store that answers at once must not hold up the others.
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            return new ReplicaAttempt(replica, await apply(replica, _closing.Token).ConfigureAwait(false));
        }
        catch (StorageException e)
        {
            return new ReplicaAttempt(replica, e.Message, e.Outcome);
        }
        catch (Exception e)
        {
            replica.NoteError(e.Message);
            return new ReplicaAttempt(replica, e.Message, WriteOutcome.Unknown);
        }
        finally
        {
            content?.Dispose();
        }
    }

    private static async ValueTask<string?> SendAsync(Replica replica, BlobInfo info, BlobContent content, bool isOrdered, CancellationToken cancellationToken)
    {
        var options = new WriteOptions { AsCopyOf = info, Condition = isOrdered && replica.ComparesVersions ? WriteCondition.IfOlder(info.Version) : default };
        WriteResult written = await replica.CallAsync(store => store.WriteAsync(info.Key, content, options, cancellationToken)).ConfigureAwait(false);
        return written.IsWritten ? null : "it holds a later version";
    }

    private static async ValueTask<string?> RemoveAsync(Replica replica, BlobKey key, BlobVersion version, CancellationToken cancellationToken)
    {
        WriteCondition condition = replica.ComparesVersions ? WriteCondition.IfOlder(version) : default;
        DeleteResult deleted = await replica.CallAsync(store => store.DeleteAsync(key, condition, cancellationToken)).ConfigureAwait(false);
        return deleted.Status == DeleteStatus.PreconditionFailed ? "it holds a later version" : null;
    }

    private void Lag(Replica replica, BlobKey key, Task attempt)
    {
        replica.Lags(key, attempt);
        lock (_laggardGate) _laggards.Add(attempt);
        _ = ForgetAsync();

        async Task ForgetAsync()
        {
            await attempt.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            lock (_laggardGate) _laggards.Remove(attempt);
        }
    }

    private StorageException Failed(BlobKey key, List<ReplicaAttempt> attempts, WriteOutcome outcome, string? fault = null)
    {
        IEnumerable<string> layers = _written.Select(replica => attempts.Find(a => a.Replica == replica) is { Replica: not null } attempt ? attempt.ToString() : $"'{replica.Name}' was not asked, as it lacks earlier changes, or has not answered");
        string what = fault is null ? $"which acknowledges with {_options.Acknowledge}" : $"whose state cannot be written ({fault})";
        return new StorageException(StorageErrorKind.Unavailable, $"A change of '{key}' was not acknowledged by store '{_options.Name}', {what}: {string.Join("; ", layers)}.")
        {
            Operation = "write", Key = key, Store = _options.Name, Outcome = outcome, IsTransient = true,
        };
    }

    private ValueTask<HeldContent> HoldAsync(BlobKey key, BlobContent content, CancellationToken cancellationToken) => HeldContent.OfAsync(
        content, _options.Acknowledge == FanoutAcknowledgement.All, () => TooLong(key),
        actual => StorageException.WrongLength("write", key, _options.Name, content.Length ?? 0, actual), Capabilities.MaxBlobLength, cancellationToken);

    private async ValueTask AdmitAsync(CancellationToken cancellationToken)
    {
        foreach (Replica replica in _written) await replica.Outbox!.AdmitAsync(cancellationToken).ConfigureAwait(false);
    }
}
