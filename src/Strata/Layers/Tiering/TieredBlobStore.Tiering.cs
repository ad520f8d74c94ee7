namespace Strata;

/// <content>Tiering: what is noted of use, what that and a person say of where a blob belongs, and the reads of a single tier.</content>
public sealed partial class TieredBlobStore
{
    private readonly StripedCounter _writes = new();
    private readonly TierMap _map;
    private readonly TierPins _pins;
    private readonly PlacementGuide _guide;
    private readonly TierPlacer _placer;
    private readonly KeptAccesses _accesses;
    private readonly Tiering _tiering;

    /// <summary>Notes use; null in a store of one tier, where it would decide nothing.</summary>
    private readonly AccessTracker? _tracker;

    /// <summary>Where data belongs, and what takes it there: the facet <see cref="ITiering"/>.</summary>
    public ITiering Tiering => _tiering;

    /// <summary>Writes and deletes since the store was opened.</summary>
    internal long Writes => _writes.Value;

    /// <summary>The tracker; it is empty in a store of one tier.</summary>
    internal AccessTracker Tracker => _accesses.Tracker;

    /// <summary>The tracker with its rows.</summary>
    internal KeptAccesses Accesses => _accesses;

    /// <summary>A tier's copy of a blob, if it is the current write; else null. In a pass of the gate.</summary>
    internal async ValueTask<BlobInfo?> StatInTierAsync(int tier, BlobKey key, CancellationToken cancellationToken)
    {
        long generation = _fences.Generation(key);
        if (_fences.IsFenced(key)) return null;
        BlobInfo? copy = await _upper[tier].StatAsync(key, cancellationToken).ConfigureAwait(false);
        return copy is not null && await IsCurrentAsync(_upper[tier], copy, generation, cancellationToken).ConfigureAwait(false) ? copy : null;
    }

    /// <summary>The same with its bytes.</summary>
    internal async ValueTask<BlobReadResult?> ReadInTierAsync(int tier, BlobKey key, ReadOptions? options, CancellationToken cancellationToken)
    {
        long generation = _fences.Generation(key);
        if (_fences.IsFenced(key)) return null;
        if (await _upper[tier].ReadAsync(key, options, cancellationToken).ConfigureAwait(false) is not { } read) return null;
        bool isTrusted = false;
        try
        {
            isTrusted = await IsCurrentAsync(_upper[tier], read.Info, generation, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            if (!isTrusted) await read.DisposeAsync().ConfigureAwait(false);
        }

        if (!isTrusted) return null;
        _tracker?.RecordWrite(key);
        return read;
    }

    private async ValueTask<bool> IsCurrentAsync(UpperTier tier, BlobInfo copy, long generation, CancellationToken cancellationToken) =>
        (tier.Shared is not null && !_lapses) || _trust.Covers(copy, out _) || (await CompareAsync(tier, copy, isWhole: false, generation, cancellationToken).ConfigureAwait(false)).IsFresh;

    /// <summary>The options for the origin, which knows its own tiers alone, and when the blob expires if nothing else is said.</summary>
    internal WriteOptions ForOrigin(BlobKey key, WriteOptions? options)
    {
        options ??= new WriteOptions();
        if (options.Expires is null && options.AsCopyOf is null && _options.TimeToLiveOf(key) is { } live) options = options with { Expires = _clock.GetUtcNow() + live };
        if (_map.Lower is null) return options with { Tier = null, SkipTiers = null, OnlyTiers = null };
        return options with
        {
            Tier = options.Tier is { } tier && _map.IndexOf(tier) >= _upper.Length ? tier : null,
            SkipTiers = Lower(options.SkipTiers),
            OnlyTiers = Lower(options.OnlyTiers),
        };

        string[]? Lower(IReadOnlyCollection<string>? named) => named?.Where(name => _map.IndexOf(name) >= _upper.Length).ToArray() is { Length: > 0 } lower ? lower : null;
    }

    /// <summary>A read that was not a hit in memory, noted when it has found its blob.</summary>
    private async ValueTask<BlobReadResult?> NotedAsync(BlobKey key, ValueTask<BlobReadResult?> reading)
    {
        BlobReadResult? read = await reading.ConfigureAwait(false);

        // Never dropped, as one in memory may be: what follows it, a copy above, is to come up when it is due.
        if (read?.Status == BlobReadStatus.Found) _tracker?.RecordWrite(key);
        return read;
    }

    private void NoteWritten(BlobKey key)
    {
        _writes.Increment();
        _tracker?.RecordWrite(key);
    }

    private void NoteDeleted(BlobKey key)
    {
        _writes.Increment();
        _tracker?.Forget(key);
    }

    /// <summary>A blob as a stat tells of it, with its use.</summary>
    private BlobInfo Described(BlobInfo info, string tier)
    {
        if (_tracker is null) return info with { Tier = tier };
        KeyUse use = _tracker.UseOf(info.Key);
        return info with { Tier = tier, AccessCount = use.HistoryAccesses, LastAccess = use.LastAccess };
    }

    /// <summary>The tier of the origin's answer: the origin or, where that is several tiers, one of them.</summary>
    private string TierOf(BlobInfo info) => _map.Lower is not null && info.Tier is { } tier ? tier : _origin.Name;

    /// <summary>Whether a tier gets a copy of what is written.</summary>
    private bool Fills(int index, BlobKey key, WriteOptions? options, long length)
    {
        UpperTier tier = _upper[index];
        if (!tier.Takes(length) || options?.SkipTiers?.Contains(tier.Name) == true || options?.OnlyTiers?.Contains(tier.Name) == false) return false;
        int fastest = options?.Tier is { } begins ? _map.IndexOf(begins) : _guide.HottestOf(key);
        return index >= fastest && (_options.Writes != TieringWrites.Around || (options?.Tier is not null && index == fastest));
    }

    /// <summary>Begins what goes on by itself.</summary>
    private void Begin()
    {
        if (_tracker is not null) _accesses.Begin();
        _tiering.Start();
    }

    private TieringParts Parts() => new()
    {
        Store = _options.Name,
        Map = _map,
        Upper = _upper,
        Placer = _placer,
        Guide = _guide,
        Pins = _pins,
        Accesses = _accesses,
        Fences = _fences,
        Gate = _gate,
        Clock = _clock,
    };
}
