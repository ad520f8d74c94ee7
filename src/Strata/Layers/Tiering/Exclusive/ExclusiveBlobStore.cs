using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>
/// Durable tiers of which each holds blobs of its own: a blob lives in one home, which a placement index knows (CONSISTENCY 8).
/// </summary>
/// <remarks>
/// <para><b>Commit point:</b> the index. A change is written down in it, then made in a tier, which tells length and checksum, then the
/// index takes it; only then the older home's bytes go. What a crash leaves is carried on where the new bytes are whole, and taken back
/// where they are not. Until every tier has confirmed a delete its tombstone stays.</para>
/// <para><b>Promise:</b> linearizable per key, as this is the only writer of index and tiers. Lists, stats and conditions are answered by
/// the index alone; a read goes to the home, and what that holds is compared with the index. A tier that answers nobody costs the blobs
/// that live there, and no others.</para>
/// <para><b>Cost:</b> in the home whose log holds the index (<see cref="IStateRows"/>) a write, an update and a delete are one commit. Else a
/// write is two commits of the index and one of its tier; three of the index where its home changes; a delete the same. A read is a look-up in the index and a read of the tier, a move five commits of the index. A blob takes its key and about 100
/// bytes in the index, and its metadata; changes under way take some 300 bytes of memory.</para>
/// <para>A tier that goes over a network (<see cref="IStoreHealth"/>) gets nothing new of a key as long as an older request for that key,
/// whose outcome nobody knows, may come through there.</para>
/// </remarks>
internal sealed partial class ExclusiveBlobStore : ITierOrigin
{
    private readonly ExclusiveOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly OperationGate _gate;
    private readonly HomeTier[] _homes;
    private readonly PlacementIndex _index;
    private readonly bool _ownsIndex;
    private readonly KeyLocks _locks = new();
    private readonly KeyLocks _movers = new();
    private readonly ConcurrentDictionary<BlobKey, PlacementIntent> _journal = new();
    private readonly ConcurrentDictionary<BlobKey, PlacementChange> _moves = new();

    /// <summary>Keys of changes that nobody is at any more, and of which nobody knows yet what they came to.</summary>
    private readonly ConcurrentDictionary<BlobKey, bool> _left = new();
    private readonly VersionClock _versions;
    private readonly JournalSettler _settler;
    private readonly ExclusiveUploads? _uploads;

    private ExclusiveBlobStore(IReadOnlyList<Tier> tiers, PlacementIndex index, bool ownsIndex, BlobVersion issued, ExclusiveOptions options, StoreContext context)
    {
        _options = options;
        _clock = context.Clock;
        _log = context.Loggers.CreateLogger<ExclusiveBlobStore>();
        _gate = new OperationGate(options.Name);
        (_index, _ownsIndex) = (index, ownsIndex);
        Tiers = [.. tiers];
        _homes = [.. tiers.Select((tier, i) => new HomeTier(tier, i == tiers.Count - 1, _clock, _log))];
        _versions = new VersionClock(_clock, issued);
        _settler = new JournalSettler(SettleJournalAsync, _clock, _log);
        _uploads = Array.Exists(_homes, home => home.Uploads is not null) ? new ExclusiveUploads(this, _homes, _index) : null;
        Capabilities = new StoreCapabilities
        {
            Store = options.Name, Expiry = tiers.All(tier => tier.Store.Capabilities.Expiry), MaxBlobLength = tiers.Max(tier => Math.Min(tier.Store.Capabilities.MaxBlobLength, tier.MaxBlobBytes ?? long.MaxValue)),
            Tiers = [.. tiers.Select(tier => tier.Name)], MultipartUploads = _uploads is not null,
        };
    }

    /// <inheritdoc/>
    public StoreCapabilities Capabilities { get; }

    /// <inheritdoc/>
    public IReadOnlyList<Tier> Tiers { get; }

    /// <inheritdoc/>
    public IReadOnlyCollection<BlobKey> LeftInDoubt => [.. _left.Keys];

    /// <summary>Keys of which something is not finished: 0 where nothing is under way and no tier owes a removal.</summary>
    internal int Pending => _journal.Count;

