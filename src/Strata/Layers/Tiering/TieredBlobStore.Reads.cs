using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;

namespace Strata;

/// <content>Reads: the fastest trusted copy, and what a read leaves behind.</content>
public sealed partial class TieredBlobStore
{
    /// <inheritdoc/>
    public bool TryRead(BlobKey key, [NotNullWhen(true)] out BlobReadResult? hit)
    {
        if (_lapses) _trust.Prefetch(key);
        if (_shared is { } shared && !_fences.IsFenced(key) && shared.TryRead(key, out hit) && (!_lapses || _trust.IsFresh(key, hit)))
        {
            // Which is also what counts the first tier's hits.
            _tracker!.RecordAccess(key);
            return true;
        }

        hit = null;
        return false;
    }

    /// <inheritdoc/>
    public ValueTask<BlobReadResult?> ReadAsync(BlobKey key, ReadOptions? options = null, CancellationToken cancellationToken = default) =>
        options is null && !cancellationToken.IsCancellationRequested && TryRead(key, out BlobReadResult? hit)
            ? new(hit)
            : NotedAsync(key, ReadSlowAsync(key, options, cancellationToken));

    private async ValueTask<BlobReadResult?> ReadSlowAsync(BlobKey key, ReadOptions? options, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = Enter(key, "read", cancellationToken);
        if (_fences.IsInDoubt(key) && await RemainsInDoubtAsync(key, cancellationToken).ConfigureAwait(false))
            return Counted(await ReadInDoubtAsync(key, options, cancellationToken).ConfigureAwait(false), _clock.GetTimestamp());
        long generation = _fences.Generation(key);
        if (options?.Consistency != ReadConsistency.Origin && !_fences.IsFenced(key))
        {
            StorageException? outage = null;
            for (int i = 0; i < _upper.Length; i++)
            {
                (bool isAnswered, BlobReadResult? answer, outage) = await ReadUpperAsync(i, key, options, generation, outage, cancellationToken).ConfigureAwait(false);
                if (isAnswered) return answer;
            }

            // The origin was asked already, and no tier has a copy that may stand in for it.
            if (outage is not null) ExceptionDispatchInfo.Throw(outage);
        }

        long started = _clock.GetTimestamp();
        return Counted(await ReadOriginAsync(key, options, generation, cancellationToken).ConfigureAwait(false), started);
    }

    /// <summary>Counts what the origin answered.</summary>
    private BlobReadResult? Counted(BlobReadResult? read, long started)
    {
        if (read is null) _misses.Increment();
        else _origin.NoteHit(started, read.Length);
        return read;
    }

