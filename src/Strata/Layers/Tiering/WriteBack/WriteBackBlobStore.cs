using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>
/// Two tiers as one: a durable warm tier that acknowledges writes, and an origin that gets them afterwards from an outbox in the
/// warm tier's own rows (CONSISTENCY 2 and 8).
/// </summary>
/// <remarks>
/// <para><b>Commit point:</b> the warm tier's, of one batch with the blob (or tombstone) and the intent to send it. Uploads in
/// parts, blobs longer than the warm tier takes, and updates of what it does not hold are committed at the origin.</para>
/// <para>A key with an intent is <em>dirty</em>: the warm tier alone answers for it, and keeps it whatever room it needs. All other
/// keys are those of a tiered store of the same two tiers, from which a dirty key is held back (<see cref="Fences.Fence.IsHeld"/>).
/// A key is clean again when its intent's rows are gone, not before: so a crash finds in the rows exactly what was dirty.</para>
/// <para><b>Cost:</b> a write costs what it costs in the warm tier, and two small rows. Conditions of writes, and deletes, ask the
/// origin where the warm tier has no copy that is known to be right.</para>
/// <para>Where others write to the origin too, the last one counts: conditions are then not honoured.</para>
/// </remarks>
internal sealed partial class WriteBackBlobStore : ITierOrigin, IWriteBack, IEndsWaits
{
    private const string Rows = "write-back";
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(1);
    private readonly Tier _warm;
    private readonly Tier _origin;
    private readonly TieredBlobStore _clean;
    private readonly TieringOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly OperationGate _gate;
    private readonly DirtyKeys _dirty;
    private readonly Outbox _outbox;
    private readonly WriteBackSender _sender;
    private readonly WriteBackListing _listing;
    private readonly TieredUploads? _uploads;
    private readonly StraightWrites _straight = new();
    private readonly KeyLocks _locks = new();
    private readonly ConcurrentDictionary<BlobKey, bool> _intended;
    private readonly CancellationTokenSource _closing = new();
    private readonly VersionMark _highest;
    private Task _worker = Task.CompletedTask;
    private bool _isClosing;

    private WriteBackBlobStore(Tier warm, Tier origin, TieringOptions options, StoreContext context, TieredBlobStore clean, Outbox outbox, DirtyKeys dirty, Recorder recorder)
    {
        (_warm, _origin, _options, _clock, _clean, _outbox, _dirty) = (warm, origin, options, context.Clock, clean, outbox, dirty);
        (_intended, _highest) = (recorder.Intended, recorder.Highest);
        _log = context.Loggers.CreateLogger<WriteBackBlobStore>();
        _gate = new OperationGate(options.Name);
        _sender = new WriteBackSender(this, warm.Store, origin.Store, _clock, options.RequestLife);
        _listing = new WriteBackListing(dirty, origin.Store, StateAsync);
        _uploads = clean.UploadsWithin(CompleteAsync);
        StoreCapabilities below = origin.Store.Capabilities;
        Capabilities = below with
        {
            Store = options.Name,
            Tiers = [warm.Name, origin.Name],
            MultipartUploads = _uploads is not null,

            // No store can compare with what was deleted at the other.
            Conditions = below.IsSingleWriter ? below.Conditions & ~WriteConditionKind.IfOlder : WriteConditionKind.None,
        };
    }

    /// <inheritdoc/>
    public StoreCapabilities Capabilities { get; }

    /// <inheritdoc/>
    public IReadOnlyList<Tier> Tiers => [_warm, _origin];

    /// <inheritdoc/>
    /// <remarks>None: until it cannot the warm tier answers for the key.</remarks>
    public IReadOnlyCollection<BlobKey> LeftInDoubt => [];

    /// <summary>The database that the warm tier keeps rows in.</summary>
    internal IKvDatabase State => _warm.Store.TryGetFacet(out IStateRows? rows) ? rows.Rows : throw new InvalidOperationException("The warm tier has no rows.");

