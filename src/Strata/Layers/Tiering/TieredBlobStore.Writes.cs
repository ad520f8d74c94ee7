using System.Buffers;

namespace Strata;

/// <content>Writes: fence, commit at the origin, drop the older copies, fill, lower the fence.</content>
public sealed partial class TieredBlobStore
{
    /// <inheritdoc/>
    public async ValueTask<WriteResult> WriteAsync(BlobKey key, BlobContent content, WriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        using OperationGate.Pass pass = Enter(key, "write", cancellationToken);
        Capabilities.Check(key, options, "write");
        if (!content.TryGetSequence(out ReadOnlySequence<byte> bytes)) return await WriteStreamAsync(key, content, options, cancellationToken).ConfigureAwait(false);

        // The checksum is computed once, at the top; every tier verifies it against what it stores.
        WriteOptions below = ForOrigin(key, options) with { Checksum = options?.Checksum ?? options?.AsCopyOf?.Checksum ?? Crc32C.Of(bytes) };
        using Fences.Fence fence = await _fences.RaiseAsync(key, cancellationToken).ConfigureAwait(false);
        TrustStamp stamp = _trust.Now();
        WriteResult written = below.Condition.Kind == WriteConditionKind.None
            ? await AtOriginAsync(fence, PendingChanges.Write, () => _origin.Store.WriteAsync(key, content, below, cancellationToken)).ConfigureAwait(false)
            : await OverIntendedAsync(fence, PendingChanges.Write, below.Condition, condition => _origin.Store.WriteAsync(key, content, below with { Condition = condition }, cancellationToken), IsRefused, cancellationToken).ConfigureAwait(false);
        if (!written.IsWritten) return written;
        _origin.NoteWritten(bytes.Length);
        NoteWritten(key);
        if (await KeepIntentionAsync(fence, written.Info, content: content).ConfigureAwait(false)) return WrittenBelow(written);
        var holders = new List<string>(_upper.Length + 1);
        bool isClean = true;
        for (int i = 0; i < _upper.Length; i++)
        {
            UpperTier tier = _upper[i];
            if (Fills(i, key, options, written.Info!.Length) && await tier.FillAsync(written.Info, content).ConfigureAwait(false)) holders.Add(tier.Name);
            else isClean &= await DropAsync(tier, key).ConfigureAwait(false);
        }

        if (holders.Count > 0) _trust.Confirm(written.Info!, stamp);
        else _trust.Forget(key);
        fence.InDoubt = !isClean;
        return WriteResult.Written(written.Info! with { Tier = holders.FirstOrDefault() ?? TierOf(written.Info!) }, [.. holders, .. TiersBelow(written)]);
    }

