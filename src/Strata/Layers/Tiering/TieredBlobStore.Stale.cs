namespace Strata;

/// <content>Copies past their freshness: confirmed in the background, or served because the origin is out. Neither is ever older than what this store wrote, deleted or saw.</content>
public sealed partial class TieredBlobStore
{
    /// <summary>Hung loads that readers no longer wait for; where there are so many, nobody begins one more while he has a copy.</summary>
    private const int MostAbandonedLoads = 64;

    /// <summary>Whether the copy may be served because the origin is asked in the background; sees to it that it is.</summary>
    private bool TryRevalidate(UpperTier tier, BlobInfo copy, long generation)
    {
        if (_staleness?.IsRevalidated(copy) != true) return false;
        if (!_staleness.IsHeldOff(copy.Key)) _revalidations.Begin(copy.Key, token => RevalidateAsync(tier, copy, generation, token));
        return true;
    }

    /// <summary>Confirms the copy, or replaces it. A write, delete or doubt that comes between wins: what is found is published under the generation of the read.</summary>
    private async Task RevalidateAsync(UpperTier tier, BlobInfo copy, long generation, CancellationToken cancellationToken)
    {
        try
        {
            using OperationGate.Pass pass = _gate.Enter("revalidate");

            // Off the reader's path.
            await Task.Yield();

            // The payload is asked for where it is kept if it has changed.
            bool isWhole = _options.Policy.PromoteOnRead && copy.Length <= _options.MaxSharedLoadBytes;
            Verdict verdict = await CompareAsync(tier, copy, isWhole, generation, cancellationToken).ConfigureAwait(false);
            if (verdict.Answer is { } answer) await answer.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            if (cancellationToken.IsCancellationRequested) return;
            _origin.NoteError(e, "revalidate", copy.Key);
            _staleness!.HoldOff(copy.Key);
        }
    }

    /// <summary>A verdict that serves the copy because the origin is out; null if it must not be.</summary>
    private Verdict? Safe(UpperTier tier, BlobInfo copy, StorageException? cause)
    {
        if (!_staleness!.IsSafe(copy, out DateTimeOffset since)) return null;
        _staleness.NoteServed(tier, copy.Key, cause);
        return Verdict.Lapsed(since);
    }

    /// <summary>As <see cref="CompareAsync"/>; where the copy can stand in, no longer than the origin's soft time-out: then the load goes on without this reader.</summary>
    private async ValueTask<Verdict> CompareInTimeAsync(UpperTier tier, BlobInfo copy, bool isWhole, long generation, CancellationToken cancellationToken)
    {
        if (!_staleness!.IsSafe(copy, out _)) return await CompareAsync(tier, copy, isWhole, generation, cancellationToken).ConfigureAwait(false);
        if (_loads.Abandoned >= MostAbandonedLoads) throw Hung(copy.Key);
        if (_origin.SoftTimeout is not { } limit) return await CompareAsync(tier, copy, isWhole, generation, cancellationToken).ConfigureAwait(false);
        return await _origin.RunAsync(limit, copy.Key, token => CompareAsync(tier, copy, isWhole, generation, token), DisposeLateAsync, cancellationToken).ConfigureAwait(false);

        static ValueTask DisposeLateAsync(Task<Verdict> late) => late is { IsCompletedSuccessfully: true, Result.Answer: { } answer } ? answer.DisposeAsync() : default;
    }

    private StorageException Hung(BlobKey key) => new(StorageErrorKind.Timeout, $"{MostAbandonedLoads} reads of tier '{_origin.Name}' do not end.")
    {
        Operation = "read", Key = key, Store = _origin.Name, IsTransient = true,
    };

    /// <summary>
    /// The origin has answered: it may be asked again, and if it holds another write than the known one, or none, no copy of that is
    /// served any more, past its freshness or not.
    /// </summary>
    private async ValueTask NoteSeenAsync(BlobKey key, BlobInfo? seen, long generation, TrustStamp stamp)
    {
        if (!_lapses) return;
        _staleness?.Lift(key);
        if (!_trust.IsOther(key, seen)) return;
        bool isNoted = await _fences.TryPublishAsync(key, generation, () =>
        {
            _trust.Replace(key, seen, stamp);
            return default;
        }).ConfigureAwait(false);

        // Somebody writes, a key of the same stripe perhaps: then nothing is known, which is never wrong.
        if (!isNoted) _trust.Forget(key);
    }

    private async ValueTask<BlobInfo?> StatOriginAsync(BlobKey key, CancellationToken cancellationToken)
    {
        long generation = _fences.Generation(key);
        bool mayStandIn = _staleness is { IsFailSafe: true } && !_fences.IsFenced(key);
        if (mayStandIn && _staleness!.IsHeldOff(key) && await FindSafeAsync(key, cancellationToken).ConfigureAwait(false) is { } held) return held;
        try
        {
            TrustStamp stamp = _trust.Now();
            BlobInfo? info = mayStandIn && _origin.SoftTimeout is { } limit && await FindSafeAsync(key, cancellationToken).ConfigureAwait(false) is not null
                ? await _origin.RunAsync(limit, key, token => _origin.StatAsync(key, token), null, cancellationToken).ConfigureAwait(false)
                : await _origin.StatAsync(key, cancellationToken).ConfigureAwait(false);
            await NoteSeenAsync(key, info, generation, stamp).ConfigureAwait(false);
            return info is null ? null : Described(info, TierOf(info));
        }
        catch (StorageException e) when (mayStandIn && Outage.Is(e))
        {
            _staleness!.HoldOff(key);
            if (await FindSafeAsync(key, cancellationToken).ConfigureAwait(false) is { } copy) return copy;
            throw;
        }
    }

    /// <summary>What a tier above knows of the blob, where it may stand in for the origin.</summary>
    private async ValueTask<BlobInfo?> FindSafeAsync(BlobKey key, CancellationToken cancellationToken)
    {
        foreach (UpperTier tier in _upper)
        {
            if (!tier.Admits()) continue;
            try
            {
                BlobInfo? copy = await tier.StatAsync(key, cancellationToken).ConfigureAwait(false);
                if (copy is null || !_staleness!.IsSafe(copy, out DateTimeOffset since)) continue;
                return Described(copy, tier.Name) with { StaleSince = since };
            }
            catch (StorageException e)
            {
                tier.NoteError(e, "stat", key);
            }
        }

        return null;
    }
}
