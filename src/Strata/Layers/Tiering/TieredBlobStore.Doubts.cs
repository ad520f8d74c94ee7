using System.Buffers;

namespace Strata;

/// <content>
/// Keys of which a change at the origin is of unknown outcome (CONSISTENCY 5). Until nothing that was given up can come through
/// any more they are read at the origin alone, and if an older change came through behind a later one that was acknowledged, the
/// later one is made again: at the next read, and at the end.
/// </content>
public sealed partial class TieredBlobStore
{
    private const int MostRepetitions = 3;

    /// <summary>How long a reader waits for a change that is made again; what takes longer the background sees to.</summary>
    private static readonly TimeSpan LongestSettling = TimeSpan.FromSeconds(30);

    /// <inheritdoc/>
    public DoubtStatus GetDoubts() => _doubts.Status;

    /// <summary>Whether a key in doubt still is, after what can be cleared up at once has been.</summary>
    private async ValueTask<bool> RemainsInDoubtAsync(BlobKey key, CancellationToken cancellationToken)
    {
        if (_doubts.Find(key) is not { } doubt || _doubts.IsOver(doubt)) await SettleSoonAsync(key, cancellationToken).ConfigureAwait(false);
        return _doubts.Find(key) is not null;
    }

    private async ValueTask<BlobReadResult?> ReadInDoubtAsync(BlobKey key, ReadOptions? options, CancellationToken cancellationToken)
    {
        for (int repetition = 0; ; repetition++)
        {
            BlobReadResult? read = await _origin.ReadAsync(key, options, cancellationToken).ConfigureAwait(false);
            if (!IsUndone(key, read?.Info)) return read;
            if (read is not null) await read.DisposeAsync().ConfigureAwait(false);
            await RepeatAsync(key, repetition, cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask<BlobInfo?> StatInDoubtAsync(BlobKey key, CancellationToken cancellationToken)
    {
        for (int repetition = 0; ; repetition++)
        {
            BlobInfo? info = await _origin.StatAsync(key, cancellationToken).ConfigureAwait(false);
            if (!IsUndone(key, info)) return info;
            await RepeatAsync(key, repetition, cancellationToken).ConfigureAwait(false);
        }
    }

    private bool IsUndone(BlobKey key, BlobInfo? found) =>
        _doubts.Find(key) is { } doubt && doubt.IsUndone(found, Capabilities.IsSingleWriter, _clock.GetUtcNow());

    private async ValueTask RepeatAsync(BlobKey key, int repetition, CancellationToken cancellationToken)
    {
        if (repetition == MostRepetitions)
        {
            throw new StorageException(StorageErrorKind.Unavailable, $"Older changes of '{key}' come through at the origin behind a later one, again and again; read it later.")
            {
                Operation = "read", Key = key, Store = _options.Name, IsTransient = true,
            };
        }

        await SettleSoonAsync(key, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The same for a reader, who is not to wait for as long as an origin without room may take.</summary>
    private async ValueTask SettleSoonAsync(BlobKey key, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(LongestSettling, _clock);
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            await SettleAsync(key, waiting.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (late.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new StorageException(StorageErrorKind.Unavailable, $"A change of '{key}' is of unknown outcome, and could not be cleared up within {LongestSettling}; read it later.", e)
            {
                Operation = "read", Key = key, Store = _options.Name, IsTransient = true,
            };
        }
    }

    /// <summary>Makes the last intention again where it was undone and, if the doubt is over, lets the tiers have the key again.</summary>
    private async ValueTask SettleAsync(BlobKey key, CancellationToken cancellationToken)
    {
        using Fences.Fence fence = await _fences.RaiseAsync(key, cancellationToken).ConfigureAwait(false);
        if (!fence.InDoubt) return;
        TrustStamp stamp = _trust.Now();
        BlobInfo? current = await IntendedAsync(key, cancellationToken).ConfigureAwait(false);
        if (_doubts.Find(key) is { } doubt && !_doubts.IsOver(doubt)) return;
        _trust.Forget(key);
        bool isClean = await KeepOnlyAsync(key, current).ConfigureAwait(false);
        await _doubts.EndAsync(key).ConfigureAwait(false);
        fence.InDoubt = !isClean;
        if (current is not null) _trust.Confirm(current, stamp);
    }

    private async ValueTask SettleAtEndAsync(BlobKey key, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = _gate.Enter("settle");
        await SettleAsync(key, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>What the origin holds of the fenced key, after its last intention was made again if it had to be.</summary>
    private async ValueTask<BlobInfo?> IntendedAsync(BlobKey key, CancellationToken cancellationToken)
    {
        for (int repetition = 0; ; repetition++)
        {
            BlobInfo? current = await _origin.Store.StatAsync(key, cancellationToken).ConfigureAwait(false);
            if (_doubts.Find(key) is not { } doubt || !IsUndone(key, current)) return current;
            if (repetition == MostRepetitions)
                throw new StorageException(StorageErrorKind.Unavailable, $"'{key}' changes at the origin again and again.") { Operation = "settle", Key = key, Store = _options.Name, IsTransient = true };
            try
            {
                await RepeatIntentionAsync(doubt, current, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (!IsDefinite(e))
            {
                PendingChanges pending = doubt.Intention == LastIntention.Delete ? PendingChanges.Delete : PendingChanges.Write;
                await _doubts.NoteUnknownAsync(key, pending, isRepetition: true).ConfigureAwait(false);
                throw;
            }
        }
    }

    /// <summary>
    /// Makes a change that goes by what is there: of a key in doubt by what was acknowledged last, and not by what came through
    /// behind it.
    /// </summary>
    /// <param name="fence">The key's.</param>
    /// <param name="kind">What its outcome would leave in doubt.</param>
    /// <param name="condition">The caller's.</param>
    /// <param name="change">The change, under a condition at least as strict.</param>
    /// <param name="isRefused">Whether the condition did not hold.</param>
    /// <param name="cancellationToken">Gives up before the change.</param>
    private async ValueTask<T> OverIntendedAsync<T>(
        Fences.Fence fence, PendingChanges kind, WriteCondition condition, Func<WriteCondition, ValueTask<T>> change, Func<T, bool> isRefused, CancellationToken cancellationToken)
    {
        for (int repetition = 0; ; repetition++)
        {
            WriteCondition strict = condition;
            bool isInDoubt = _doubts.Find(fence.Key) is not null;
            if (isInDoubt && await IntendedBeforeAsync(fence.Key, cancellationToken).ConfigureAwait(false) is { } current && condition.Kind == WriteConditionKind.None
                && _origin.Store.Capabilities.Conditions.HasFlag(WriteConditionKind.IfMatch)) strict = WriteCondition.IfMatch(current.ETag);
            T result = await AtOriginAsync(fence, kind, () => change(strict)).ConfigureAwait(false);
            if (!isInDoubt || !isRefused(result) || repetition == MostRepetitions) return result;

            // What was refused by something that came through meanwhile is tried once more; what was refused by right, refused once more.
            if (strict == condition && !IsUndone(fence.Key, await _origin.Store.StatAsync(fence.Key, cancellationToken).ConfigureAwait(false))) return result;
        }
    }

    /// <summary>The same for a change that has not been made yet: it is told as that.</summary>
    private async ValueTask<BlobInfo?> IntendedBeforeAsync(BlobKey key, CancellationToken cancellationToken)
    {
        try
        {
            return await IntendedAsync(key, cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException e) when (e.Outcome == WriteOutcome.Unknown)
        {
            throw new StorageException(e.Kind, $"Nothing was changed: an earlier change of '{key}' is of unknown outcome, and could not be cleared up ({e.Message})", e)
            {
                Operation = "settle", Key = key, Store = _options.Name, IsTransient = e.IsTransient,
            };
        }
    }

    /// <summary>Never over anything but what was looked at, where the origin can decide that.</summary>
    private async ValueTask RepeatIntentionAsync(Doubt doubt, BlobInfo? current, CancellationToken cancellationToken)
    {
        WriteConditionKind honoured = _origin.Store.Capabilities.Conditions;
        WriteCondition condition = current is null
            ? (honoured.HasFlag(WriteConditionKind.IfAbsent) ? WriteCondition.IfAbsent : WriteCondition.None)
            : (honoured.HasFlag(WriteConditionKind.IfMatch) ? WriteCondition.IfMatch(current.ETag) : WriteCondition.None);
        if (doubt.Intention == LastIntention.Delete)
        {
            DeleteResult deleted = await _origin.Store.DeleteAsync(doubt.Key, condition, cancellationToken).ConfigureAwait(false);
            if (deleted.Status == DeleteStatus.Deleted) _doubts.NoteRepeated(doubt);
            return;
        }

        if (await _doubts.BytesOfAsync(doubt).ConfigureAwait(false) is { } bytes)
        {
            await WriteAgainAsync(BlobContent.From(bytes)).ConfigureAwait(false);
            return;
        }

        foreach (UpperTier tier in _upper)
        {
            BlobReadResult? copy = await tier.Store.ReadAsync(doubt.Key, null, cancellationToken).ConfigureAwait(false);
            if (copy is null) continue;
            await using (copy.ConfigureAwait(false))
            {
                if (!copy.Info.IsSameWriteAs(doubt.Info!)) continue;
                await WriteAgainAsync(BlobContent.From(copy)).ConfigureAwait(false);
                return;
            }
        }

        await _doubts.GiveUpAsync(doubt).ConfigureAwait(false);

        async ValueTask WriteAgainAsync(BlobContent content)
        {
            WriteResult written = await _origin.Store.WriteAsync(doubt.Key, content, new WriteOptions { AsCopyOf = doubt.Info, Condition = condition }, cancellationToken).ConfigureAwait(false);
            if (written.IsWritten) _doubts.NoteRepeated(doubt);
        }
    }

    /// <summary>Notes an acknowledged change of a key in doubt, with what it takes to make it again.</summary>
    /// <param name="fence">The key's.</param>
    /// <param name="info">The blob as it is now; null if it was deleted.</param>
    /// <param name="tombstone">The delete's version, where it has one.</param>
    /// <param name="content">The blob's bytes, where they are at hand.</param>
    /// <returns>False if the key is not in doubt, and the tiers above may have copies.</returns>
    private async ValueTask<bool> KeepIntentionAsync(Fences.Fence fence, BlobInfo? info, BlobVersion tombstone = default, BlobContent? content = null)
    {
        if (_doubts.Find(fence.Key) is not { } doubt) return false;
        if (_doubts.IsOver(doubt))
        {
            // Whatever came through did so before this change.
            await _doubts.EndAsync(fence.Key).ConfigureAwait(false);
            return false;
        }

        if (info is null)
        {
            await _doubts.NoteDeletedAsync(fence.Key, tombstone).ConfigureAwait(false);
            return true;
        }

        byte[]? bytes = info.Length > _doubts.MostBytes ? null
            : content is not null && content.TryGetSequence(out ReadOnlySequence<byte> sequence) ? sequence.ToArray()
            : await ReadBackAsync(info).ConfigureAwait(false);
        if (!await _doubts.NoteWrittenAsync(info, bytes).ConfigureAwait(false)) await KeepAboveAsync(info, content).ConfigureAwait(false);
        return true;
    }

    /// <summary>Keeps a write's bytes as a suspended copy in a tier above: in one that drops nothing, if there is such.</summary>
    private async ValueTask KeepAboveAsync(BlobInfo info, BlobContent? content)
    {
        foreach (UpperTier tier in _upper.Where(tier => tier.Takes(info.Length)).OrderBy(tier => tier.Store.Capabilities.IsVolatile))
        {
            if (content is not null && content.TryGetSequence(out _))
            {
                if (await tier.FillAsync(info, content).ConfigureAwait(false)) return;
                continue;
            }

            try
            {
                BlobReadResult? read = await _origin.Store.ReadAsync(info.Key, new ReadOptions { IfMatch = info.ETag }).ConfigureAwait(false);
                if (read is null) break;
                await using (read.ConfigureAwait(false))
                {
                    if (read.Status == BlobReadStatus.Found && read.Info.IsSameWriteAs(info) && await tier.FillAsync(info, BlobContent.From(read)).ConfigureAwait(false)) return;
                }
            }
            catch (Exception e)
            {
                tier.NoteError(e, "keep", info.Key);
            }
        }

        _doubts.NoteError(info.Key, new StorageException(StorageErrorKind.Unavailable, $"The bytes of '{info.Key}', written while an older change of it is of unknown outcome, are kept nowhere but at the origin; should that change come through, they are lost."));
    }

    /// <summary>The bytes of a write that was acknowledged, from the origin; null if they are not there or cannot be read.</summary>
    private async ValueTask<byte[]?> ReadBackAsync(BlobInfo info)
    {
        try
        {
            BlobReadResult? read = await _origin.Store.ReadAsync(info.Key, new ReadOptions { IfMatch = info.ETag }).ConfigureAwait(false);
            if (read is null) return null;
            await using (read.ConfigureAwait(false))
                return read.Status == BlobReadStatus.Found && read.Info.IsSameWriteAs(info) ? await read.ToArrayAsync().ConfigureAwait(false) : null;
        }
        catch (StorageException e)
        {
            _doubts.NoteError(info.Key, e);
            return null;
        }
    }

    /// <summary>
    /// Runs a change at the origin. A definite failure leaves the copies as they were; an unknown outcome leaves the key in
    /// doubt, and so does every exception that does not say what it came to.
    /// </summary>
    private async ValueTask<T> AtOriginAsync<T>(Fences.Fence fence, PendingChanges change, Func<ValueTask<T>> run)
    {
        try
        {
            return await run().ConfigureAwait(false);
        }
        catch (Exception e) when (!IsDefinite(e))
        {
            await NoteUnknownAsync(fence, change).ConfigureAwait(false);
            throw;
        }
    }

    private async ValueTask NoteUnknownAsync(Fences.Fence fence, PendingChanges change)
    {
        fence.InDoubt = true;
        _trust.Forget(fence.Key);
        await _doubts.NoteUnknownAsync(fence.Key, change).ConfigureAwait(false);
        _settler.Arm();
    }

    private static bool IsDefinite(Exception e) => e is ArgumentException or StorageException { Outcome: WriteOutcome.NotApplied };
}
