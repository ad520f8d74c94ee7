namespace Strata;

/// <summary>
/// Holds writers back when too much is pending. What is pending is counted as it comes and goes; a change that took the place
/// of another is counted twice, so that a full outbox is counted anew, though not at each change.
/// </summary>
/// <param name="options">How much may be pending.</param>
/// <param name="count">Reads what is pending: how many and how many bytes.</param>
/// <param name="clock">For waits.</param>
internal sealed class OutboxRoom(OutboxOptions options, Func<CancellationToken, Task<(long Count, long Bytes)>> count, TimeProvider clock)
{
    /// <summary>What an intent takes beside its key and data.</summary>
    public const int IntentBytes = 64;
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(1);
    private readonly SemaphoreSlim _counting = new(1, 1);
    private TaskCompletionSource _freed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _pending;
    private long _bytes;
    private long _cameSince;
    private volatile bool _isCounted;

    /// <summary>Pending intents, about: at most so many.</summary>
    public long Pending => Math.Max(0, Interlocked.Read(ref _pending));

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

    public ValueTask AdmitAsync(CancellationToken cancellationToken) => _isCounted && !IsFull ? default : WaitAsync(cancellationToken);

    private async ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var freed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Volatile.Write(ref _freed, freed);
            await CountAsync(cancellationToken).ConfigureAwait(false);
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
            await Task.WhenAny(freed.Task, Task.Delay(LookAgain, clock, waiting.Token)).ConfigureAwait(false);
            await waiting.CancelAsync().ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            if (!freed.Task.IsCompleted) Interlocked.Add(ref _cameSince, options.MaxPending);
        }
    }

    private async ValueTask CountAsync(CancellationToken cancellationToken)
    {
        await _counting.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_isCounted && (!IsFull || Interlocked.Read(ref _cameSince) <= options.MaxPending / 100)) return;
            long pending = Interlocked.Read(ref _pending), bytes = Interlocked.Read(ref _bytes);
            Interlocked.Exchange(ref _cameSince, 0);
            (long foundCount, long foundBytes) = await count(cancellationToken).ConfigureAwait(false);

            // What came or went meanwhile is in the difference.
            Interlocked.Add(ref _pending, foundCount - pending);
            Interlocked.Add(ref _bytes, foundBytes - bytes);
            _isCounted = true;
        }
        finally
        {
            _counting.Release();
        }
    }
}
