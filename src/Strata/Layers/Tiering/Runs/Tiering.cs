namespace Strata;

/// <summary>What a person, or a program, does with the tiers of one store.</summary>
internal sealed class Tiering(TieredBlobStore store, TieringParts parts, TieringOptions options, TieringRunner runner) : ITiering, IAsyncDisposable
{
    private readonly DateTimeOffset _opened = parts.Clock.GetUtcNow();
    private TieringWorker? _worker;

    public ValueTask<TieringReport> RunTieringAsync(TieringRun? run = null, IProgress<TieringProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        run ??= new TieringRun();
        run.Check();
        return runner.RunAsync(run, null, progress, cancellationToken);
    }

    public TieringStatus GetTieringStatus() => runner.Status with { Next = _worker?.Next, IsDurable = parts.Accesses.IsDurable, Tracker = parts.Tracker.GetStatistics() };

    public async ValueTask<string?> GetTierAsync(BlobKey key, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "locate", cancellationToken);
        return await parts.Placer.LookAsync(key, isStrict: false, cancellationToken).ConfigureAwait(false) is { } where ? parts.Map.Names[where.Fastest] : null;
    }

    public async ValueTask<TierExplanation?> ExplainAsync(BlobKey key, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "explain", cancellationToken);
        await parts.Accesses.ReadyAsync(cancellationToken).ConfigureAwait(false);
        if (await parts.Placer.LookAsync(key, isStrict: false, cancellationToken).ConfigureAwait(false) is not { } where) return null;
        KeyUse use = parts.Tracker.UseOf(key);
        PlacementFacts facts = parts.Guide.FactsOf(where.Info, use, parts.Clock.GetUtcNow(), parts.Map.Fill());
        Classification belongs = parts.Guide.Classifier.Classify(facts);
        bool isInDoubt = parts.Fences.IsInDoubt(key);
        return new TierExplanation
        {
            Key = key,
            Length = where.Info.Length,
            Modified = where.Info.Modified,
            Tiers = [.. parts.Map.Names.Where((_, i) => where.Holds[i])],
            Belongs = belongs,
            Why = parts.Guide.Classifier.Explain(facts),
            Moves = belongs.Index == where.Fastest ? null : MovesOf(where, belongs, isInDoubt),
            Use = use,
            Pin = facts.Pin,
            Rule = parts.Guide.Classifier.RuleFor(key),
            IsInDoubt = isInDoubt,
        };
    }

    public async ValueTask<MoveStatus> PromoteAsync(BlobKey key, string? tier = null, CancellationToken cancellationToken = default)
    {
        int? named = tier is null ? null : parts.Map.IndexOf(tier);
        using OperationGate.Pass pass = store.Enter(key, "promote", cancellationToken);
        if (await parts.Placer.LookAsync(key, isStrict: true, cancellationToken).ConfigureAwait(false) is not { } where) return MoveStatus.Missing;
        int target = named ?? where.Fastest - 1;
        if (target < 0 || target >= where.Fastest) return MoveStatus.Unchanged;
        MoveStatus status = await parts.Placer.MoveAsync(where, target, keepFaster: false, cancellationToken).ConfigureAwait(false);
        if (status == MoveStatus.Moved) parts.Tracker.RecordWrite(key);
        return status;
    }

    public async ValueTask<MoveStatus> DemoteAsync(BlobKey key, string? tier = null, bool keepInSource = false, CancellationToken cancellationToken = default)
    {
        int? named = tier is null ? null : parts.Map.IndexOf(tier);
        using OperationGate.Pass pass = store.Enter(key, "demote", cancellationToken);
        if (await parts.Placer.LookAsync(key, isStrict: true, cancellationToken).ConfigureAwait(false) is not { } where) return MoveStatus.Missing;
        int target = named ?? where.Fastest + 1;
        if (target >= parts.Map.Count || target <= where.Fastest) return MoveStatus.Unchanged;
        return await parts.Placer.MoveAsync(where, target, keepInSource, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<MoveStatus> PinAsync(BlobKey key, string tier, CancellationToken cancellationToken = default)
    {
        int target = parts.Map.IndexOf(tier);
        using OperationGate.Pass pass = store.Enter(key, "pin", cancellationToken);
        await parts.Pins.SetAsync(key, target, cancellationToken).ConfigureAwait(false);
        return await parts.Placer.LookAsync(key, isStrict: true, cancellationToken).ConfigureAwait(false) is { } where
            ? await parts.Placer.MoveAsync(where, target, keepFaster: false, cancellationToken).ConfigureAwait(false)
            : MoveStatus.Missing;
    }

    public async ValueTask<bool> UnpinAsync(BlobKey key, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "unpin", cancellationToken);
        if (!await parts.Pins.RemoveAsync(key, cancellationToken).ConfigureAwait(false)) return false;

        await parts.Accesses.MakeDueAsync(key, parts.Clock.GetUtcNow(), cancellationToken).ConfigureAwait(false);
        return true;
    }

    public IReadOnlyList<TierPin> GetPins() => parts.Pins.All;

    public async ValueTask<IReadOnlyList<string>> DeleteFromAsync(BlobKey key, IReadOnlyCollection<string> tiers, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(tiers);
        bool[] named = new bool[parts.Map.Count];
        foreach (string tier in tiers) named[parts.Map.IndexOf(tier)] = true;
        bool isAll = !named.Contains(false);
        if (!isAll && Array.LastIndexOf(named, true) is var slowest && slowest >= parts.Upper.Length)
            throw new ArgumentException($"Tier '{parts.Map.Names[slowest]}' is where store '{parts.Store}' keeps the blob itself: it is deleted there only where all tiers are named ({string.Join(", ", parts.Map.Names)}).", nameof(tiers));
        using OperationGate.Pass pass = store.Enter(key, "delete", cancellationToken);
        if (await parts.Placer.LookAsync(key, isStrict: !isAll, cancellationToken).ConfigureAwait(false) is not { } where) return [];
        if (isAll) await store.DeleteAsync(key, default, cancellationToken).ConfigureAwait(false);
        var dropped = new List<string>();
        for (int i = 0; i < named.Length; i++)
        {
            if (!named[i] || !where.Holds[i]) continue;
            if (!isAll && !await parts.Placer.DropAsync(where, parts.Upper[i]).ConfigureAwait(false)) throw BeingWritten(key);
            dropped.Add(parts.Map.Names[i]);
        }

        return dropped;
    }

    public IBlobStore Tier(string name) => new TierView(store, parts, parts.Map.IndexOf(name));

    public IReadOnlyList<TierMove> GetMoves() => parts.Placer.Moves;

    public CostEstimate EstimateCost(IReadOnlyList<TierPrice>? prices = null) => StoreCost.Estimate(store.GetTierStatistics(), store.GetReads(), store.Writes, prices ?? options.Prices, parts.Clock.GetUtcNow() - _opened);

    /// <summary>Begins to run by itself, where that is set.</summary>
    public void Start()
    {
        if (options.RunEvery is { } every) _worker = new TieringWorker(every, token => runner.RunAsync(options.RunBudget, options.RunBytesPerSecond, null, token).AsTask(), parts.Clock);
    }

    public async ValueTask DisposeAsync()
    {
        if (_worker is not null) await _worker.DisposeAsync().ConfigureAwait(false);
        await runner.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>What is refused because a write of the key is under way, or of unknown outcome.</summary>
    internal StorageException BeingWritten(BlobKey key) =>
        new(StorageErrorKind.Changed, $"'{key}' is being written, or a change of it is of unknown outcome; try again later.") { Operation = "delete", Key = key, Store = parts.Store, IsTransient = true, Outcome = WriteOutcome.NotApplied };

    private string MovesOf(TierWhereabouts where, Classification belongs, bool isInDoubt)
    {
        if (isInDoubt) return "nothing, as long as a change of it is of unknown outcome";
        if (belongs.Index < parts.Upper.Length && !parts.Upper[belongs.Index].Takes(where.Info.Length)) return $"nothing: {belongs.Tier} does not take it";
        bool isReadEnough = belongs.Index < where.Fastest && parts.Guide.PromotesOnRead(where.Info.Key, parts.Tracker);
        string run = _worker?.Next is { } next ? FormattableString.Invariant($"the tiering run at {next.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z, if it is due by then") : "a tiering run, once it is due";
        return isReadEnough ? $"its next read, or {run}" : run;
    }
}
