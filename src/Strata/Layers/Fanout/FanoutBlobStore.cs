using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>
/// Several stores as one: reads go through a list of them until one has the blob, changes go to all of another list at the same time, and
/// what a store misses it gets from the outbox. For replication, migration and fallback; a cache over a store is a tier (<see cref="TieredBlobStore"/>).
/// </summary>
/// <remarks>
/// <para><b>Commit point:</b> as <see cref="FanoutOptions.Acknowledge"/> says, and that the state's database knows which layers do not have the
/// change (CONSISTENCY 9). From then on those are not asked for the key until they have it, so that a read never misses what was
/// acknowledged, whichever layer is out. Versions are given here, once, and every layer keeps the same.</para>
/// <para><b>One coordinator:</b> this store alone changes the layers that it writes; it gives conditions (<see cref="WriteConditionKind.IfAbsent"/>,
/// <see cref="WriteConditionKind.IfMatch"/>) and order under the key's lock. Layers are begun with equal, or filled from each other by backfill.</para>
/// <para><b>A change that fails</b> at all layers is <see cref="WriteOutcome.NotApplied"/>. If some have it, or may have it, and too few to
/// acknowledge it, the outcome is <see cref="WriteOutcome.Unknown"/>, the message names each layer's, and the layers are made equal: to the change
/// where a layer is known to have it, else to what was there before.</para>
/// <para><b>Cost:</b> a stat of one layer before each change and two small commits of the state around it. What is streamed, and with
/// other acknowledgements than All every change, is held by this store until all layers are through with it: in memory up to 1 MiB, then in a temporary
/// file. Updates and copies send the payload to every layer. Uploads in parts are not supported.</para>
/// </remarks>
public sealed partial class FanoutBlobStore : IBlobStore, IFanout
{
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(1);
    private readonly FanoutOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly OperationGate _gate;
    private readonly KeyLocks _locks = new();
    private readonly FanoutState _state;
    private readonly IKvDatabase? _owned;
    private readonly VersionClock _versions;
    private readonly Replica[] _written;
    private readonly Replica[] _readOnly;

    /// <summary>In the order in which they are asked: those that are read, then those that are only written, for keys that the others have missed.</summary>
    private readonly Replica[] _order;
    private readonly Replica[] _read;
    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _laggardGate = new();
    private readonly HashSet<Task> _laggards = [];
    private Task[] _workers = [];

    private FanoutBlobStore(IReadOnlyList<FanoutLayer> read, IReadOnlyList<FanoutLayer> write, FanoutOptions options, StoreContext context, FanoutState state, IKvDatabase? owned, BlobVersion floor)
    {
        (_options, _clock, _state, _owned) = (options, context.Clock, state, owned);
        _log = context.Loggers.CreateLogger<FanoutBlobStore>();
        _gate = new OperationGate(options.Name);
        _versions = new VersionClock(_clock, floor);
        _written = [.. write.Select(layer => new Replica(layer, OutboxOf(layer, state.Database, options, context)))];
        _readOnly = [.. read.Where(layer => !write.Contains(layer)).Select(layer => new Replica(layer, null))];
        Dictionary<string, Replica> byName = _written.Concat(_readOnly).ToDictionary(replica => replica.Name, StringComparer.Ordinal);
        _read = [.. read.Select(layer => byName[layer.Name])];
        _order = [.. _read.Where(replica => replica.IsWritten), .. _written.Except(_read)];
        Capabilities = new StoreCapabilities
        {
            Store = options.Name,
            Conditions = write.All(layer => layer.Store.Capabilities.IsSingleWriter) ? WriteConditionKind.IfAbsent | WriteConditionKind.IfMatch : WriteConditionKind.None,
            IsVolatile = write.All(layer => layer.Store.Capabilities.IsVolatile),
            IsSingleWriter = write.All(layer => layer.Store.Capabilities.IsSingleWriter),
            Expiry = write.All(layer => layer.Store.Capabilities.Expiry),
            MaxBlobLength = write.Min(layer => layer.Store.Capabilities.MaxBlobLength),
        };
    }