    /// <summary>Makes a pair of two tiers, which it owns from then on, and finds what was pending when it was closed or killed.</summary>
    /// <exception cref="ArgumentException">The tiers cannot be composed; the message names the culprit and the fix.</exception>
    /// <exception cref="StorageException">The rows cannot be read.</exception>
    public static async ValueTask<WriteBackBlobStore> OpenAsync(Tier warm, Tier origin, TieringOptions? options = null, StoreContext? context = null, CancellationToken cancellationToken = default)
    {
        options ??= new TieringOptions();
        options.Check();
        context ??= StoreContext.Default;
        (IStateRows rows, ICommitPoint commitPoint) = WriteBackChecks.Check(warm, origin, options);
        WriteBackOptions back = options.WriteBack;
        var dirty = new DirtyKeys(back.MaxPendingBytes ?? (warm.Store.TryGetFacet(out IStoreStatistics? held) && held.GetStatistics().MaxBytes is { } capacity ? capacity / 2 : null));
        var outbox = new Outbox(rows.Rows, new OutboxOptions { Name = Rows, Store = options.Name, Parallelism = back.Parallelism, MaxAttempts = back.MaxAttempts, MaxPending = back.MaxPending, MaxPendingBytes = long.MaxValue }, context);
        var recorder = new Recorder(outbox);
        // A removal that is cut short could take the write that comes after it.
        Tier copies = warm with { SoftTimeout = null, HardTimeout = null };
        TieringOptions clean = options with { Name = $"{options.Name}/{Rows}", Writes = TieringWrites.Through, RunEvery = null };
        var store = new WriteBackBlobStore(
            warm, origin, options, context, await TieredBlobStore.OpenAsync([copies, origin], clean, context, rows.Rows, cancellationToken).ConfigureAwait(false), outbox, dirty, recorder);
        commitPoint.KeepFromEviction(key => recorder.Intended.ContainsKey(key) || dirty.Find(key) is not null);
        rows.Record(recorder.Record);
        await store.LoadAsync(cancellationToken).ConfigureAwait(false);
        store._worker = store.WorkAsync(store._closing.Token);
        return store;
    }

