using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>
/// A store's tracker with its rows: read in the background after the opening, written about once a minute, before each run and at
/// the close. What a crash takes is the use of that minute.
/// </summary>
internal sealed class KeptAccesses : IAsyncDisposable
{
    private static readonly TimeSpan FlushEvery = TimeSpan.FromMinutes(1);
    private readonly TierState? _state;
    private readonly MemoryKvDatabase? _memory;
    private readonly ILogger _log;
    private readonly ITimer _timer;
    private readonly CancellationTokenSource _closing = new();
    private readonly SemaphoreSlim _loading = new(1);
    private readonly Lock _gate = new();
    private Task _background = Task.CompletedTask;
    private bool _isRunning;
    private bool _isClosed;
    private volatile bool _isLoaded;
    private volatile bool _isMarked;
    private volatile string? _lastError;

    /// <summary>Rows in the store's state or, where there is none, in memory.</summary>
    public KeptAccesses(AccessTracker tracker, TierClassifier classifier, TierState? state, StoreContext context)
    {
        Tracker = tracker;
        _state = state;
        _memory = state is null ? new MemoryKvDatabase(new MemoryKvDatabaseOptions { Name = "accesses" }, context) : null;
        _log = context.Loggers.CreateLogger<KeptAccesses>();
        Rows = state is null
            ? new AccessRows(tracker, classifier, _memory!, [TierState.UseTable], [TierState.DueTable], context)
            : new AccessRows(tracker, classifier, state.Database, state.PrefixOf(TierState.UseTable), state.PrefixOf(TierState.DueTable), context);
        _timer = context.Clock.CreateTimer(static kept => ((KeptAccesses)kept!).Tick(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public AccessTracker Tracker { get; }

    public AccessRows Rows { get; }

    /// <summary>Whether the rows outlive a restart.</summary>
    public bool IsDurable => _state is { IsDurable: true };

    /// <summary>Why the rows could not be read or written the last time; null if they could.</summary>
    public string? LastError => _lastError;

    /// <summary>Begins to read the rows, and to write them from then on.</summary>
    public void Begin() => InBackground(token => ReadyAsync(token).AsTask());

    /// <summary>Completes when the rows have been read; what fails is tried again by the next call.</summary>
    public async ValueTask ReadyAsync(CancellationToken cancellationToken)
    {
        if (_isLoaded) return;
        await _loading.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_isLoaded) return;
            await Rows.LoadAsync(cancellationToken).ConfigureAwait(false);
            _isLoaded = true;
        }
        finally
        {
            _loading.Release();
        }
    }

    /// <summary>Writes what has changed, as much as one flush takes.</summary>
    /// <returns>How many keys were written.</returns>
    public async ValueTask<int> FlushAsync(CancellationToken cancellationToken)
    {
        await ReadyAsync(cancellationToken).ConfigureAwait(false);
        if (Tracker.GetStatistics().Changed > 0) await MarkAsync(cancellationToken).ConfigureAwait(false);
        int written = await Rows.FlushAsync(cancellationToken).ConfigureAwait(false);
        _lastError = null;
        return written;
    }

    /// <summary>Makes a key due at a time, unless it has its row already.</summary>
    public async ValueTask MakeDueAsync(BlobKey key, DateTimeOffset time, CancellationToken cancellationToken)
    {
        await ReadyAsync(cancellationToken).ConfigureAwait(false);
        await MarkAsync(cancellationToken).ConfigureAwait(false);
        await Rows.SettleAsync([(new DueKey(key, 0), time)], cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Writes all that has changed, then ends.</summary>
    public async ValueTask DisposeAsync()
    {
        Task background;
        lock (_gate)
        {
            if (_isClosed) return;
            _isClosed = true;
            background = _background;
        }

        await _timer.DisposeAsync().ConfigureAwait(false);
        await _closing.CancelAsync().ConfigureAwait(false);
        await background.ConfigureAwait(false);
        await TryAsync(FlushAllAsync, CancellationToken.None).ConfigureAwait(false);
        Rows.Dispose();
        Tracker.Dispose();
        if (_memory is not null) await _memory.DisposeAsync().ConfigureAwait(false);
        _loading.Dispose();
        _closing.Dispose();
    }

    /// <summary>Before the first rows of this opening.</summary>
    private async ValueTask MarkAsync(CancellationToken cancellationToken)
    {
        if (_isMarked || _state is null) return;
        await _state.MarkAsync(cancellationToken).ConfigureAwait(false);
        _isMarked = true;
    }

    /// <summary>Rows in memory are written before a run alone; but what was used is dated now, and not at the next question.</summary>
    private void Tick()
    {
        if (_state is null) Tracker.Drain();
        InBackground(token => _state is null ? Task.CompletedTask : FlushAsync(token).AsTask());
    }

    private void InBackground(Func<CancellationToken, Task> run)
    {
        lock (_gate)
        {
            if (_isClosed || _isRunning) return;
            _isRunning = true;
            _background = RunAsync(run);
        }
    }

    private async Task RunAsync(Func<CancellationToken, Task> run)
    {
        // Off the thread that holds the gate.
        await Task.Yield();
        await TryAsync(run, _closing.Token).ConfigureAwait(false);
        lock (_gate)
        {
            _isRunning = false;
            if (!_isClosed) _timer.Change(FlushEvery, Timeout.InfiniteTimeSpan);
        }
    }

    private async Task FlushAllAsync(CancellationToken cancellationToken)
    {
        // Rows in memory are gone in a moment.
        if (_state is null) return;
        while (await FlushAsync(cancellationToken).ConfigureAwait(false) > 0)
        {
        }
    }

    /// <summary>A failure costs a minute of use, or the rows' memory until the next try; it is shown and logged, and tried again.</summary>
    private async Task TryAsync(Func<CancellationToken, Task> run, CancellationToken cancellationToken)
    {
        try
        {
            await run(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            // The store closes, and writes once more.
        }
        catch (Exception e)
        {
            _lastError = e.Message;
            _log.LogWarning(e, "The rows of uses in '{Database}' could not be read or written; they are tried again in a minute", _state?.Name);
        }
    }
}