    /// <summary>Composes layers into a store, which owns them from then on, and finds what they lacked when it was closed or killed.</summary>
    /// <param name="read">The layers that are read, in their order: those that are written first.</param>
    /// <param name="write">The layers that are written; the first is the primary. A layer of both lists is the same object.</param>
    /// <param name="options">Settings.</param>
    /// <param name="context">Clock and loggers.</param>
    /// <param name="state">
    /// Where the store keeps what must outlive the process; owned from then on, and no other process's. Null: the rows of the first layer that is
    /// written and has some (<see cref="IStateRows"/>), on which every change then depends.
    /// </param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException">The layers cannot be composed; the message names the culprit and the fix.</exception>
    /// <exception cref="StorageException">The state cannot be read, or of a change that was under way no layer can be asked.</exception>
    public static async ValueTask<FanoutBlobStore> OpenAsync(
        IReadOnlyList<FanoutLayer> read, IReadOnlyList<FanoutLayer> write, FanoutOptions? options = null, StoreContext? context = null, IKvDatabase? state = null, CancellationToken cancellationToken = default)
    {
        options ??= new FanoutOptions();
        context ??= StoreContext.Default;
        FanoutChecks.Check(read, write, options);
        IKvDatabase database = state ?? write.Select(RowsOf).FirstOrDefault(rows => rows is not null)
            ?? throw new ArgumentException($"No layer that store '{options.Name}' writes can hold its state: give it a KV database of its own.", nameof(state));
        var rows = new FanoutState(database, options.Name);
        var store = new FanoutBlobStore(read, write, options, context, rows, state, await rows.OpenAsync(cancellationToken).ConfigureAwait(false));
        await store.LoadAsync(cancellationToken).ConfigureAwait(false);
        store._workers = [.. store._written.Select(replica => store.WorkAsync(replica, store._closing.Token))];
        return store;
    }

    /// <inheritdoc/>
    public StoreCapabilities Capabilities { get; }

    /// <inheritdoc/>
    public async ValueTask<BlobInfo?> StatAsync(BlobKey key, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(key, "stat", cancellationToken);
        return (await FindAsync(key, store => store.StatAsync(key, cancellationToken), _options.ReadsPastErrors, null, cancellationToken).ConfigureAwait(false)).Found;
    }

    /// <inheritdoc/>
    public async ValueTask<BlobReadResult?> ReadAsync(BlobKey key, ReadOptions? options = null, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(key, "read", cancellationToken);
        (BlobReadResult? found, IReadOnlyList<Replica> without) = await FindAsync(key, store => store.ReadAsync(key, options, cancellationToken), _options.ReadsPastErrors, null, cancellationToken).ConfigureAwait(false);
        if (found is not null && _options.Backfills && without.Count > 0) await BackfillAsync(key, without, cancellationToken).ConfigureAwait(false);
        return found;
    }

