namespace Strata;

/// <summary>
/// Holds writers back when too much is pending. What is pending is counted as it comes and goes; a change that took the place
/// of another is counted twice, so that a full outbox is counted anew, though not at each change. Those who were admitted and have
/// not written yet are not counted: it holds about as much as it may.
/// </summary>
/// <param name="options">How much may be pending.</param>
/// <param name="count">Reads what is pending: how many and how many bytes.</param>
/// <param name="clock">For waits.</param>
internal sealed class OutboxRoom(OutboxOptions options, Func<CancellationToken, Task<(long Count, long Bytes)>> count, TimeProvider clock)
{
    /// <summary>What an intent takes beside its key and data.</summary>
    public const int IntentBytes = 64;
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(1);
    private readonly Lock _gate = new();
    private Task _counting = Task.CompletedTask;
    private TaskCompletionSource _freed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _pending;
    private long _bytes;
    private long _cameSince;
    private volatile bool _isCounted;

    /// <summary>Pending intents, about: at most so many.</summary>
    public long Pending => Math.Max(0, Interlocked.Read(ref _pending));

    public bool HasRoom => _isCounted && !IsFull;

    private bool IsFull => Pending >= options.MaxPending || Interlocked.Read(ref _bytes) >= options.MaxPendingBytes;

    public void Came(long bytes)
    {
        Interlocked.Increment(ref _pending);
        Interlocked.Add(ref _bytes, bytes);
        Interlocked.Increment(ref _cameSince);
    }

    public void Went(int intents, long bytes)
    {
        if (intents == 0) return;
        Interlocked.Add(ref _pending, -intents);
        Interlocked.Add(ref _bytes, -intents * bytes);
        Volatile.Read(ref _freed).TrySetResult();
    }

    public ValueTask AdmitAsync(CancellationToken cancellationToken) => HasRoom ? default : WaitAsync(cancellationToken);

    private async ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task freed = Freed();
            await CountAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
            if (!IsFull) return;
            if (!options.WaitsWhenFull)
            {
                throw new StorageException(StorageErrorKind.Full, $"The outbox '{options.Name}' is full: {Pending} intents are pending, of {options.MaxPending}, with {Interlocked.Read(ref _bytes)} bytes of {options.MaxPendingBytes}. Look at what keeps them from being sent.")
                {
                    Operation = "enqueue", Store = options.Name, IsTransient = true,
                };
            }

            // Others may send them too, who do not tell.
            using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            await Task.WhenAny(freed, Task.Delay(LookAgain, clock, waiting.Token)).ConfigureAwait(false);
            await waiting.CancelAsync().ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            if (!freed.IsCompleted) Interlocked.Add(ref _cameSince, options.MaxPending);
        }
    }

    /// <summary>Ends when something goes from now on; all who wait share it.</summary>
    private Task Freed()
    {
        TaskCompletionSource freed = Volatile.Read(ref _freed);
        if (!freed.Task.IsCompleted) return freed.Task;
        var next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource others = Interlocked.CompareExchange(ref _freed, next, freed);
        return ReferenceEquals(others, freed) ? next.Task : others.Task;
    }

    /// <summary>Counts anew where that may tell something; all who ask meanwhile share it.</summary>
    private Task CountAsync()
    {
        lock (_gate)
        {
            if (!_counting.IsCompleted) return _counting;
            if (_isCounted && (!IsFull || Interlocked.Read(ref _cameSince) <= options.MaxPending / 100)) return Task.CompletedTask;
            return _counting = Task.Run(CountNowAsync);
        }
    }

    private async Task CountNowAsync()
    {
        long pending = Interlocked.Read(ref _pending), bytes = Interlocked.Read(ref _bytes);
        Interlocked.Exchange(ref _cameSince, 0);
        (long foundCount, long foundBytes) = await count(CancellationToken.None).ConfigureAwait(false);

        // What came or went meanwhile is in the difference.
        Interlocked.Add(ref _pending, foundCount - pending);
        Interlocked.Add(ref _bytes, foundBytes - bytes);
        _isCounted = true;
    }
}
