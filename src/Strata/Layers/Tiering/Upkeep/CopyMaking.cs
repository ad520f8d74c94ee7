namespace Strata;

/// <summary>Makes one copy of a blob in a tier, by the rules of every fill: a write that comes meanwhile wins, and only the origin's write is copied.</summary>
internal sealed class CopyMaking(UpkeepParts parts)
{
    /// <summary>Copies the key's current write.</summary>
    /// <param name="key">The blob.</param>
    /// <param name="target">The tier that gets it.</param>
    /// <param name="from">The tier above the origin whose copy is read, if it is the origin's write; null for the origin.</param>
    /// <param name="cancellationToken">Gives up; nothing is left in the tier.</param>
    /// <exception cref="StorageException">A tier failed.</exception>
    public async ValueTask<CopyMade> MakeAsync(BlobKey key, UpperTier target, UpperTier? from, CancellationToken cancellationToken)
    {
        long generation = parts.Fences.Generation(key);
        if (parts.Fences.IsFenced(key)) return new CopyMade(MoveStatus.Overtaken, 0);
        BlobInfo? held = await target.StatAsync(key, cancellationToken).ConfigureAwait(false);
        target.NoteAnswer();
        if (held is not null && IsTrusted(target, held, out _)) return new CopyMade(MoveStatus.Unchanged, held.Length);
        (BlobReadResult? read, TrustStamp stamp) = from?.Admits() == true ? await ReadCopyAsync(key, from, generation, cancellationToken).ConfigureAwait(false) : default;
        if (read is null)
        {
            stamp = parts.Trust.Now();
            read = await parts.Origin.ReadAsync(key, held is null ? null : new ReadOptions { IfNoneMatch = held.ETag }, cancellationToken).ConfigureAwait(false);
        }

        if (read is null) return new CopyMade(MoveStatus.Missing, 0);
        await using (read.ConfigureAwait(false))
        {
            BlobInfo info = read.Info with { Tier = null };
            if (held?.IsSameWriteAs(info) == true)
            {
                await PublishAsync(info, generation, stamp, () => default).ConfigureAwait(false);
                return new CopyMade(MoveStatus.Unchanged, info.Length);
            }

            if (read.Status != BlobReadStatus.Found) return new CopyMade(MoveStatus.Overtaken, 0);
            if (!target.Takes(info.Length)) return new CopyMade(MoveStatus.Refused, info.Length);
            return await CopyAsync(read, info, target, generation, stamp, cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask<CopyMade> CopyAsync(BlobReadResult read, BlobInfo info, UpperTier target, long generation, TrustStamp stamp, CancellationToken cancellationToken)
    {
        IBlobWriter writer = await target.OpenWriterAsync(info, cancellationToken).ConfigureAwait(false);
        await using (writer.ConfigureAwait(false))
        {
            Stream stream = read.OpenStream();
            await using (stream.ConfigureAwait(false)) await writer.WriteFromAsync(stream, cancellationToken).ConfigureAwait(false);
            bool isPublished = await PublishAsync(info, generation, stamp, async () =>
            {
                await writer.CommitAsync(null, CancellationToken.None).ConfigureAwait(false);
                target.NoteCopy(info, isFill: false);
            }).ConfigureAwait(false);
            return new CopyMade(isPublished ? MoveStatus.Moved : MoveStatus.Overtaken, info.Length);
        }
    }

    private ValueTask<bool> PublishAsync(BlobInfo info, long generation, TrustStamp stamp, Func<ValueTask> commit) =>
        parts.Fences.TryPublishAsync(info.Key, generation, async () =>
        {
            await commit().ConfigureAwait(false);
            parts.Trust.Confirm(info, stamp);
        });

    /// <summary>A copy that is the origin's write; null if the tier has none or does not answer, after one that is not was dropped.</summary>
    private async ValueTask<(BlobReadResult? Copy, TrustStamp Stamp)> ReadCopyAsync(BlobKey key, UpperTier tier, long generation, CancellationToken cancellationToken)
    {
        BlobReadResult? copy;
        try
        {
            copy = await tier.ReadAsync(key, null, cancellationToken).ConfigureAwait(false);
            tier.NoteAnswer();
        }
        catch (StorageException e) when (e.Kind != StorageErrorKind.Closed)
        {
            tier.NoteError(e, "read", key);
            return default;
        }

        if (copy is null) return default;
        bool isGood = false;
        try
        {
            isGood = IsTrusted(tier, copy.Info, out TrustStamp stamp);
            if (!isGood) isGood = await parts.Origin.StatAsync(key, cancellationToken).ConfigureAwait(false) is { } current && current.IsSameWriteAs(copy.Info);
            if (!isGood) await parts.Fences.TryPublishAsync(key, generation, () => tier.RepairAsync(copy.Info)).ConfigureAwait(false);
            return isGood ? (copy, stamp) : default;
        }
        finally
        {
            if (!isGood) await copy.DisposeAsync().ConfigureAwait(false);
        }
    }

    private bool IsTrusted(UpperTier tier, BlobInfo copy, out TrustStamp stamp)
    {
        if (parts.Trust.Covers(copy, out stamp)) return true;
        stamp = parts.Trust.Now();
        return parts.IsServedUnasked(tier);
    }
}
