using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>
/// An ordered list of stores, fastest first, as one: the last one, the origin, holds everything; the tiers above hold
/// copies of what is read and written.
/// </summary>
/// <remarks>
/// <para><b>Commit point:</b> the origin. A write is acknowledged when the origin has it; a tier that fails costs a copy,
/// never the write.</para>
/// <para><b>Promise:</b> linearizable per key where this is the origin's only writer and <see cref="TieringOptions.FreshFor"/> is
/// not set. An upper copy never outlives the write that replaces it: keys are fenced while they are written (CONSISTENCY 3), and
/// copies that were there when the store was opened are compared with the origin before they are served (CONSISTENCY 4). Where
/// others write too, or FreshFor is set, their changes are seen within that time, and <see cref="TieringOptions.StaleWhileRevalidate"/>;
/// one's own at once. Conditions are the origin's to decide. A read whose copy has to be compared fails if the origin does, unless
/// <see cref="TieringOptions.FailSafeFor"/> allows the copy, which then is marked.</para>
/// <para>A hit in a memory tier takes no lock and allocates nothing.</para>
/// </remarks>
public sealed partial class TieredBlobStore : IBlobStore, ISharedReads, ITierInspection, ITierUpkeep
{
    private readonly TieringOptions _options;
    private readonly TimeProvider _clock;
    private readonly OperationGate _gate;
    private readonly Fences _fences = new();
    private readonly SharedLoads _loads;
    private readonly Trust _trust;
    private readonly bool _lapses;
    private readonly Staleness? _staleness;
    private readonly Revalidations _revalidations = new();
    private readonly ExpirySweeps? _sweeps;
    private readonly Promotions _promotions;
    private readonly Doubts _doubts;
    private readonly DoubtSettler _settler;
    private readonly TierState? _state;
    private readonly TierEvents _events;
    private readonly UpperTier[] _upper;
    private readonly TierCounters _origin;
    private readonly StripedCounter _misses = new();
    private readonly UpperTier? _first;
    private readonly TieredUploads? _uploads;
    private readonly TieredWriteBack? _writeBack;

    /// <summary>The origin, where that is several tiers itself.</summary>
    private ISharedReads? _shared;

    /// <summary>
    /// Composes tiers into a store, which owns them from then on. Changes of unknown outcome are remembered in memory alone: a
    /// store over a remote origin is opened by <see cref="OpenAsync"/>.
    /// </summary>
    /// <param name="tiers">Fastest first; the last one is the origin. One or more.</param>
    /// <param name="options">Settings.</param>
    /// <param name="context">Clock and loggers.</param>
    /// <exception cref="ArgumentException">The tiers cannot be composed; the message names the culprit and the fix.</exception>
    public TieredBlobStore(IReadOnlyList<Tier> tiers, TieringOptions? options = null, StoreContext? context = null)
        : this(tiers, options, context, null) => Begin();

    private TieredBlobStore(IReadOnlyList<Tier> tiers, TieringOptions? options, StoreContext? context, TierState? state)
    {
        ArgumentNullException.ThrowIfNull(tiers);
        _options = options ?? new TieringOptions();
        _options.Check();
        TierChecks.Check(tiers, _options);
        context ??= StoreContext.Default;
        ILogger log = context.Loggers.CreateLogger<TieredBlobStore>();
        _map = new TierMap(tiers, _options.Name);
        _pins = new TierPins(state, _map, log);
        _guide = new PlacementGuide(_options.Policy, _map, _pins);
        _clock = context.Clock;
        _gate = new OperationGate(_options.Name);
        _events = new TierEvents(_clock);
        Histogram<double> durations = TierCounters.DurationsOf(context.Meter);
        _origin = new TierCounters(tiers[^1], isOrigin: true, _clock, log) { Durations = durations, Owner = _options.Name };
        _upper = [.. tiers.SkipLast(1).Select(tier => new UpperTier(tier, _events, _clock, log) { Durations = durations, Owner = _options.Name })];
        _first = _upper.FirstOrDefault();
        _shared = _first?.Shared;
        _loads = new SharedLoads(_clock);
        _trust = new Trust(_clock, _options.FreshFor);
        _lapses = _trust.Lapses;
        _staleness = _options.StaleWhileRevalidate > TimeSpan.Zero || _options.FailSafeFor is not null ? new Staleness(_options, _trust, _clock, log) : null;
        var copies = new TierCopies(_fences, _trust);
        _promotions = new Promotions(copies, _options.CopiesAtClose, log);
        _state = state;
        _doubts = new Doubts(state, _clock, _options.RequestLife, log);
        _settler = new DoubtSettler(_doubts, SettleAtEndAsync, _clock, log);
        _uploads = _origin.Store.TryGetFacet(out IMultipartUploads? uploads) ? new TieredUploads(this, uploads) : null;
        _sweeps = _options.SweepEvery is { } every ? new ExpirySweeps([.. _upper, _origin], every, _clock, log) : null;
        _writeBack = _origin.Store.TryGetFacet(out IWriteBack? writeBack) ? new TieredWriteBack(this, writeBack) : null;
        Capabilities = _origin.Store.Capabilities with
        {
            Store = _options.Name, Tiers = _map.Names, MultipartUploads = _uploads is not null,
        };
        _accesses = new KeptAccesses(new AccessTracker(_options.Policy, _options.Tracker, context), _guide.Classifier, state, context);
        _tracker = _map.Count > 1 ? _accesses.Tracker : null;
        if (_first is not null) _first.HandedOut = () => _accesses.Tracker.Recorded;
        ScoreOf = _tracker is { } tracker ? tracker.ScoreOf : null;
        PinOf = key => _pins.Find(key) is { } pin ? _map.Names[pin] : null;
        _placer = new TierPlacer(_map, _upper, _origin, _fences, _trust, copies, _clock);
        TieringParts parts = Parts();
        _tiering = new Tiering(this, parts, _options, new TieringRunner(parts, log));
    }

