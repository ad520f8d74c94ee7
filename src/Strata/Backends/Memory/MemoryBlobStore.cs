using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Numerics;

namespace Strata;

/// <summary>
/// Blobs in memory, bounded in bytes. Strict (the default) it refuses writes when full; as a cache it evicts.
/// </summary>
/// <remarks>
/// <para><b>Commit point:</b> the table, under the lock of the key's shard. Nothing outlives the process.</para>
/// <para>A hit through <see cref="TryRead"/> takes no lock, allocates nothing, and reads the clock only where an expiry is
/// set. An entry takes about 125 bytes besides the bytes of payload, key and metadata; one that differs from the default (overwritten,
/// expiring, with an ETag, type or metadata of its own) has up to 88 bytes more, and what those are.</para>
/// <para>What is evicted is what was read least, lately, in a small queue or a main one whose shares adapt to what is asked
/// (docs/adr/0001-memory-eviction.md). A blob longer than <see cref="StoreCapabilities.MaxBlobLength"/> is refused and pushes
/// nothing out. An evicting store lists by sorting what it holds; a strict one keeps its keys in order.</para>
/// <para>Tombstones are kept for an hour, as far as an eighth of the capacity holds them; beyond that a missing key is taken
/// for deleted at the newest that was dropped, so that <see cref="WriteCondition.IfOlder"/> errs towards refusing.</para>
/// </remarks>
public sealed partial class MemoryBlobStore : IBlobStore, ISharedReads, IReadActivity, IStoreStatistics, IEvictionSource
{
    private const int SweepAtWrite = 8;
    private const int SweepAtOnce = 256;
    private const long LeastBytes = 64 << 10;
    private const int MostShards = 64;

    /// <summary>Shards evict each for itself: one with few large values knows too little of what is asked.</summary>
    private const long BytesOfShard = 32 << 20;
    private const int EvictingShare = 8;
    private static readonly TimeSpan SweepEvery = TimeSpan.FromMinutes(1);
    private readonly MemoryTable _table;
    private readonly TimeProvider _clock;
    private readonly MemoryBlobStoreOptions _options;
    private readonly MemoryDetails _plain;
    private readonly VersionClock _versions;
    private readonly MemoryBudget _budget;
    private readonly MemoryShard[] _shards;
    private readonly MemoryKeyOrder? _order;
    private readonly MemoryUploads? _uploads;
    private readonly MemoryPressure? _pressure;
    private readonly ITimer _sweeper;
    private readonly Lock _resizing = new();
    private uint _minute;
    private uint _hand;
    private long _maxBytes;
    private StoreCapabilities _capabilities;
    private volatile bool _closed;

    /// <summary>Opens an empty store.</summary>
    /// <exception cref="ArgumentException">A setting is out of range.</exception>
    public MemoryBlobStore(MemoryBlobStoreOptions? options = null, StoreContext? context = null)
        : this(options, context, null)
    {
    }