    /// <summary>
    /// Composes tiers into a store, which owns them from then on. Where there is no index yet and tiers hold blobs, or a rebuild was
    /// interrupted, the index is made of what they hold.
    /// </summary>
    /// <param name="tiers">Two or more, fastest first; none that evicts.</param>
    /// <param name="index">Where the placement goes; nobody else's rows of this store's name.</param>
    /// <param name="ownsIndex">Whether it is disposed with the store.</param>
    /// <param name="options">Settings.</param>
    /// <param name="context">Clock and loggers.</param>
    /// <param name="cancellationToken">Gives up; the tiers and the index are the caller's still.</param>
    /// <exception cref="ArgumentException">The tiers cannot be composed; the message names the culprit and the fix.</exception>
    /// <exception cref="StorageException">The index cannot be read, or a tier not be listed for the rebuild.</exception>
    public static async ValueTask<ExclusiveBlobStore> OpenAsync(
        IReadOnlyList<Tier> tiers, IKvDatabase index, bool ownsIndex, ExclusiveOptions? options = null, StoreContext? context = null, CancellationToken cancellationToken = default)
    {
        options ??= new ExclusiveOptions();
        context ??= StoreContext.Default;
        ExclusiveChecks.Check(tiers, options);
        var rows = new PlacementIndex(index, options.Name, context.Clock);
        (PlacementHeader? header, BlobVersion issued) = await rows.OpenAsync(cancellationToken).ConfigureAwait(false);
        var store = new ExclusiveBlobStore(tiers, rows, ownsIndex, issued, options, context);
        if (header is { IsWhole: true }) await store.RecoverAsync(header, cancellationToken).ConfigureAwait(false);
        else await store.BeginAsync(header, cancellationToken).ConfigureAwait(false);
        store._shared = SharedLog.Find(store._homes, rows);
        store._settler.Wake();
        return store;
    }

    /// <inheritdoc/>
    public async ValueTask<BlobInfo?> StatAsync(BlobKey key, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(key, "stat", cancellationToken);
        return (await FindAsync(key, cancellationToken).ConfigureAwait(false))?.Info;
    }

    /// <inheritdoc/>
    public async ValueTask<ListPage> ListPageAsync(ListRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        using OperationGate.Pass pass = _gate.Enter("list");
        request.Validate();
        cancellationToken.ThrowIfCancellationRequested();
        var page = new ListPageBuilder(request);
        DateTimeOffset now = _clock.GetUtcNow();
        byte[] from = _index.SeekTo(page.From);
        while (!page.IsDone)
        {
            (IReadOnlyList<KvEntry> rows, bool isMore) = await _index.ScanAsync(from, request.Limit + 1, cancellationToken).ConfigureAwait(false);
            int taken = 0;
            while (taken < rows.Count && page.Offer(_index.KeyTextOf(rows[taken]), _ => new KeyState(_index.BlobOf(rows[taken]), default).Visible(now) is { } placed ? Told(placed) : null)) taken++;
            if (taken < rows.Count) from = _index.SeekTo(page.From);
            else if (isMore) from = [.. rows[^1].Key.Span, 0];
            else page.End();
        }

        return page.ToPage();
    }

    /// <inheritdoc/>
    public IReadOnlyList<TierStatistics> GetTierStatistics() => [.. _homes.Select(home => home.Snapshot())];

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<string>> LocateAsync(BlobKey key, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = Enter(key, "locate", cancellationToken);
        return await FindAsync(key, cancellationToken).ConfigureAwait(false) is { } placed ? [placed.Home] : [];
    }

    /// <inheritdoc/>
    public bool TryGetFacet<T>([NotNullWhen(true)] out T? facet)
        where T : class
    {
        facet = this as T ?? _uploads as T;
        return facet is not null;
    }

    /// <summary>Waits for what is under way, then disposes the tiers, fastest first, and the index if it is the store's own.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!await _gate.CloseAsync().ConfigureAwait(false)) return;
        await Owned.DisposeAllAsync([_settler, .. _homes.Select(home => home.Store), _ownsIndex ? _index : null]).ConfigureAwait(false);
    }

    internal OperationGate.Pass Enter(string operation) => _gate.Enter(operation);

    internal OperationGate.Pass Enter(BlobKey key, string operation, CancellationToken cancellationToken)
    {
        StoreCapabilities.CheckKey(key);
        cancellationToken.ThrowIfCancellationRequested();
        return _gate.Enter(operation);
    }

    /// <summary>The visible blob, with its home told.</summary>
    private async ValueTask<PlacedBlob?> FindAsync(BlobKey key, CancellationToken cancellationToken)
    {
        if (_left.ContainsKey(key)) await EndLeftAsync(key, cancellationToken).ConfigureAwait(false);
        return new KeyState(await _index.FindAsync(key, cancellationToken).ConfigureAwait(false), default).Visible(_clock.GetUtcNow()) is { } placed ? placed with { Info = Told(placed) } : null;
    }

    private static BlobInfo Told(PlacedBlob placed) => placed.Info with { Tier = placed.Home };

    private HomeTier? HomeOf(string tier) => Array.Find(_homes, home => home.Name == tier);

    /// <exception cref="StorageException">The index names a tier that is not there.</exception>
    private HomeTier HomeOf(PlacedBlob placed, string operation) => HomeOf(placed.Home)
        ?? throw StorageException.Corrupt(operation, placed.Info.Key, _options.Name, $"its home is tier '{placed.Home}', which the store has not");
}
