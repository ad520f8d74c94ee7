using System.Diagnostics.CodeAnalysis;

namespace Strata;

/// <content>Reads: the fastest trusted copy, and what a read leaves behind.</content>
public sealed partial class TieredBlobStore
{
    /// <inheritdoc/>
    public bool TryRead(BlobKey key, [NotNullWhen(true)] out BlobReadResult? hit)
    {
        if (_shared is { } shared && !_fences.IsFenced(key) && shared.TryRead(key, out hit))
        {
            _first!.NoteHit();
            return true;
        }

        hit = null;
        return false;
    }

    /// <inheritdoc/>
    public ValueTask<BlobReadResult?> ReadAsync(BlobKey key, ReadOptions? options = null, CancellationToken cancellationToken = default) =>
        options is null && !cancellationToken.IsCancellationRequested && TryRead(key, out BlobReadResult? hit) ? new(hit) : ReadSlowAsync(key, options, cancellationToken);

    private async ValueTask<BlobReadResult?> ReadSlowAsync(BlobKey key, ReadOptions? options, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = Enter(key, "read", cancellationToken);
        if (_fences.IsInDoubt(key)) await ResolveAsync(key, cancellationToken).ConfigureAwait(false);
        long generation = _fences.Generation(key);
        if (options?.Consistency != ReadConsistency.Origin && !_fences.IsFenced(key))
        {
            for (int i = 0; i < _upper.Length; i++)
            {
                if (await ReadUpperAsync(i, key, options, generation, cancellationToken).ConfigureAwait(false) is { } hit) return hit;
            }
        }

        long started = _clock.GetTimestamp();
        BlobReadResult? read = await ReadOriginAsync(key, options, generation, cancellationToken).ConfigureAwait(false);
        if (read is null) _misses.Increment();
        else _origin.NoteHit(started);
        return read;
    }

    private async ValueTask<BlobReadResult?> ReadUpperAsync(int index, BlobKey key, ReadOptions? options, long generation, CancellationToken cancellationToken)
    {
        UpperTier tier = _upper[index];
        long started = _clock.GetTimestamp();
        BlobReadResult? read;
        try
        {
            read = await tier.Store.ReadAsync(key, options, cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            tier.NoteError(e, "read", key);
            if (e.Kind == StorageErrorKind.Corrupt) await RepairAsync(tier, key, generation, 0).ConfigureAwait(false);
            return null;
        }

        if (read is null)
        {
            tier.NoteMiss();
            return null;
        }

        bool isTrusted = false;
        try
        {
            isTrusted = await IsTrustedAsync(tier, read.Info, generation, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            // Also where the origin could not be asked: the result holds a file open.
            if (!isTrusted) await read.DisposeAsync().ConfigureAwait(false);
        }

        if (!isTrusted)
        {
            tier.NoteMiss();
            return null;
        }

        tier.NoteHit(started);
        if (read.Status == BlobReadStatus.Found) Promote(read.Info, generation, null, tier.Store, index);
        return read.TryGetSequence(out _)
            ? read
            : new FailoverResult(read, _origin.Store, e => FailedMidwayAsync(tier, read.Info, generation, e));
    }

    /// <summary>Whether an upper copy is the origin's write. A copy that was here when the store was opened is compared once.</summary>
    private async ValueTask<bool> IsTrustedAsync(UpperTier tier, BlobInfo copy, long generation, CancellationToken cancellationToken)
    {
        if (tier.Trusts(copy.Key)) return true;
        BlobInfo? current = await _origin.Store.StatAsync(copy.Key, cancellationToken).ConfigureAwait(false);
        if (current is not null && current.IsSameWriteAs(copy))
        {
            await _fences.TryPublishAsync(copy.Key, generation, () =>
            {
                tier.Trust(copy.Key);
                return default;
            }).ConfigureAwait(false);
            return true;
        }

        await RepairAsync(tier, copy.Key, generation, copy.Length).ConfigureAwait(false);
        return false;
    }

    private async ValueTask FailedMidwayAsync(UpperTier tier, BlobInfo copy, long generation, Exception e)
    {
        tier.NoteError(e, "read", copy.Key);
        await RepairAsync(tier, copy.Key, generation, copy.Length).ConfigureAwait(false);
    }

    /// <summary>Drops a bad copy, unless a write has passed, which has dropped or replaced it by itself.</summary>
    private async ValueTask RepairAsync(UpperTier tier, BlobKey key, long generation, long length) =>
        await _fences.TryPublishAsync(key, generation, () => tier.RepairAsync(key, length)).ConfigureAwait(false);

    private async ValueTask<BlobReadResult?> ReadOriginAsync(BlobKey key, ReadOptions? options, long generation, CancellationToken cancellationToken)
    {
        // While the key is being written, a load that began before the commit is older than what others may have seen.
        if (options is null && _fences.IsFenced(key)) return await LoadAsync(key, generation, cancellationToken).ConfigureAwait(false);
        if (options is not null)
        {
            BlobReadResult? read = await _origin.Store.ReadAsync(key, options, cancellationToken).ConfigureAwait(false);
            if (read?.Status == BlobReadStatus.Found && options.Consistency != ReadConsistency.Origin) Promote(read.Info, generation, null, _origin.Store, _upper.Length);
            return read;
        }

        return await _loads.ReadAsync(key, generation, token => LoadAsync(key, generation, token), cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<BlobReadResult?> LoadAsync(BlobKey key, long generation, CancellationToken cancellationToken)
    {
        BlobReadResult? read = await _origin.Store.ReadAsync(key, null, cancellationToken).ConfigureAwait(false);
        if (read is null) return null;
        if (read.Length > _options.MaxSharedLoadBytes)
        {
            Promote(read.Info, generation, null, _origin.Store, _upper.Length);
            return read;
        }

        await using (read.ConfigureAwait(false))
        {
            var loaded = new LoadedBlob(read.Info, await read.ToArrayAsync(cancellationToken).ConfigureAwait(false), _origin.Name);
            Promote(loaded.Info, generation, loaded.Bytes, _origin.Store, _upper.Length);
            return loaded;
        }
    }

    /// <summary>Queues copies into the tiers above <paramref name="below"/> that take a blob of this length.</summary>
    private void Promote(BlobInfo info, long generation, byte[]? bytes, IBlobStore source, int below)
    {
        if (!_options.PromoteOnRead || below == 0) return;
        UpperTier[] targets = [.. _upper.Take(below).Where(tier => tier.Takes(info.Length))];
        _promotions.Enqueue(info with { Tier = null }, generation, bytes, source, targets, isFill: false);
    }

    /// <summary>Reads the origin to learn what an unknown outcome came to, and drops the copies that are not it.</summary>
    private async ValueTask ResolveAsync(BlobKey key, CancellationToken cancellationToken)
    {
        using Fences.Fence fence = await _fences.RaiseAsync(key, cancellationToken).ConfigureAwait(false);
        if (!fence.InDoubt) return;
        BlobInfo? current = await _origin.Store.StatAsync(key, cancellationToken).ConfigureAwait(false);
        foreach (UpperTier tier in _upper)
        {
            tier.Distrust(key);
            try
            {
                BlobInfo? copy = await tier.Store.StatAsync(key, cancellationToken).ConfigureAwait(false);
                if (copy is not null && current?.IsSameWriteAs(copy) != true) await tier.DropAsync(key).ConfigureAwait(false);
            }
            catch (StorageException e)
            {
                tier.NoteError(e, "stat", key);
                await tier.DropAsync(key).ConfigureAwait(false);
            }
        }

        fence.InDoubt = false;
    }
}
