using System.Runtime.CompilerServices;

namespace Strata;

/// <content>Keys becoming clean, changes that need that, and what a person sees and does.</content>
internal sealed partial class WriteBackBlobStore
{
    /// <summary>How long a change that is the origin's waits until it has the key's earlier ones.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    /// <inheritdoc/>
    public WriteBackStatus GetStatus()
    {
        OutboxStatus progress = _outbox.GetProgress();
        DirtyKey[] keys = [.. _dirty.All];
        return new WriteBackStatus
        {
            Pending = keys.Length,
            PendingBytes = _dirty.Bytes,
            Dead = keys.Count(k => k.IsDead),
            Oldest = keys.Length == 0 ? null : keys.Min(k => k.Since),
            LastSuccess = progress.LastSuccess,
            LastError = progress.LastError,
            UnreachableSince = progress.UnreachableSince,
            HoldsUpWrites = _dirty.IsFull || keys.Length >= _options.WriteBack.MaxPending,
        };
    }

    /// <inheritdoc/>
    public async ValueTask<long> FlushAsync(CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = _gate.Enter("flush");
        return await UntilClosedAsync("flush", _outbox.FlushAsync, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<OutboxDeadLetter> ListDeadLettersAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = _gate.Enter("list");
        await foreach (OutboxDeadLetter letter in _outbox.ListDeadLettersAsync(cancellationToken).ConfigureAwait(false)) yield return letter;
    }

    /// <inheritdoc/>
    public async ValueTask<OutboxDeadLetter?> FindDeadLetterAsync(BlobKey key, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(key, "find", cancellationToken);
        return await _outbox.FindDeadLetterAsync(key.Value, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<bool> ReplayAsync(BlobKey key, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(key, "replay", cancellationToken);
        using KeyLocks.Held held = await _locks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
        if (!await _outbox.ReplayAsync(key.Value, cancellationToken).ConfigureAwait(false)) return false;
        if (_dirty.Find(key) is { } dirty) dirty.IsDead = false;
        return true;
    }

    /// <inheritdoc/>
    public async ValueTask<bool> DiscardAsync(BlobKey key, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(key, "discard", cancellationToken);
        using KeyLocks.Held held = await _locks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
        if (!await _outbox.DiscardAsync(key.Value, cancellationToken).ConfigureAwait(false)) return false;
        _sender.Forget(key);
        if (!await TryCleanAsync(key).ConfigureAwait(false)) return false;
        await _clean.DropCopiesAsync(key, cancellationToken).ConfigureAwait(false);
        return true;
    }

    /// <inheritdoc/>
    public IReadOnlyList<TierStatistics> GetTierStatistics()
    {
        IReadOnlyList<TierStatistics> tiers = _clean.GetTierStatistics();
        return [tiers[0] with { WriteBack = GetStatus() }, tiers[1]];
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<string>> LocateAsync(BlobKey key, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = Enter(key, "locate", cancellationToken);
        while (_dirty.Find(key) is { } before)
        {
            if (await _warm.Store.StatAsync(key, cancellationToken).ConfigureAwait(false) is not null) return [_warm.Name];
            if (IsStill(key, before)) return [];
        }

        return await _clean.LocateAsync(key, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<MoveStatus> MoveAsync(BlobKey key, string tier, bool keepInSource, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = Enter(key, "move", cancellationToken);
        IReadOnlyList<string> holders = await LocateAsync(key, cancellationToken).ConfigureAwait(false);
        if (holders.Count == 0) return MoveStatus.Missing;
        if (tier == _warm.Name)
        {
            // The origin keeps everything, whatever the caller would have.
            if (holders[0] == tier) return MoveStatus.Unchanged;
            return await _clean.CopyUpAsync(key, cancellationToken).ConfigureAwait(false) switch
            {
                null => MoveStatus.Missing,
                true => MoveStatus.Moved,
                false => _warm.Takes((await StateAsync(key, cancellationToken).ConfigureAwait(false))?.Length ?? 0) ? MoveStatus.Overtaken : MoveStatus.Refused,
            };
        }

        if (tier != _origin.Name) throw new ArgumentException($"Store '{_options.Name}' has no tier '{tier}' here; it has {_warm.Name} and {_origin.Name}.", nameof(tier));
        if (holders[0] == tier) return MoveStatus.Unchanged;
        await FlushAsync(key, cancellationToken).ConfigureAwait(false);
        using KeyLocks.Held held = await _locks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
        if (!await TryCleanAsync(key).ConfigureAwait(false)) return MoveStatus.Overtaken;
        if (!keepInSource) await _clean.DropCopiesAsync(key, cancellationToken).ConfigureAwait(false);
        return MoveStatus.Moved;
    }

    /// <inheritdoc/>
    public IReadOnlyList<TierMove> GetMoves() => [];

    /// <summary>Runs a change that is committed at the origin, once that has what was written before.</summary>
    /// <param name="key">The key.</param>
    /// <param name="change">The change.</param>
    /// <param name="infoOf">The blob as it left it; null: it did nothing.</param>
    /// <param name="cancellationToken">Gives up, until the change is dispatched.</param>
    /// <exception cref="StorageException">The origin did not get it in time.</exception>
    private async ValueTask<T> StraightAsync<T>(BlobKey key, Func<ValueTask<T>> change, Func<T, BlobInfo?> infoOf, CancellationToken cancellationToken)
    {
        // However often others write the key meanwhile.
        using var late = new CancellationTokenSource(LongestWait, _clock);
        while (true)
        {
            await FlushAsync(key, late.Token, cancellationToken).ConfigureAwait(false);
            using KeyLocks.Held held = await _locks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
            if (!await TryCleanAsync(key).ConfigureAwait(false)) continue;
            T result = await change().ConfigureAwait(false);
            if (infoOf(result) is { } written) _straight.Note(written);
            return result;
        }
    }

    /// <summary>
    /// Uploads in parts are the origin's from the beginning: what is long is not sent twice. Their completion is committed there, and
    /// waits until the origin has what was written to the key before.
    /// </summary>
    private async ValueTask<CompleteResult> CompleteAsync(
        BlobKey key, IReadOnlyList<PartReference> parts, CompleteOptions? options, Func<ValueTask<CompleteResult>> complete, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = Enter(key, "complete", cancellationToken);
        UploadLimits.CheckComplete(Capabilities, key, parts, options);
        return await StraightAsync(key, complete, result => result.Status == CompleteStatus.Completed ? result.Info : null, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>To be taken before the origin is written to.</summary>
    internal TrustStamp TakeStamp() => _clean.TakeStamp();

    /// <summary>An intent's rows are gone.</summary>
    internal async ValueTask ConfirmedAsync(BlobKey key)
    {
        using KeyLocks.Held held = await _locks.EnterAsync(key, CancellationToken.None).ConfigureAwait(false);
        await TryCleanAsync(key).ConfigureAwait(false);
    }

    /// <summary>An intent is a dead letter.</summary>
    internal void GivenUp(BlobKey key)
    {
        if (_dirty.Find(key) is { } dirty) dirty.IsDead = true;
    }

    /// <summary>Makes a key clean if nothing is pending of it. Under its lock.</summary>
    /// <returns>Whether it is clean.</returns>
    private async ValueTask<bool> TryCleanAsync(BlobKey key)
    {
        if (_dirty.Find(key) is null) return true;
        if (await _outbox.IsPendingAsync(key.Value, CancellationToken.None).ConfigureAwait(false)) return false;
        using Fences.Fence fence = await _clean.FenceAsync(key, CancellationToken.None).ConfigureAwait(false);
        (BlobInfo? sent, TrustStamp stamp) = _sender.Forget(key);
        BlobInfo? copy = sent is null ? null : await _warm.Store.StatAsync(key).ConfigureAwait(false);
        _clean.Know(key, copy?.IsSameWriteAs(sent!) == true ? copy : null, stamp);
        _dirty.Remove(key);
        fence.IsHeld = false;
        return true;
    }

    /// <summary>Waits until the origin has what is pending of a key.</summary>
    private async ValueTask FlushAsync(BlobKey key, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(LongestWait, _clock);
        await FlushAsync(key, late.Token, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask FlushAsync(BlobKey key, CancellationToken late, CancellationToken cancellationToken)
    {
        if (_dirty.Find(key) is null) return;
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(late, cancellationToken);
        try
        {
            OutboxAcknowledgement told = await UntilClosedAsync("write", token => _outbox.WaitAsync(key.Value, token), waiting.Token).ConfigureAwait(false);
            if (told == OutboxAcknowledgement.Sent) return;
            if (told == OutboxAcknowledgement.Dead) throw Late("has refused an earlier one, which is a dead letter: replay or discard that", isTransient: false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Too late.
        }

        throw Late("has not got an earlier one yet", isTransient: true);

        StorageException Late(string why, bool isTransient) => new(StorageErrorKind.Unavailable, $"This change of '{key}' is the origin's to make, and '{_origin.Name}' {why}.")
        {
            Operation = "write", Key = key, Store = _options.Name, IsTransient = isTransient,
        };
    }

    /// <summary>Waits for the origin, but no longer than the store is open.</summary>
    /// <exception cref="StorageException">Of kind Closed: it was closed meanwhile.</exception>
    private async ValueTask<T> UntilClosedAsync<T>(string operation, Func<CancellationToken, ValueTask<T>> wait, CancellationToken cancellationToken)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(_closing.Token, cancellationToken);
        try
        {
            return await wait(waiting.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_closing.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw StorageException.Closed(operation, _options.Name);
        }
    }
}