    /// <inheritdoc/>
    public async ValueTask<ListPage> ListPageAsync(ListRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        using OperationGate.Pass pass = _gate.Enter("list");
        request.Validate();
        cancellationToken.ThrowIfCancellationRequested();
        IReadOnlyList<Replica> listed = _options.Lists == FanoutLists.First ? [_read[0]] : _read;
        return await new FanoutPager(this, listed, request, _options.ReadsPastErrors).PageAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public bool TryGetFacet<T>([NotNullWhen(true)] out T? facet)
        where T : class => (facet = this as T) is not null;

    /// <inheritdoc/>
    public IReadOnlyList<FanoutLayerStatus> GetLayers() => [.. _written.Concat(_readOnly).Select(replica => replica.Status)];

    /// <inheritdoc/>
    public async ValueTask<long> FlushAsync(CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = _gate.Enter("flush");
        long dead = 0;
        foreach (Replica replica in _written) dead += await replica.Outbox!.FlushAsync(cancellationToken).ConfigureAwait(false);
        return dead;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<OutboxDeadLetter> ListDeadLettersAsync(string layer, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        Replica replica = WrittenOf(layer);
        using OperationGate.Pass pass = _gate.Enter("list");
        await foreach (OutboxDeadLetter letter in replica.Outbox!.ListDeadLettersAsync(cancellationToken).ConfigureAwait(false)) yield return letter;
    }

    /// <inheritdoc/>
    public async ValueTask<bool> ReplayAsync(string layer, BlobKey key, CancellationToken cancellationToken = default)
    {
        Replica replica = WrittenOf(layer);
        using OperationGate.Pass pass = Enter(key, "replay", cancellationToken);
        return await replica.Outbox!.ReplayAsync(key.Value, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Waits for what is under way, then disposes the layers, and the state if it is the store's own. What layers have missed they get when it is opened again.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!await _gate.CloseAsync().ConfigureAwait(false)) return;
        await _closing.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_workers).ConfigureAwait(false);
        await Task.WhenAll(Laggards()).ConfigureAwait(false);
        _closing.Dispose();
        await Owned.DisposeAllAsync([_owned, .. _written.Concat(_readOnly).Reverse().Select(replica => replica.Store)]).ConfigureAwait(false);
    }

    /// <summary>All layers that are written.</summary>
    internal IReadOnlyList<Replica> Written => _written;

    internal OperationGate.Pass Enter(BlobKey key, string operation, CancellationToken cancellationToken)
    {
        StoreCapabilities.CheckKey(key);
        cancellationToken.ThrowIfCancellationRequested();
        return _gate.Enter(operation);
    }

    /// <summary>Whether what layers hold of a key that are only read counts no more.</summary>
    internal ValueTask<bool> IsCoveredAsync(BlobKey key, CancellationToken cancellationToken) => _state.IsCoveredAsync(key, cancellationToken);

    /// <summary>A key's state by the layers that have not missed its last change.</summary>
    internal async ValueTask<BlobInfo?> StateAsync(BlobKey key, CancellationToken cancellationToken) =>
        (await FindAsync(key, store => store.StatAsync(key, cancellationToken), pastErrors: true, null, cancellationToken).ConfigureAwait(false)).Found;

    /// <summary>
    /// Asks the layers in their order, but for those that have missed the key's last change, until one has it. A layer that is written and says
    /// that there is nothing is believed over one that fails, as both got every change; one that is only read is not.
    /// </summary>
    /// <returns>What was found, and the layers before that are written and lack it.</returns>
    /// <exception cref="StorageException">A layer failed, and no other could answer for it.</exception>
    internal async ValueTask<(T? Found, IReadOnlyList<Replica> Without)> FindAsync<T>(
        BlobKey key, Func<IBlobStore, ValueTask<T?>> ask, bool pastErrors, Replica? but, CancellationToken cancellationToken)
        where T : class
    {
        List<Replica> without = [];
        StorageException? error = null;

        // Where there is no other that is written, what is only read may still be asked.
        bool isAnswered = but is not null && _order.Length == 1, hasSkipped = false;
        foreach (Replica replica in _order)
        {
            if (replica == but) continue;
            bool isRead = _read.Contains(replica);
            if (replica.Missed.Contains(key))
            {
                hasSkipped |= isRead;
                continue;
            }

            // What is only written is asked in place of one that has missed it, or where all the others fail.
            if (!isRead && !hasSkipped && isAnswered) continue;
            try
            {
                if (await replica.AskAsync(ask).ConfigureAwait(false) is { } found) return (found, without);
                isAnswered = true;
                without.Add(replica);
            }
            catch (StorageException e) when (pastErrors && e.Kind != StorageErrorKind.Unsupported)
            {
                error ??= e;
            }
        }

        if (!isAnswered) throw error ?? new StorageException(StorageErrorKind.Unavailable, $"No layer of store '{_options.Name}' has the last state of '{key}' and can be asked.") { Key = key, Store = _options.Name, IsTransient = true };
        if (_readOnly.Length == 0 || await _state.IsCoveredAsync(key, cancellationToken).ConfigureAwait(false)) return (null, without);
        error = null;
        foreach (Replica replica in _readOnly)
        {
            try
            {
                if (await replica.AskAsync(ask).ConfigureAwait(false) is { } found) return (found, without);
            }
            catch (StorageException e) when (pastErrors && e.Kind != StorageErrorKind.Unsupported)
            {
                error ??= e;
            }
        }

        return error is null ? (null, without) : throw error;
    }

    private static Outbox OutboxOf(FanoutLayer layer, IKvDatabase database, FanoutOptions options, StoreContext context) => new(
        database, new OutboxOptions { Name = $"fanout/{options.Name}/{layer.Name}", Parallelism = options.Parallelism, MaxAttempts = options.MaxAttempts, MaxPending = options.MaxPending, WaitsWhenFull = false }, context);

    private static IKvDatabase? RowsOf(FanoutLayer layer) => layer.Store.TryGetFacet(out IStateRows? rows) ? rows.Rows : null;

    private Replica WrittenOf(string layer) =>
        Array.Find(_written, replica => replica.Name == layer) ?? throw new ArgumentException($"Store '{_options.Name}' writes no layer '{layer}'; it writes {string.Join(", ", _written.Select(r => r.Name))}.", nameof(layer));

    private Task[] Laggards()
    {
        lock (_laggardGate) return [.. _laggards];
    }
}
