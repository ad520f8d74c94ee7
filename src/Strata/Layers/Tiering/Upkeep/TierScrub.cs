using System.Buffers;

namespace Strata;

/// <summary>
/// Compares every copy with the origin, key by key over the listings side by side. What looks wrong is looked at once more under the key's
/// fence, where nobody writes it, and only then dropped or written.
/// </summary>
internal sealed class TierScrub(UpkeepParts parts, ScrubOptions options, IProgress<UpkeepProgress>? progress)
{
    private const int ProgressKeys = 256;
    private readonly ScrubTally _tally = new();
    private readonly CopyMaking _copies = new(parts);
    private readonly ByteThrottle _throttle = new(parts.Clock, options.BytesPerSecond);

    public async ValueTask<ScrubReport> RunAsync(CancellationToken cancellationToken)
    {
        List<TierCounters> sources = [.. parts.Upper];
        if (options.ReadOrigin) sources.Add(parts.Origin);
        var walk = new TierWalk(sources, NoteUnlisted);
        await foreach (WalkedKey at in walk.WalkAsync(options.Prefix, options.After, cancellationToken).ConfigureAwait(false))
        {
            if (_tally.Keys == options.MaxKeys)
            {
                progress?.Report(_tally.Progress);
                return _tally.ToReport(_tally.Last);
            }

            await CheckAsync(at, cancellationToken).ConfigureAwait(false);
            _tally.Keys++;
            _tally.Last = at.Key.Value;
            if (_tally.Keys % ProgressKeys == 0) progress?.Report(_tally.Progress);
        }

        progress?.Report(_tally.Progress);
        return _tally.ToReport(after: null);
    }

    private bool NoteUnlisted(int source, Exception e)
    {
        if (source >= parts.Upper.Count) return false;
        parts.Upper[source].NoteError(e, "list", default);
        _tally.Note(null, parts.Upper[source].Name, ScrubFault.Unreadable, ScrubRemedy.None, e.Message);
        return true;
    }