    /// <summary>Composes tiers into a store, which owns them from then on, and finds again what was in doubt when it was closed or killed.</summary>
    /// <param name="tiers">Fastest first; the last one is the origin. One or more.</param>
    /// <param name="options">Settings.</param>
    /// <param name="context">Clock and loggers.</param>
    /// <param name="state">
    /// Where the store keeps what must outlive the process; owned from then on, and no other process's. Null: the rows of the first
    /// tier, origin first, that has the facet <see cref="IStateRows"/> and is durable; if none is, memory alone.
    /// </param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException">The tiers cannot be composed; the message names the culprit and the fix.</exception>
    /// <exception cref="StorageException">The state cannot be read.</exception>
    public static async ValueTask<TieredBlobStore> OpenAsync(
        IReadOnlyList<Tier> tiers, TieringOptions? options = null, StoreContext? context = null, IKvDatabase? state = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(tiers);
        if (options?.Writes == TieringWrites.Back && tiers.Count > 1 && tiers[^1].Store is not WriteBackBlobStore)
        {
            WriteBackBlobStore pair = await WriteBackBlobStore.OpenAsync(tiers[^2], tiers[^1], options, context, cancellationToken).ConfigureAwait(false);
            try
            {
                return await OpenAsync([.. tiers.SkipLast(2), new Tier { Name = tiers[^2].Name, Store = pair }], options, context, state ?? pair.State, cancellationToken).ConfigureAwait(false);
            }
            catch
            {
                // Its worker runs already.
                await pair.DisposeAsync().ConfigureAwait(false);
                throw;
            }
        }

        TierState? rows = (state ?? tiers.TakeLast(1).Concat(tiers.SkipLast(1)).Select(RowsOf).FirstOrDefault(rows => rows is not null)) is { } database ? await TierState.OpenAsync(database, (options ?? new TieringOptions()).Name, cancellationToken).ConfigureAwait(false) : null;
        var store = new TieredBlobStore(tiers, options, context, rows);
        foreach (BlobKey key in await store._doubts.LoadAsync(cancellationToken).ConfigureAwait(false)) store._fences.LeaveInDoubt(key);
        foreach (BlobKey key in tiers[^1].Store is ITierOrigin origin ? origin.LeftInDoubt : [])
        {
            await store._doubts.NoteUnknownAsync(key, PendingChanges.Write).ConfigureAwait(false);
            store._fences.LeaveInDoubt(key);
        }

        await store._pins.LoadAsync(cancellationToken).ConfigureAwait(false);
        store._settler.Arm();
        store.Begin();
        return store;
    }

    /// <inheritdoc/>
    public StoreCapabilities Capabilities { get; }