    /// <param name="index">The tier's.</param>
    /// <param name="key">The blob.</param>
    /// <param name="options">How it is read.</param>
    /// <param name="generation">Its generation.</param>
    /// <param name="outage">Why the origin need not be asked: this read has done so in vain.</param>
    /// <param name="cancellationToken">Gives up.</param>
    private async ValueTask<(bool IsAnswered, BlobReadResult? Answer, StorageException? Outage)> ReadUpperAsync(
        int index, BlobKey key, ReadOptions? options, long generation, StorageException? outage, CancellationToken cancellationToken)
    {
        UpperTier tier = _upper[index];
        if (!tier.Admits()) return (false, null, outage);
        long started = _clock.GetTimestamp();
        BlobReadResult? read;
        try
        {
            read = await tier.ReadSoonAsync(key, options, cancellationToken).ConfigureAwait(false);
            tier.NoteAnswer();
        }
        catch (StorageException e)
        {
            tier.NoteError(e, "read", key);
            if (e.Kind == StorageErrorKind.Corrupt) await RepairAsync(tier, key, generation, 0).ConfigureAwait(false);
            return (false, null, outage);
        }

        if (read is null)
        {
            tier.NoteMiss();
            return (false, null, outage);
        }

        Verdict verdict = default;
        try
        {
            verdict = await JudgeAsync(tier, read.Info, isWhole: options is null, generation, outage, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            // Also where the origin could not be asked: the result holds a file open.
            if (!verdict.MayServe) await read.DisposeAsync().ConfigureAwait(false);
        }

        if (!verdict.MayServe)
        {
            tier.NoteMiss();
            return verdict.IsAnswered ? (true, Counted(verdict.Answer, started), null) : (false, null, verdict.Outage);
        }

        tier.NoteHit(started, read.Length);
        if (verdict.IsFresh)
        {
            if (_lapses && index == 0 && options is null && tier.Shared is not null) _trust.Remember(key, read, verdict.Stamp);
            if (read.Status == BlobReadStatus.Found) Promote(read.Info, generation, verdict.Stamp, null, tier, index);
        }

        BlobReadResult served = read.TryGetSequence(out _) ? read : new FailoverResult(read, _origin, e => FailedMidwayAsync(tier, read.Info, generation, e));
        return (true, verdict.StaleSince is { } since ? new StaleResult(served, since) : served, null);
    }

    /// <summary>
    /// Whether an upper copy may be served. What a memory tier holds may, as it came empty and nobody else writes; any
    /// other copy once the origin has said so in this epoch, and not too long ago; and where that was chosen, one past its
    /// freshness, while the origin is asked in the background or if it cannot be reached.
    /// </summary>
    private async ValueTask<Verdict> JudgeAsync(UpperTier tier, BlobInfo copy, bool isWhole, long generation, StorageException? outage, CancellationToken cancellationToken)
    {
        if (tier.Shared is not null && !_lapses) return Verdict.Fresh(_trust.Now());
        if (_trust.Covers(copy, out TrustStamp stamp)) return Verdict.Fresh(stamp);
        if (_staleness is null) return await CompareAsync(tier, copy, isWhole, generation, cancellationToken).ConfigureAwait(false);
        if (TryRevalidate(tier, copy, generation)) return Verdict.Lapsed(null);
        if (outage is not null || _staleness.IsHeldOff(copy.Key))
        {
            if (Safe(tier, copy, outage) is { } safe) return safe;
            if (outage is not null) return new Verdict { Outage = outage };
        }

        try
        {
            return await CompareInTimeAsync(tier, copy, isWhole, generation, cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException e) when (_staleness.IsFailSafe && Outage.Is(e))
        {
            _staleness.HoldOff(copy.Key);
            if (Safe(tier, copy, e) is not { } safe) return new Verdict { Outage = e };
            tier.NoteStale(copy);
            return safe;
        }
    }

    /// <summary>
    /// Asks the origin whether the copy is its write, once for all readers: for a whole blob by a conditional read, so that a
    /// changed one comes with the same answer. A copy that is not goes.
    /// </summary>
    private async ValueTask<Verdict> CompareAsync(UpperTier tier, BlobInfo copy, bool isWhole, long generation, CancellationToken cancellationToken)
    {
        string purpose = isWhole ? $"unless {copy.ETag}" : "stat";
        BlobReadResult? current = await SharedAsync(copy.Key, generation, purpose, token => AskAsync(copy, isWhole, generation, token), cancellationToken).ConfigureAwait(false);
        if (current is { Status: BlobReadStatus.NotModified } && current.Info.IsSameWriteAs(copy))
        {
            _trust.Covers(copy, out TrustStamp stamp);
            return Verdict.Fresh(stamp);
        }

        await _fences.TryPublishAsync(copy.Key, generation, () => tier.RepairAsync(copy)).ConfigureAwait(false);
        return current is { Status: BlobReadStatus.NotModified } ? default : new Verdict { IsAnswered = isWhole || current is null, Answer = current };
    }

    private ValueTask<BlobReadResult?> AskAsync(BlobInfo copy, bool isWhole, long generation, CancellationToken cancellationToken)
    {
        // Others may have asked between this reader's look and its turn.
        if (_trust.Covers(copy, out _)) return new(BlobReadResult.WithoutBytes(BlobReadStatus.NotModified, copy, _origin.Name));
        return isWhole ? LoadAsync(copy.Key, generation, copy.ETag, cancellationToken) : LookAsync(copy.Key, generation, cancellationToken);
    }

    /// <summary>Looks at the origin, and notes what it holds.</summary>
    private async ValueTask<BlobReadResult?> LookAsync(BlobKey key, long generation, CancellationToken cancellationToken)
    {
        TrustStamp stamp = _trust.Now();
        BlobInfo? current = await _origin.StatAsync(key, cancellationToken).ConfigureAwait(false);
        await NoteSeenAsync(key, current, generation, stamp).ConfigureAwait(false);
        if (current is null) return null;
        await ConfirmAsync(current, generation, stamp).ConfigureAwait(false);
        return BlobReadResult.WithoutBytes(BlobReadStatus.NotModified, current, _origin.Name);
    }

    private async ValueTask ConfirmAsync(BlobInfo current, long generation, TrustStamp stamp) =>
        await _fences.TryPublishAsync(current.Key, generation, () =>
        {
            _trust.Confirm(current, stamp);
            return default;
        }).ConfigureAwait(false);

    private ValueTask<BlobReadResult?> SharedAsync(BlobKey key, long generation, string purpose, Func<CancellationToken, ValueTask<BlobReadResult?>> read, CancellationToken cancellationToken) =>
        _loads.ReadAsync(key, generation, purpose, _trust.OldestLoad, read, cancellationToken);

    private async ValueTask FailedMidwayAsync(UpperTier tier, BlobInfo copy, long generation, Exception e)
    {
        tier.NoteError(e, "read", copy.Key);

        // One that took too long is as good as it was.
        if (e is StorageException { Kind: StorageErrorKind.Timeout }) return;
        await RepairAsync(tier, copy.Key, generation, copy.Length).ConfigureAwait(false);
    }

    /// <summary>Drops a bad copy, unless a write has passed, which has dropped or replaced it by itself.</summary>
    private async ValueTask RepairAsync(UpperTier tier, BlobKey key, long generation, long length) =>
        await _fences.TryPublishAsync(key, generation, () => tier.RepairAsync(key, length)).ConfigureAwait(false);

    private async ValueTask<BlobReadResult?> ReadOriginAsync(BlobKey key, ReadOptions? options, long generation, CancellationToken cancellationToken)
    {
        // While the key is being written, a load that began before the commit is older than what others may have seen.
        if (options is null && _fences.IsFenced(key)) return await LoadAsync(key, generation, null, cancellationToken).ConfigureAwait(false);
        if (options is not null)
        {
            TrustStamp stamp = _trust.Now();
            BlobReadResult? read = await _origin.ReadAsync(key, options, cancellationToken).ConfigureAwait(false);
            await NoteSeenAsync(key, read?.Info, generation, stamp).ConfigureAwait(false);
            if (read?.Status == BlobReadStatus.Found && options.Consistency != ReadConsistency.Origin) Promote(read.Info, generation, stamp, null, _origin, _upper.Length);
            return read;
        }

        return await SharedAsync(key, generation, "read", token => LoadAsync(key, generation, null, token), cancellationToken).ConfigureAwait(false);
    }

    /// <param name="key">The blob.</param>
    /// <param name="generation">Its generation.</param>
    /// <param name="unless">The ETag of a copy that need not be loaded if the origin still has it; null loads in any case.</param>
    /// <param name="cancellationToken">Ends the load.</param>
    private async ValueTask<BlobReadResult?> LoadAsync(BlobKey key, long generation, string? unless, CancellationToken cancellationToken)
    {
        TrustStamp stamp = _trust.Now();
        BlobReadResult? read = await _origin.ReadAsync(key, unless is null ? null : new ReadOptions { IfNoneMatch = unless }, cancellationToken).ConfigureAwait(false);
        await NoteSeenAsync(key, read?.Info, generation, stamp).ConfigureAwait(false);
        if (read is null) return null;
        if (read.Status != BlobReadStatus.Found)
        {
            await ConfirmAsync(read.Info, generation, stamp).ConfigureAwait(false);
            return read;
        }

        if (read.Length > _options.MaxSharedLoadBytes)
        {
            Promote(read.Info, generation, stamp, null, _origin, _upper.Length);
            return read;
        }

        await using (read.ConfigureAwait(false))
        {
            var loaded = new LoadedBlob(read.Info, await read.ToArrayAsync(cancellationToken).ConfigureAwait(false), _origin.Name);
            Promote(loaded.Info, generation, stamp, loaded.Bytes, _origin, _upper.Length);
            return loaded;
        }
    }

    /// <summary>Queues copies into the tiers above <paramref name="below"/> that take a blob of this length.</summary>
    private void Promote(BlobInfo info, long generation, TrustStamp stamp, byte[]? bytes, TierCounters source, int below)
    {
        if (below == 0 || !_guide.PromotesOnRead(info.Key, _tracker)) return;
        int fastest = _guide.HottestOf(info.Key);
        UpperTier[] targets = [.. _upper.Take(below).Skip(fastest).Where(tier => tier.Takes(info.Length))];
        _promotions.Enqueue(info with { Tier = null }, generation, stamp, bytes, source, targets, isFill: false);
    }

    /// <summary>Drops the fenced key's copies that are not what the origin holds.</summary>
    /// <returns>False if one that would be served may still be there.</returns>
    private async ValueTask<bool> KeepOnlyAsync(BlobKey key, BlobInfo? current)
    {
        bool isClean = true;
        foreach (UpperTier tier in _upper)
        {
            try
            {
                BlobInfo? copy = await tier.StatAsync(key, CancellationToken.None).ConfigureAwait(false);
                if (copy is not null && current?.IsSameWriteAs(copy) != true) isClean &= await DropAsync(tier, key).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                tier.NoteError(e, "stat", key);
                isClean &= await DropAsync(tier, key).ConfigureAwait(false);
            }
        }

        return isClean;
    }

    /// <summary>What became of a copy.</summary>
    private readonly record struct Verdict
    {
        /// <summary>The copy may be served.</summary>
        public bool MayServe { get; private init; }

        /// <summary>It is the origin's, as far as anybody may rely on that.</summary>
        public bool IsFresh { get; private init; }

        /// <summary>If so, how long.</summary>
        public TrustStamp Stamp { get; private init; }

        /// <summary>When it was confirmed, if it is served because the origin is out.</summary>
        public DateTimeOffset? StaleSince { get; private init; }

        /// <summary>If it may not, whether the origin's answer came with the question.</summary>
        public bool IsAnswered { get; init; }

        /// <summary>That answer; null: the blob is missing.</summary>
        public BlobReadResult? Answer { get; init; }

        /// <summary>Or why there is none.</summary>
        public StorageException? Outage { get; init; }

        public static Verdict Fresh(TrustStamp stamp) => new() { MayServe = true, IsFresh = true, Stamp = stamp };

        public static Verdict Lapsed(DateTimeOffset? staleSince) => new() { MayServe = true, StaleSince = staleSince };
    }
}