    private async ValueTask CheckAsync(WalkedKey at, CancellationToken cancellationToken)
    {
        if (parts.Doubts.Find(at.Key) is not null)
        {
            _tally.InDoubt++;
            return;
        }

        if (await LookAtOriginAsync(at.Key, cancellationToken).ConfigureAwait(false) is not (true, var current)) return;
        for (int i = 0; i < parts.Upper.Count; i++)
        {
            if (at.Held[i] is not { } copy) continue;
            _tally.Copies++;
            UpperTier tier = parts.Upper[i];
            bool isTheWrite = current?.IsSameWriteAs(copy) == true;
            if (isTheWrite && !options.ReadBytes) continue;
            if (!tier.Admits()) _tally.Note(at.Key, tier.Name, ScrubFault.Unreadable, ScrubRemedy.None, tier.PassedBy("scrub", at.Key).Message);
            else if (isTheWrite) await ReadCopyAsync(tier, current!, cancellationToken).ConfigureAwait(false);
            else await MendAsync(tier, at.Key, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <returns>What the origin holds; not ok if it is damaged, and no copy may be judged by it.</returns>
    private async ValueTask<(bool IsOk, BlobInfo? Current)> LookAtOriginAsync(BlobKey key, CancellationToken cancellationToken)
    {
        try
        {
            BlobInfo? current = await parts.Origin.StatAsync(key, cancellationToken).ConfigureAwait(false);
            if (current is not null && options.ReadOrigin && await FaultOfAsync(parts.Origin, current, cancellationToken).ConfigureAwait(false) is { } fault)
            {
                await RepairOriginAsync(key, fault, current, cancellationToken).ConfigureAwait(false);
                return default;
            }

            return (true, current);
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.Corrupt)
        {
            await RepairOriginAsync(key, e.Message, null, cancellationToken).ConfigureAwait(false);
            return default;
        }
    }

    private async ValueTask ReadCopyAsync(UpperTier tier, BlobInfo current, CancellationToken cancellationToken)
    {
        try
        {
            string? fault = await FaultOfAsync(tier, current, cancellationToken).ConfigureAwait(false);
            tier.NoteAnswer();
            if (fault is not null) await MendAsync(tier, current.Key, cancellationToken, fault, current).ConfigureAwait(false);
        }
        catch (StorageException e) when (e.Kind != StorageErrorKind.Closed)
        {
            tier.NoteError(e, "scrub", current.Key);
            _tally.Note(current.Key, tier.Name, ScrubFault.Unreadable, ScrubRemedy.None, e.Message);
        }
    }

    /// <summary>What is wrong with the bytes that a tier has of a write; null if nothing is, or it holds another write by now.</summary>
    private async ValueTask<string?> FaultOfAsync(TierCounters tier, BlobInfo write, CancellationToken cancellationToken)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(128 * 1024);
        try
        {
            BlobReadResult? result = await tier.ReadAsync(write.Key, new ReadOptions { IfMatch = write.ETag }, cancellationToken).ConfigureAwait(false);
            if (result is null) return null;
            await using (result.ConfigureAwait(false))
            {
                if (result.Status != BlobReadStatus.Found || !result.Info.IsSameWriteAs(write)) return null;
                var checksum = default(Crc32C);
                long length = 0;
                Stream stream = result.OpenStream();
                await using (stream.ConfigureAwait(false))
                {
                    int read;
                    while ((read = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
                    {
                        checksum.Append(buffer.AsSpan(0, read));
                        length += read;
                        _tally.Bytes += read;
                        await _throttle.SpendAsync(read, cancellationToken).ConfigureAwait(false);
                    }
                }

                if (length != write.Length) return $"It has {length} bytes and not {write.Length}.";
                return write.Checksum is { } expected && expected != checksum.Value ? $"Its CRC-32C is {checksum.Value:x8} and not {expected:x8}." : null;
            }
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.Corrupt)
        {
            return e.Message;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Drops a copy that is not the origin's write, or whose bytes are damaged, if that is still so; then makes it again.</summary>
    /// <param name="tier">Where the copy is.</param>
    /// <param name="key">The blob.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <param name="damage">What is wrong with its bytes; null: it seems to be another write.</param>
    /// <param name="damaged">The write whose bytes they are.</param>
    private async ValueTask MendAsync(UpperTier tier, BlobKey key, CancellationToken cancellationToken, string? damage = null, BlobInfo? damaged = null)
    {
        ScrubFault fault;
        bool isDropped = false, isThere;
        using (Fences.Fence fence = await parts.Fences.RaiseAsync(key, cancellationToken).ConfigureAwait(false))
        {
            if (parts.Doubts.Find(key) is not null) return;
            BlobInfo? current = await parts.Origin.StatAsync(key, cancellationToken).ConfigureAwait(false);
            (bool isKnown, BlobInfo? copy) = await StatCopyAsync(tier, key, cancellationToken).ConfigureAwait(false);
            isThere = current is not null;
            if (isKnown && (copy is null || (damage is null ? current?.IsSameWriteAs(copy) == true : !copy.IsSameWriteAs(damaged!)))) return;
            fault = !isKnown || damage is not null ? ScrubFault.DamagedCopy : isThere ? ScrubFault.Stale : ScrubFault.Orphan;
            damage ??= copy is null ? "Its record cannot be read." : current is null ? $"The origin holds no such blob; the copy is of {copy.Version}." : $"The origin holds {current.Version} {current.ETag}, the copy is {copy.Version} {copy.ETag}.";
            if (!options.DryRun)
            {
                isDropped = await tier.DropAsync(key).ConfigureAwait(false);
                if (!isDropped && parts.IsServedUnasked(tier)) fence.InDoubt = true;
                if (isDropped) NoteDropped(tier, key, copy?.Length ?? 0);
            }
        }

        ScrubRemedy remedy = !isDropped ? ScrubRemedy.None
            : isThere && options.Remake && await RemakeAsync(tier, key, cancellationToken).ConfigureAwait(false) ? ScrubRemedy.Remade
            : ScrubRemedy.Dropped;
        _tally.Note(key, tier.Name, fault, remedy, damage);
    }

    private void NoteDropped(UpperTier tier, BlobKey key, long length)
    {
        tier.Repairs.Increment();
        parts.Events.Add(TierEventKind.Repaired, tier.Name, key, length);
    }

    /// <returns>Not known if the copy's record is damaged; none also where the tier does not answer, which is noted.</returns>
    private async ValueTask<(bool IsKnown, BlobInfo? Copy)> StatCopyAsync(UpperTier tier, BlobKey key, CancellationToken cancellationToken)
    {
        try
        {
            BlobInfo? copy = await tier.StatAsync(key, cancellationToken).ConfigureAwait(false);
            tier.NoteAnswer();
            return (true, copy);
        }
        catch (StorageException e)
        {
            tier.NoteError(e, "stat", key);
            if (e.Kind == StorageErrorKind.Corrupt) return default;
            _tally.Note(key, tier.Name, ScrubFault.Unreadable, ScrubRemedy.None, e.Message);
            return (true, null);
        }
    }

    private async ValueTask<bool> RemakeAsync(UpperTier tier, BlobKey key, CancellationToken cancellationToken)
    {
        try
        {
            return (await _copies.MakeAsync(key, tier, null, cancellationToken).ConfigureAwait(false)).Status == MoveStatus.Moved;
        }
        catch (StorageException e)
        {
            tier.NoteError(e, "copy", key);
            return false;
        }
    }

    /// <summary>
    /// Writes a damaged blob of the origin again, as the very same write, from the first copy that is that write and whose bytes have its
    /// checksum: the origin verifies them before it takes them. Which write it is, its record says; where that is damaged too, what this
    /// store was told of it in this trust epoch does, if nobody else writes there.
    /// </summary>
    private async ValueTask RepairOriginAsync(BlobKey key, string detail, BlobInfo? damaged, CancellationToken cancellationToken)
    {
        using Fences.Fence fence = await parts.Fences.RaiseAsync(key, cancellationToken).ConfigureAwait(false);
        BlobInfo? record = await OriginRecordAsync(key, cancellationToken).ConfigureAwait(false);
        if (parts.Doubts.Find(key) is not null || (damaged is not null && record?.IsSameWriteAs(damaged) != true)) return;
        ScrubRemedy remedy = ScrubRemedy.None;
        foreach (UpperTier tier in options.DryRun ? [] : parts.Upper.Where(tier => tier.Admits()))
        {
            try
            {
                if (!await RewriteAsync(fence, record, tier, cancellationToken).ConfigureAwait(false)) continue;
                remedy = ScrubRemedy.Repaired;
                detail = $"{detail} Written again from tier '{tier.Name}'.";
                break;
            }
            catch (StorageException e) when (e.Outcome == WriteOutcome.NotApplied)
            {
                tier.NoteError(e, "repair", key);
            }
        }

        _tally.Note(key, parts.Origin.Name, ScrubFault.DamagedOrigin, remedy, detail);
    }

    private async ValueTask<bool> RewriteAsync(Fences.Fence fence, BlobInfo? record, UpperTier tier, CancellationToken cancellationToken)
    {
        BlobReadResult? copy = await tier.ReadAsync(fence.Key, null, cancellationToken).ConfigureAwait(false);
        tier.NoteAnswer();
        if (copy is null) return false;
        await using (copy.ConfigureAwait(false))
        {
            bool isTheWrite = record is not null ? record.IsSameWriteAs(copy.Info) && record.Checksum == copy.Info.Checksum
                : parts.Origin.Store.Capabilities.IsSingleWriter && parts.Trust.Covers(copy.Info, out _);
            if (!isTheWrite || copy.Info.Checksum is null) return false;
            bool isGuarded = record is not null && parts.Origin.Store.Capabilities.Conditions.HasFlag(WriteConditionKind.IfMatch);
            var write = new WriteOptions { AsCopyOf = copy.Info with { Tier = null }, Condition = isGuarded ? WriteCondition.IfMatch(record!.ETag) : WriteCondition.None };
            WriteResult result = await parts.AtOrigin(fence, () => parts.Origin.Store.WriteAsync(fence.Key, BlobContent.From(copy), write, cancellationToken)).ConfigureAwait(false);
            return result.IsWritten;
        }
    }

    /// <summary>What the origin says of the blob; null where its record is damaged.</summary>
    private async ValueTask<BlobInfo?> OriginRecordAsync(BlobKey key, CancellationToken cancellationToken)
    {
        try
        {
            return await parts.Origin.StatAsync(key, cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.Corrupt)
        {
            return null;
        }
    }
}
