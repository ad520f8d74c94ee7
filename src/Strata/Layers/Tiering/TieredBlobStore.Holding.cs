namespace Strata;

/// <content>
/// What a write-back pair needs of the tiered store that answers for its clean keys: to keep it away from a key while the warm tier
/// holds what the origin does not have.
/// </content>
public sealed partial class TieredBlobStore
{
    /// <summary>Fences a key; while <see cref="Fences.Fence.IsHeld"/> is set it stays fenced, and only the origin is read for it here.</summary>
    internal ValueTask<Fences.Fence> FenceAsync(BlobKey key, CancellationToken cancellationToken) => _fences.RaiseAsync(key, cancellationToken);

    /// <summary>Holds a key that was held when the store was closed; before the first operation.</summary>
    internal void Hold(BlobKey key) => _fences.LeaveHeld(key);

    /// <summary>What a tier above the origin is known to have a right copy of, without a question to the origin; null: nothing.</summary>
    internal async ValueTask<BlobInfo?> FindTrustedAsync(BlobKey key, CancellationToken cancellationToken)
    {
        if (_fences.IsFenced(key)) return null;
        foreach (UpperTier tier in _upper)
        {
            if (await tier.Store.StatAsync(key, cancellationToken).ConfigureAwait(false) is { } copy && _trust.Covers(copy, out _)) return copy with { Tier = tier.Name };
        }

        return null;
    }

    /// <summary>To be taken before the origin is written to.</summary>
    internal TrustStamp TakeStamp() => _trust.Now();

    /// <summary>Notes what the origin holds of a fenced key; null: a copy of it is to be compared first.</summary>
    internal void Know(BlobKey key, BlobInfo? current, TrustStamp stamp)
    {
        _trust.Forget(key);
        if (current is not null) _trust.Confirm(current, stamp);
    }

    /// <summary>Counts a read that the warm tier answered in the origin's stead.</summary>
    internal void NoteHeldRead(BlobReadResult? read, long started)
    {
        if (read is not null) _upper[0].NoteHit(started, read.Status == BlobReadStatus.Found ? read.Length : 0);
        else _upper[0].NoteMiss();
    }

    /// <summary>Makes a copy of a clean key in the first tier, and waits for it.</summary>
    /// <returns>Null: there is no such blob; false: it could not be copied, or was written meanwhile.</returns>
    internal async ValueTask<bool?> CopyUpAsync(BlobKey key, CancellationToken cancellationToken)
    {
        long generation = _fences.Generation(key);
        TrustStamp stamp = _trust.Now();
        BlobReadResult? read = await _origin.Store.ReadAsync(key, null, cancellationToken).ConfigureAwait(false);
        if (read is null) return null;
        await using (read.ConfigureAwait(false))
        {
            BlobInfo info = read.Info with { Tier = null };
            if (!_upper[0].Takes(info.Length)) return false;
            IBlobWriter writer = await _upper[0].Store.OpenWriterAsync(key, new WriteOptions { AsCopyOf = info }, cancellationToken).ConfigureAwait(false);
            await using (writer.ConfigureAwait(false))
            {
                Stream stream = read.OpenStream();
                await using (stream.ConfigureAwait(false)) await writer.WriteFromAsync(stream, cancellationToken).ConfigureAwait(false);
                return await _fences.TryPublishAsync(key, generation, async () =>
                {
                    await writer.CommitAsync(null, CancellationToken.None).ConfigureAwait(false);
                    _upper[0].NoteCopy(info, isFill: false);
                    _trust.Confirm(info, stamp);
                }).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Leaves no copy of a clean key above the origin.</summary>
    internal async ValueTask DropCopiesAsync(BlobKey key, CancellationToken cancellationToken)
    {
        using Fences.Fence fence = await _fences.RaiseAsync(key, cancellationToken).ConfigureAwait(false);
        if (!fence.IsHeld && !fence.InDoubt) await DropCopiesAsync(fence).ConfigureAwait(false);
    }

    /// <summary>Runs a change of what the origin holds that is no write or delete, and leaves no copy of the key above it.</summary>
    internal async ValueTask<bool> ChangeBelowAsync(BlobKey key, Func<ValueTask<bool>> change, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = Enter(key, "discard", cancellationToken);
        using Fences.Fence fence = await _fences.RaiseAsync(key, cancellationToken).ConfigureAwait(false);
        bool isChanged = await AtOriginAsync(fence, PendingChanges.Write, change).ConfigureAwait(false);
        if (isChanged && !fence.InDoubt) await DropCopiesAsync(fence).ConfigureAwait(false);
        return isChanged;
    }
}
