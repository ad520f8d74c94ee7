using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>A tier with what it has done since the store was opened.</summary>
internal class TierCounters(Tier tier, bool isOrigin, TimeProvider clock, ILogger log)
{
    private static readonly InstrumentAdvice<double> Buckets = new()
    {
        HistogramBucketBoundaries = [0.00001, 0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
    };

    private readonly TimedReads _timed = new(tier.Name, clock);
    private readonly StripedCounter _hits = new();
    private readonly StripedCounter _misses = new();
    private readonly StripedCounter _errors = new();
    private readonly StripedCounter _readTicks = new();
    private readonly StripedCounter _bytesRead = new();
    private readonly StripedCounter _bytesWritten = new();
    private readonly LatencyHistogram _latency = new();
    private readonly bool _isShared = !isOrigin && tier.Store.TryGetFacet(out ISharedReads? _);
    private volatile string? _lastError;

    public string Name => tier.Name;

    public IBlobStore Store => tier.Store;

    public StripedCounter Promotions { get; } = new();

    public StripedCounter Fills { get; } = new();

    public StripedCounter Demotions { get; } = new();

    /// <summary>Where timed reads are recorded as well; null for nowhere.</summary>
    public Histogram<double>? Durations { get; init; }

    /// <summary>The store's name in <see cref="Durations"/>.</summary>
    public string? Owner { get; init; }

    public StripedCounter Repairs { get; } = new();

    public StripedCounter StaleReads { get; } = new();

    /// <summary>How long a read that has an alternative waits for this tier; null: until it has ended.</summary>
    public TimeSpan? SoftTimeout => tier.SoftTimeout;

    public TimeSpan? HardTimeout => tier.HardTimeout;

    public long Hits => _hits.Value + (HandedOut?.Invoke() ?? 0);

    /// <summary>Hits that were handed out without a call, where somebody else counts them.</summary>
    public Func<long>? HandedOut { get; set; }

    /// <summary>Reads the tier; what makes no progress for its hard time-out fails with kind Timeout.</summary>
    public ValueTask<BlobReadResult?> ReadAsync(BlobKey key, ReadOptions? options, CancellationToken cancellationToken) => ReadAsync(key, options, tier.HardTimeout, cancellationToken);

    /// <summary>Reads the tier for somebody who has an alternative.</summary>
    public ValueTask<BlobReadResult?> ReadSoonAsync(BlobKey key, ReadOptions? options, CancellationToken cancellationToken) =>
        ReadAsync(key, options, tier.SoftTimeout ?? tier.HardTimeout, cancellationToken);

    /// <summary>Stats the tier; with the hard time-out.</summary>
    public ValueTask<BlobInfo?> StatAsync(BlobKey key, CancellationToken cancellationToken) =>
        tier.HardTimeout is { } limit ? RunAsync(limit, key, token => Store.StatAsync(key, token), null, cancellationToken) : Store.StatAsync(key, cancellationToken);

    /// <summary>Lists a page of the tier; with the hard time-out.</summary>
    public async ValueTask<ListPage> ListPageAsync(ListRequest request, CancellationToken cancellationToken)
    {
        ListPage page = tier.HardTimeout is { } limit
            ? await RunAsync(limit, default, token => Store.ListPageAsync(request, token), null, cancellationToken).ConfigureAwait(false)
            : await Store.ListPageAsync(request, cancellationToken).ConfigureAwait(false);
        NoteAnswer();
        return page;
    }

    /// <summary>Runs a part of a read that somebody waits for so long at most.</summary>
    public ValueTask<T> RunAsync<T>(TimeSpan limit, BlobKey key, Func<CancellationToken, ValueTask<T>> run, Func<Task<T>, ValueTask>? ended, CancellationToken cancellationToken) =>
        _timed.RunAsync(limit, key, run, ended, cancellationToken);

    public bool Takes(long length) => tier.Takes(length);

    /// <summary>The instrument for <see cref="Durations"/>; one a meter, whoever asks.</summary>
    public static Histogram<double> DurationsOf(Meter meter) =>
        meter.CreateHistogram("strata.tier.read.duration", "s", "Time until the answer of a read began, by the tier that answered; hits of memory that are handed out without a call are not timed", tags: null, Buckets);

    public void NoteMiss() => _misses.Increment();

    /// <summary>Notes a read that this tier answered, with so many bytes, and that began at <paramref name="started"/> on the context's clock.</summary>
    public void NoteHit(long started, long bytes)
    {
        TimeSpan took = clock.GetElapsedTime(started);
        _hits.Increment();
        _bytesRead.Add(bytes);
        _readTicks.Add(took.Ticks);
        _latency.Add(took);
        if (Durations is { Enabled: true } durations) durations.Record(took.TotalSeconds, new("store", Owner), new("tier", Name));
    }

    /// <summary>The tier has answered.</summary>
    public virtual void NoteAnswer()
    {
    }

    /// <summary>Notes payload bytes that the tier holds from now on.</summary>
    public void NoteWritten(long bytes) => _bytesWritten.Add(bytes);

    /// <summary>A failure that costs a copy or a detour, and not the caller's operation: counted, shown and logged.</summary>
    public void NoteError(Exception e, string operation, BlobKey key)
    {
        _errors.Increment();
        _lastError = e.Message;
        OnError(e);
        log.LogWarning(e, "Tier '{Tier}' failed to {Operation} '{Key}'", Name, operation, key);
    }

    public virtual TierStatistics Snapshot()
    {
        LatencySnapshot latency = _latency.Snapshot();
        return TierStatistics.Of(Name, Store) with
        {
            IsOrigin = isOrigin,
            Hits = Hits,
            Misses = _misses.Value,
            Promotions = Promotions.Value,
            Fills = Fills.Value,
            Demotions = Demotions.Value,
            BytesRead = _isShared ? null : _bytesRead.Value,
            BytesWritten = _bytesWritten.Value,
            TimedReads = latency.Count,
            Repairs = Repairs.Value,
            StaleReads = StaleReads.Value,
            Errors = _errors.Value,
            LastError = _lastError,
            MeanReadMicroseconds = latency.Count == 0 ? 0 : TimeSpan.FromTicks(_readTicks.Value / latency.Count).TotalMicroseconds,
            ReadP50Microseconds = latency.P50.TotalMicroseconds,
            ReadP99Microseconds = latency.P99.TotalMicroseconds,
        };
    }

    /// <summary>Called at each failure that is noted.</summary>
    protected virtual void OnError(Exception e)
    {
    }

    private ValueTask<BlobReadResult?> ReadAsync(BlobKey key, ReadOptions? options, TimeSpan? limit, CancellationToken cancellationToken) =>
        limit is { } time ? _timed.OpenAsync(time, key, token => Store.ReadAsync(key, options, token), cancellationToken) : Store.ReadAsync(key, options, cancellationToken);
}