    /// <param name="options">Settings.</param>
    /// <param name="context">Clock.</param>
    /// <param name="memoryLoad">See <see cref="MemoryPressure"/>.</param>
    internal MemoryBlobStore(MemoryBlobStoreOptions? options, StoreContext? context, Func<double>? memoryLoad)
    {
        _options = options ?? new MemoryBlobStoreOptions();
        CheckMaxBytes(_options.MaxBytes, nameof(options));
        if (_options.MaxBlobBytes is < 0) throw new ArgumentException("MaxBlobBytes may not be negative.", nameof(options));
        if (_options.UploadExpiry <= TimeSpan.Zero) throw new ArgumentException("UploadExpiry must be more than 0.", nameof(options));
        if (_options.YieldsToPressure && !_options.Evicts) throw new ArgumentException("A strict store cannot yield to memory pressure: it drops nothing. Turn Evicts on, or YieldsToPressure off.", nameof(options));
        _context = context;
        _clock = (context ?? StoreContext.Default).Clock;
        _versions = new VersionClock(_clock);
        _plain = new MemoryDetails(_options.Name);
        _maxBytes = _options.MaxBytes;
        _budget = new MemoryBudget(_maxBytes);
        _order = _options.Evicts ? null : new MemoryKeyOrder(_budget);
        _uploads = _options.Evicts ? null : new MemoryUploads(this, _clock, _options.UploadExpiry);
        _capabilities = Describe(_maxBytes);
        int shards = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(_maxBytes / BytesOfShard, 1, MostShards));
        var balance = new MemoryBalance();
        _table = new MemoryTable(shards);
        _shards = [.. Enumerable.Range(0, shards).Select(i => new MemoryShard(_table, i, _budget, _options.Evicts ? new MemoryEviction(balance) : null, _order, shards))];
        _minute = MinuteOf(_clock.GetUtcNow());
        _sweeper = _clock.CreateTimer(static store => ((MemoryBlobStore)store!).SweepAll(), this, SweepEvery, SweepEvery);
        if (_options.YieldsToPressure) _pressure = new MemoryPressure(ApplyLimit, memoryLoad);
    }

    /// <inheritdoc/>
    public event Action<BlobKey, long>? Evicted;

    /// <inheritdoc/>
    public StoreCapabilities Capabilities => Volatile.Read(ref _capabilities);

    /// <summary>
    /// Capacity in bytes, 64 KiB or more; may be changed at any time. Lowered, a store that evicts does so on the caller's
    /// thread before it returns, and a strict one refuses writes until it holds less. <see cref="StoreCapabilities.MaxBlobLength"/> follows.
    /// </summary>
    /// <exception cref="ArgumentException">It is less than 64 KiB.</exception>
    public long MaxBytes
    {
        get => Volatile.Read(ref _maxBytes);
        set
        {
            CheckMaxBytes(value, nameof(value));
            Volatile.Write(ref _maxBytes, value);
            ApplyLimit();
        }
    }

    /// <inheritdoc/>
    public bool TryRead(BlobKey key, [NotNullWhen(true)] out BlobReadResult? hit)
    {
        MemoryBlob? blob = _table.Find(key);
        if (blob is null || (!blob.IsPlain && !blob.IsVisible(_clock)))
        {
            hit = null;
            return false;
        }

        blob.NoteUse(_minute);
        hit = blob;
        return true;
    }

    /// <inheritdoc/>
    public bool TryGetActivity(BlobKey key, out BlobActivity activity)
    {
        MemoryBlob? blob = Visible(key);
        activity = blob is null ? default : new BlobActivity(blob.Uses, new DateTimeOffset(blob.LastUse * TimeSpan.TicksPerMinute, TimeSpan.Zero));
        return blob is not null;
    }

    /// <inheritdoc/>
    public ValueTask<BlobInfo?> StatAsync(BlobKey key, CancellationToken cancellationToken = default)
    {
        Enter(key, "stat");
        return cancellationToken.IsCancellationRequested ? ValueTask.FromCanceled<BlobInfo?>(cancellationToken) : new(Visible(key)?.Info);
    }

    /// <inheritdoc/>
    public ValueTask<BlobReadResult?> ReadAsync(BlobKey key, ReadOptions? options = null, CancellationToken cancellationToken = default)
    {
        Enter(key, "read");
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<BlobReadResult?>(cancellationToken);
        if (!TryRead(key, out BlobReadResult? hit)) return default;
        return new(options is null ? hit : Apply(options, (MemoryBlob)hit));
    }

    /// <inheritdoc/>
    public ValueTask<ListPage> ListPageAsync(ListRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ThrowIfClosed("list");
        request.Validate();
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<ListPage>(cancellationToken);
        long now = _clock.GetUtcNow().UtcTicks;
        return new(_order is null ? MemoryListing.PageOf(All().Where(e => !e.IsTombstone), request, now) : _order.List(request, now));
    }

    /// <inheritdoc/>
    public bool TryGetFacet<T>([NotNullWhen(true)] out T? facet)
        where T : class => (facet = this as T ?? _uploads as T) is not null;

    /// <inheritdoc/>
    public StoreStatistics GetStatistics() => new()
    {
        Blobs = _shards.Sum(s => s.Blobs),
        Bytes = _budget.Used,
        MaxBytes = MaxBytes,
        Evictions = _shards.Sum(s => s.Evictions),
        Expirations = _shards.Sum(s => s.Expirations),
    };

    /// <summary>Closes the store; its blobs are gone, but results handed out stay readable.</summary>
    public async ValueTask DisposeAsync()
    {
        _closed = true;
        _pressure?.Dispose();
        await _sweeper.DisposeAsync().ConfigureAwait(false);
        await CloseRowsAsync().ConfigureAwait(false);
    }

    /// <summary>How the store yields to memory pressure; null if it does not.</summary>
    internal MemoryPressure? Pressure => _pressure;

    internal void ThrowIfClosed(string operation)
    {
        if (_closed) throw StorageException.Closed(operation, _options.Name);
    }

    private static void CheckMaxBytes(long bytes, string parameter)
    {
        if (bytes < LeastBytes) throw new ArgumentException($"MaxBytes must be 64 KiB or more; it is {bytes}.", parameter);
    }

    private static uint MinuteOf(DateTimeOffset time) => (uint)(time.UtcTicks / TimeSpan.TicksPerMinute);

    private static BlobReadResult Apply(ReadOptions options, MemoryBlob blob)
    {
        BlobReadStatus status = options.IfMatch is null && options.IfNoneMatch is null ? BlobReadStatus.Found : options.Evaluate(blob.Info.ETag);
        if (status != BlobReadStatus.Found) return BlobReadResult.WithoutBytes(status, blob.Info, blob.Source);
        if (options.Range is not { } range) return blob;
        return range.TryResolve(blob.Length, out long offset, out long length)
            ? blob.Slice(offset, length)
            : BlobReadResult.WithoutBytes(BlobReadStatus.RangeNotSatisfiable, blob.Info, blob.Source);
    }

    /// <param name="limit">The capacity, or what memory pressure leaves of it.</param>
    private StoreCapabilities Describe(long limit)
    {
        long share = _options.Evicts ? limit / EvictingShare : limit;
        return new StoreCapabilities
        {
            Store = _options.Name,
            IsVolatile = _options.Evicts,
            MaxBlobLength = Math.Min(Math.Min(_options.MaxBlobBytes ?? share, limit), MemoryPayload.MaxLength),
            MultipartUploads = _uploads is not null,
        };
    }

    private List<MemoryBlob> All()
    {
        var entries = new List<MemoryBlob>();
        foreach (MemoryShard shard in _shards)
        {
            lock (shard.Gate) shard.CopyTo(entries);
        }

        return entries;
    }

    private MemoryBlob? Visible(BlobKey key) => _table.Find(key) is { } blob && blob.IsVisible(_clock) ? blob : null;

    private MemoryShard ShardOf(BlobKey key) => _shards[_table.ShardOf((uint)key.Hash)];

    private void Enter(BlobKey key, string operation)
    {
        StoreCapabilities.CheckKey(key);
        ThrowIfClosed(operation);
    }
}
