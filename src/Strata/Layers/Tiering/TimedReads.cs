namespace Strata;

/// <summary>Ends a tier's reads in time. One that was given up is cancelled, and what it still brings is disposed; so many that never end are borne, and no more.</summary>
/// <param name="tier">The tier's name.</param>
/// <param name="clock">Counts the time.</param>
internal sealed class TimedReads(string tier, TimeProvider clock)
{
    private const int MostLate = 64;
    private int _late;

    /// <summary>Opens a blob, and sees to it that its stream goes on.</summary>
    public async ValueTask<BlobReadResult?> OpenAsync(TimeSpan limit, BlobKey key, Func<CancellationToken, ValueTask<BlobReadResult?>> open, CancellationToken cancellationToken)
    {
        BlobReadResult? read = await RunAsync(limit, key, open, DisposeLateAsync, cancellationToken).ConfigureAwait(false);
        return read is { Status: BlobReadStatus.Found } && !read.TryGetSequence(out _) ? new TimedResult(read, this, limit) : read;
    }

    /// <summary>Runs a part of a read, or of what is done to a copy.</summary>
    /// <param name="limit">How long it may take.</param>
    /// <param name="key">The blob.</param>
    /// <param name="run">The part; cancelled when it is given up.</param>
    /// <param name="ended">Called when one that was given up has ended, whatever it came to; null: nothing is to be done.</param>
    /// <param name="cancellationToken">Gives it up before.</param>
    /// <exception cref="StorageException">Of kind Timeout: it took too long.</exception>
    public async ValueTask<T> RunAsync<T>(TimeSpan limit, BlobKey key, Func<CancellationToken, ValueTask<T>> run, Func<Task<T>, ValueTask>? ended, CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _late) >= MostLate) throw TooLate(key, $"{MostLate} reads of it that were given up have not ended");
        var giveUp = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task<T>? running = null;
        bool isOver = true;
        try
        {
            ValueTask<T> begun = run(giveUp.Token);
            if (begun.IsCompleted) return await begun.ConfigureAwait(false);
            running = begun.AsTask();
            isOver = false;
            T result = await running.WaitAsync(limit, clock, cancellationToken).ConfigureAwait(false);
            isOver = true;
            return result;
        }
        catch (TimeoutException e) when (running?.Exception?.InnerException != e)
        {
            throw TooLate(key, $"it made no progress for {limit}", e);
        }
        finally
        {
            if (isOver || running is { IsCompleted: true, IsCompletedSuccessfully: false }) giveUp.Dispose();
            else _ = FollowAsync(running!, giveUp, ended);
        }
    }

    private static ValueTask DisposeLateAsync(Task<BlobReadResult?> late) =>
        late is { IsCompletedSuccessfully: true, Result: { } read } ? read.DisposeAsync() : default;

    private async Task FollowAsync<T>(Task<T> running, CancellationTokenSource giveUp, Func<Task<T>, ValueTask>? ended)
    {
        Interlocked.Increment(ref _late);
        try
        {
            await giveUp.CancelAsync().ConfigureAwait(false);
            await ((Task)running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (ended is not null) await ended(running).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // Its caller has been told already that it was given up, and nobody waits for what it came to.
        }
        finally
        {
            Interlocked.Decrement(ref _late);
            giveUp.Dispose();
        }
    }

    private StorageException TooLate(BlobKey key, string why, Exception? inner = null) =>
        new(StorageErrorKind.Timeout, $"Tier '{tier}' was not waited for{(key.IsDefault ? "" : $" with '{key}'")}: {why}.", inner) { Operation = key.IsDefault ? "list" : "read", Key = key, Store = tier, IsTransient = true };
}