    /// <inheritdoc/>
    public async ValueTask<BlobInfo?> StatAsync(BlobKey key, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(key, "stat", cancellationToken);
        return await StateAsync(key, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<BlobReadResult?> ReadAsync(BlobKey key, ReadOptions? options = null, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(key, "read", cancellationToken);
        while (_dirty.Find(key) is { } before)
        {
            long started = _clock.GetTimestamp();
            BlobReadResult? read = await _warm.Store.ReadAsync(key, options, cancellationToken).ConfigureAwait(false);
            if (read is null && !IsStill(key, before)) continue;
            _clean.NoteHeldRead(read, started);
            return read;
        }

        return await _clean.ReadAsync(key, options, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<ListPage> ListPageAsync(ListRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        using OperationGate.Pass pass = _gate.Enter("list");
        request.Validate();
        cancellationToken.ThrowIfCancellationRequested();
        return await _listing.PageAsync(request, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public bool TryGetFacet<T>([NotNullWhen(true)] out T? facet)
        where T : class => (facet = this as T ?? _uploads as T) is not null;

    /// <inheritdoc/>
    public ValueTask EndWaitsAsync() => Interlocked.Exchange(ref _isClosing, true) ? default : new(_closing.CancelAsync());

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await EndWaitsAsync().ConfigureAwait(false);
        if (!await _gate.CloseAsync().ConfigureAwait(false)) return;
        await _worker.ConfigureAwait(false);
        _closing.Dispose();
        if (_dirty.Count > 0)
            _log.LogInformation("Store '{Store}' closes with {Count} keys of {Bytes} bytes that its origin '{Origin}' does not have yet; they stay in '{Warm}' and are sent when it is opened again", _options.Name, _dirty.Count, _dirty.Bytes, _origin.Name, _warm.Name);
        await _clean.DisposeAsync().ConfigureAwait(false);
    }

    private OperationGate.Pass Enter(BlobKey key, string operation, CancellationToken cancellationToken)
    {
        StoreCapabilities.CheckKey(key);
        cancellationToken.ThrowIfCancellationRequested();
        return _gate.Enter(operation);
    }

    /// <summary>A key's state, wherever it is; of a clean one the warm tier's copy will do where it is known to be right.</summary>
    private async ValueTask<BlobInfo?> StateAsync(BlobKey key, CancellationToken cancellationToken)
    {
        while (_dirty.Find(key) is { } before)
        {
            BlobInfo? info = await _warm.Store.StatAsync(key, cancellationToken).ConfigureAwait(false);
            if (info is null && !IsStill(key, before)) continue;
            return info is null ? null : info with { Tier = _warm.Name };
        }

        return await _clean.FindTrustedAsync(key, cancellationToken).ConfigureAwait(false) ?? await _clean.StatAsync(key, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Nothing there is an answer if nothing changed meanwhile; else the key may have become clean, and its copy gone.</summary>
    private bool IsStill(BlobKey key, DirtyKey before) => ReferenceEquals(_dirty.Find(key), before);

    private async ValueTask LoadAsync(CancellationToken cancellationToken)
    {
        // The warm tier has one owner, and this is it: whoever was sending is dead.
        await _outbox.TakeOverAsync(cancellationToken).ConfigureAwait(false);
        await foreach (OutboxPending pending in _outbox.ListPendingAsync(cancellationToken).ConfigureAwait(false))
        {
            if (!BlobKey.TryParse(pending.Key, out BlobKey key)) throw new StorageException(StorageErrorKind.Corrupt, $"The rows of tier '{_warm.Name}' name a key that is none.") { Operation = "open", Store = _options.Name };
            BlobInfo? info = await _warm.Store.StatAsync(key, cancellationToken).ConfigureAwait(false);
            _dirty.Set(key, info?.Length ?? 0, pending.Enqueued);
            if (pending.IsDead) _dirty.Find(key)!.IsDead = true;
            if (pending.WasTaken) _sender.MayHaveSent(key);
            _clean.Hold(key);
        }

        if (_dirty.Count > 0) _log.LogInformation("Store '{Store}' has {Count} keys of {Bytes} bytes that its origin '{Origin}' does not have yet", _options.Name, _dirty.Count, _dirty.Bytes, _origin.Name);
    }

    private async Task WorkAsync(CancellationToken stop)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await _outbox.RunAsync(_sender, stop).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                // Without a worker what is pending would pend for ever, in silence.
                _log.LogError(e, "Sending from '{Warm}' to '{Origin}' of store '{Store}' has stopped; it is tried again", _warm.Name, _origin.Name, _options.Name);
                await Task.Delay(Retry, _clock, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>What commits with the warm tier's changes: an intent with each that this store makes, and none with copies and drops.</summary>
    private sealed class Recorder(Outbox outbox)
    {
        /// <summary>Keys that are being changed, from before the commit until they are dirty.</summary>
        public ConcurrentDictionary<BlobKey, bool> Intended { get; } = new();

        public VersionMark Highest { get; } = new();

        public IReadOnlyList<KvMutation> Record(BlobChange change)
        {
            if (!change.IsCopy) Highest.Saw(change.Version);
            return Intended.ContainsKey(change.Key) ? outbox.Intend(change.Key.Value, WriteBackSender.DataOf(change.Version)) : [];
        }
    }

    /// <summary>The highest version that the warm tier was seen to issue.</summary>
    private sealed class VersionMark
    {
        private ulong _highest;

        public BlobVersion Value => new(Volatile.Read(ref _highest));

        /// <summary>Called by one at a time.</summary>
        public void Saw(BlobVersion version)
        {
            if (version.Value > _highest) Volatile.Write(ref _highest, version.Value);
        }
    }
}