    /// <inheritdoc/>
    public async ValueTask<IBlobWriter> OpenWriterAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(key, "write", cancellationToken);
        Capabilities.Check(key, options, "write");
        return new TieredBlobWriter(this, key, options, await _origin.Store.OpenWriterAsync(key, ForOrigin(key, options), cancellationToken).ConfigureAwait(false));
    }

    /// <inheritdoc/>
    public async ValueTask<DeleteResult> DeleteAsync(BlobKey key, WriteCondition condition = default, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(key, "delete", cancellationToken);
        Capabilities.Check(key, condition, "delete");
        using Fences.Fence fence = await _fences.RaiseAsync(key, cancellationToken).ConfigureAwait(false);
        DeleteResult result = condition.Kind == WriteConditionKind.None
            ? await AtOriginAsync(fence, PendingChanges.Delete, () => _origin.Store.DeleteAsync(key, condition, cancellationToken)).ConfigureAwait(false)
            : await OverIntendedAsync(fence, PendingChanges.Delete, condition, strict => _origin.Store.DeleteAsync(key, strict, cancellationToken), r => r.Status == DeleteStatus.PreconditionFailed, cancellationToken).ConfigureAwait(false);
        if (result.Status != DeleteStatus.PreconditionFailed) await DeletedAsync(fence, result.Version).ConfigureAwait(false);
        return result;
    }

    /// <inheritdoc/>
    public async ValueTask<DeleteManyResult> DeleteManyAsync(IReadOnlyList<BlobKey> keys, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        foreach (BlobKey key in keys) StoreCapabilities.CheckKey(key);
        using OperationGate.Pass pass = _gate.Enter("delete");

        // In key order, so that two bulk deletes never wait for each other's keys.
        var fences = new List<Fences.Fence>();
        bool isDispatched = false;
        try
        {
            foreach (BlobKey key in keys.Distinct().Order()) fences.Add(await _fences.RaiseAsync(key, cancellationToken).ConfigureAwait(false));
            isDispatched = true;
            DeleteManyResult result = await _origin.Store.DeleteManyAsync(keys, cancellationToken).ConfigureAwait(false);
            var unknown = result.Outcomes.Where(o => o.Error?.Outcome == WriteOutcome.Unknown).Select(o => o.Key).ToHashSet();
            var failed = result.Outcomes.Where(o => o.Status == DeleteStatus.Failed).Select(o => o.Key).ToHashSet();
            foreach (Fences.Fence fence in fences)
            {
                if (unknown.Contains(fence.Key)) await NoteUnknownAsync(fence, PendingChanges.Delete).ConfigureAwait(false);
                else if (!failed.Contains(fence.Key)) await DeletedAsync(fence, default).ConfigureAwait(false);
            }

            return result;
        }
        catch (Exception e) when (e is not ArgumentException)
        {
            // One key after the other may have been deleted before it failed, whatever it says of the last; of one alone it is so.
            if (isDispatched && !(fences.Count == 1 && IsDefinite(e)))
            {
                foreach (Fences.Fence fence in fences) await NoteUnknownAsync(fence, PendingChanges.Delete).ConfigureAwait(false);
            }

            throw;
        }
        finally
        {
            foreach (Fences.Fence fence in fences) fence.Dispose();
        }
    }

    /// <inheritdoc/>
    public async ValueTask<WriteResult> UpdateAsync(BlobKey key, BlobChanges changes, WriteCondition condition = default, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(changes);
        using OperationGate.Pass pass = Enter(key, "update", cancellationToken);
        Capabilities.Check(key, condition, "update");
        using Fences.Fence fence = await _fences.RaiseAsync(key, cancellationToken).ConfigureAwait(false);
        WriteResult result = await OverIntendedAsync(
            fence, PendingChanges.Write, condition, strict => _origin.Store.UpdateAsync(key, changes, strict, cancellationToken), IsRefused, cancellationToken).ConfigureAwait(false);
        return await ChangedAsync(fence, result).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<WriteResult> CopyAsync(BlobKey source, BlobKey target, CopyOptions? options = null, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(source, "copy", cancellationToken);
        Capabilities.Check(source, options?.SourceCondition ?? default, "copy");
        Capabilities.Check(target, options?.Condition ?? default, "copy");
        options ??= new CopyOptions();
        for (int repetition = 0; ; repetition++)
        {
            CopyOptions strict = options;
            bool isInDoubt = source != target && _fences.IsInDoubt(source) && await RemainsInDoubtAsync(source, cancellationToken).ConfigureAwait(false);
            if (isInDoubt && options.SourceCondition.Kind == WriteConditionKind.None)
            {
                // What is copied is what was acknowledged last, and not what came through behind it.
                if (await StatInDoubtAsync(source, cancellationToken).ConfigureAwait(false) is not { } current) return WriteResult.Missing;
                strict = options with { SourceCondition = WriteCondition.IfMatch(current.ETag) };
            }

            using Fences.Fence fence = await _fences.RaiseAsync(target, cancellationToken).ConfigureAwait(false);
            WriteResult result = await OverIntendedAsync(
                fence, PendingChanges.Write, options.Condition, condition => _origin.Store.CopyAsync(source, target, strict with { Condition = condition }, cancellationToken), IsRefused, cancellationToken).ConfigureAwait(false);
            if (!isInDoubt || !IsRefused(result) || repetition == MostRepetitions) return await ChangedAsync(fence, result).ConfigureAwait(false);
        }
    }

    /// <summary>Commits a streamed write; its copies are made afterwards, off the caller's path.</summary>
    internal async ValueTask<WriteResult> CommitAsync(BlobKey key, IBlobWriter atOrigin, WriteOptions? options, CommitOptions? commit, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = _gate.Enter("write");
        TrustStamp stamp = _trust.Now();
        WriteResult result;
        using (Fences.Fence fence = await _fences.RaiseAsync(key, cancellationToken).ConfigureAwait(false))
        {
            // A commit cannot be made twice: what comes through between this look and the commit may refuse it.
            if (options?.Condition.Kind is not (null or WriteConditionKind.None) && _doubts.Find(key) is not null) await IntendedBeforeAsync(key, cancellationToken).ConfigureAwait(false);
            result = await ChangedAsync(fence, await AtOriginAsync(fence, PendingChanges.Write, () => atOrigin.CommitAsync(commit, cancellationToken)).ConfigureAwait(false)).ConfigureAwait(false);
        }

        if (!result.IsWritten) return result;
        _origin.NoteWritten(result.Info!.Length);
        long generation = _fences.Generation(key);
        UpperTier[] targets = [.. _upper.Where((_, i) => Fills(i, key, options, result.Info!.Length))];
        _promotions.Enqueue(result.Info! with { Tier = null }, generation, stamp, null, _origin, targets, isFill: true);
        return result;
    }

    /// <summary>Completes an upload at the origin; the key is fenced at that moment alone, and keeps no older copy.</summary>
    internal async ValueTask<CompleteResult> CompleteAsync(BlobKey key, Func<ValueTask<CompleteResult>> complete, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = Enter(key, "complete", cancellationToken);
        using Fences.Fence fence = await _fences.RaiseAsync(key, cancellationToken).ConfigureAwait(false);
        CompleteResult result = await AtOriginAsync(fence, PendingChanges.Write, complete).ConfigureAwait(false);
        if (result.Status != CompleteStatus.Completed) return result;
        _origin.NoteWritten(result.Info!.Length);
        NoteWritten(key);
        if (!await KeepIntentionAsync(fence, result.Info).ConfigureAwait(false)) await DropCopiesAsync(fence).ConfigureAwait(false);
        return result with { Info = result.Info! with { Tier = TierOf(result.Info!) } };
    }

    private IReadOnlyList<string> TiersBelow(WriteResult written) => _map.Lower is null ? [_origin.Name] : written.Tiers;

    private WriteResult WrittenBelow(WriteResult written) => WriteResult.Written(written.Info! with { Tier = TierOf(written.Info!) }, TiersBelow(written));

    private async ValueTask<WriteResult> WriteStreamAsync(BlobKey key, BlobContent content, WriteOptions? options, CancellationToken cancellationToken)
    {
        WriteOptions declared = (options ?? new WriteOptions()) with { DeclaredLength = content.Length };
        IBlobWriter writer = await OpenWriterAsync(key, declared, cancellationToken).ConfigureAwait(false);
        await using (writer.ConfigureAwait(false))
        {
            Stream stream = content.OpenStream();
            await using (stream.ConfigureAwait(false)) await writer.WriteFromAsync(stream, cancellationToken).ConfigureAwait(false);
            if (content.Length is { } length && length != writer.Length)
                throw StorageException.WrongLength("write", key, _options.Name, length, $"{writer.Length}");
            return await writer.CommitAsync(null, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>What follows a change at the origin that leaves no copy of the key above it.</summary>
    private async ValueTask<WriteResult> ChangedAsync(Fences.Fence fence, WriteResult result)
    {
        if (!result.IsWritten) return result;
        NoteWritten(fence.Key);
        if (!await KeepIntentionAsync(fence, result.Info).ConfigureAwait(false)) await DropCopiesAsync(fence).ConfigureAwait(false);
        return WrittenBelow(result);
    }

    private static bool IsRefused(WriteResult result) => result.Status == WriteStatus.PreconditionFailed;

    private async ValueTask DeletedAsync(Fences.Fence fence, BlobVersion tombstone)
    {
        NoteDeleted(fence.Key);
        if (!await KeepIntentionAsync(fence, null, tombstone).ConfigureAwait(false)) await DropCopiesAsync(fence).ConfigureAwait(false);
    }

    /// <summary>Leaves no copy of the fenced key above the origin.</summary>
    private async ValueTask DropCopiesAsync(Fences.Fence fence)
    {
        _trust.Forget(fence.Key);
        bool isClean = true;
        foreach (UpperTier tier in _upper) isClean &= await DropAsync(tier, fence.Key).ConfigureAwait(false);
        fence.InDoubt = !isClean;
    }

    /// <summary>
    /// Drops an older copy. Where that fails it is another write than the one that is trusted, and so is never served; but a
    /// memory tier's copies are, without a question: there the key stays fenced until the drop succeeds.
    /// </summary>
    private async ValueTask<bool> DropAsync(UpperTier tier, BlobKey key) =>
        await tier.DropAsync(key).ConfigureAwait(false) || tier.Shared is null || _lapses;
}