    /// <inheritdoc/>
    public async ValueTask<BlobInfo?> StatAsync(BlobKey key, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(key, "stat", cancellationToken);
        if (_fences.IsInDoubt(key) && await RemainsInDoubtAsync(key, cancellationToken).ConfigureAwait(false))
            return await StatInDoubtAsync(key, cancellationToken).ConfigureAwait(false) is { } found ? Described(found, TierOf(found)) : null;
        long generation = _fences.Generation(key);
        if (_shared is not null && !_fences.IsFenced(key) && _shared.TryRead(key, out BlobReadResult? hit) && hit.Info is { } held
            && (!_lapses || _trust.Covers(held, out _) || TryRevalidate(_first!, held, generation)))
            return Described(held, _first!.Name);
        return await StatOriginAsync(key, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<ListPage> ListPageAsync(ListRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        using OperationGate.Pass pass = _gate.Enter("list");
        return await _origin.Store.ListPageAsync(request, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public bool TryGetFacet<T>([NotNullWhen(true)] out T? facet)
        where T : class
    {
        facet = typeof(T) == typeof(ISharedReads) && _shared is null ? null : this as T ?? _uploads as T ?? _writeBack as T ?? _tiering as T;
        return facet is not null;
    }

    /// <inheritdoc/>
    public IReadOnlyList<TierStatistics> GetTierStatistics() => [.. _upper.Select(tier => tier.Snapshot()), .. _map.Lower?.GetTierStatistics() ?? [_origin.Snapshot()]];

    /// <inheritdoc/>
    public TieredReads GetReads() => new(_upper.Sum(tier => tier.Hits) + _origin.Hits, _misses.Value);

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<string>> LocateAsync(BlobKey key, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(key, "locate", cancellationToken);
        if (await _origin.StatAsync(key, cancellationToken).ConfigureAwait(false) is not { } current) return [];
        var holders = new List<string>();
        foreach (UpperTier tier in _upper.Where(tier => tier.Admits()))
        {
            try
            {
                BlobInfo? copy = await tier.StatAsync(key, cancellationToken).ConfigureAwait(false);
                tier.NoteAnswer();
                if (copy?.IsSameWriteAs(current) == true) holders.Add(tier.Name);
            }
            catch (StorageException e)
            {
                tier.NoteError(e, "stat", key);
            }
        }

        return _map.Lower is null ? [.. holders, _origin.Name] : [.. holders, .. await _map.Lower.LocateAsync(key, cancellationToken).ConfigureAwait(false)];
    }

    /// <inheritdoc/>
    public IReadOnlyList<TierEvent> GetEvents(long after = 0) => _events.After(after);

    /// <inheritdoc/>
    public IAsyncEnumerable<TierEvent> WatchEventsAsync(long after = 0, CancellationToken cancellationToken = default) => _events.WatchAsync(after, cancellationToken);

    /// <summary>Waits for what is under way, then disposes the tiers, fastest first.</summary>
    public async ValueTask DisposeAsync()
    {
        _shared = null;
        _events.Close();
        if (_writeBack is not null) await _writeBack.EndWaitsAsync().ConfigureAwait(false);
        await _settler.DisposeAsync().ConfigureAwait(false);
        await _revalidations.CloseAsync().ConfigureAwait(false);
        await _tiering.DisposeAsync().ConfigureAwait(false);
        if (!await _gate.CloseAsync().ConfigureAwait(false)) return;
        try
        {
            await Owned.DisposeAllAsync([_sweeps, _loads, _promotions, _accesses, _state, .. _upper.Select(tier => tier.Store), _origin.Store]).ConfigureAwait(false);
        }
        finally
        {
            _revalidations.Dispose();
            _pins.Dispose();
        }
    }

    /// <summary>Begins a trust epoch: every copy is compared with the origin before it is served again. For those who hear of others' writes, and have missed some.</summary>
    internal void DistrustCopies() => _trust.BeginEpoch();

    /// <summary>True while nothing is compared in the background, and no promotion is queued or under way.</summary>
    internal bool IsIdle => _revalidations.IsIdle && _promotions.IsIdle;

    /// <summary>Takes the store out of service: what begins is refused with kind Changed, and what is under way is waited for. Hits in memory go on.</summary>
    internal ValueTask PauseAsync(string why, CancellationToken cancellationToken) => _gate.PauseAsync(why, cancellationToken);

    /// <summary>Puts it back into service.</summary>
    internal void Resume() => _gate.Resume();

    /// <summary>True if the origin has no blob, and no upload is under way; answered during a pause as well.</summary>
    internal async ValueTask<bool> IsEmptyAsync(CancellationToken cancellationToken)
    {
        ListPage page = await _origin.Store.ListPageAsync(new ListRequest { Limit = 1 }, cancellationToken).ConfigureAwait(false);
        if (page.Items.Count > 0) return false;
        return !_origin.Store.TryGetFacet(out IMultipartUploads? uploads)
            || (await uploads.ListUploadsAsync(new UploadListRequest { Limit = 1 }, cancellationToken).ConfigureAwait(false)).Count == 0;
    }

    /// <summary>Whether the tier can hold the store's state.</summary>
    internal static bool HasRows(Tier tier) => RowsOf(tier) is not null;

    private static IKvDatabase? RowsOf(Tier tier) => tier.Store.TryGetFacet(out IStateRows? rows) && rows.Rows.Capabilities.IsDurable ? rows.Rows : null;

    /// <summary>The origin's uploads as those of a store that this one is a part of; null: it takes none.</summary>
    internal TieredUploads? UploadsWithin(TieredUploads.Around around) => _origin.Store.TryGetFacet(out IMultipartUploads? uploads) ? new TieredUploads(this, uploads, around) : null;

    internal OperationGate.Pass Enter(string operation) => _gate.Enter(operation);

    internal OperationGate.Pass Enter(BlobKey key, string operation, CancellationToken cancellationToken)
    {
        StoreCapabilities.CheckKey(key);
        cancellationToken.ThrowIfCancellationRequested();
        return _gate.Enter(operation);
    }
}
