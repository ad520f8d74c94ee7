namespace Strata;

/// <summary>
/// Sends requests: attempts, pauses and time-outs. The SDK's own retries are off, as they take the lost reply to a
/// conditional write for a refusal.
/// </summary>
/// <remarks>Waits by the machine's clock, whatever the store's clock says: it is the network that is waited for.</remarks>
/// <param name="limits">How often and how long.</param>
/// <param name="classify">What an exception means.</param>
internal sealed class RemoteCalls(RemoteLimits limits, Func<Exception, RemoteFault> classify)
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(20);

    private volatile string? _fault;

    public RemoteLimits Limits => limits;

    /// <summary>What was wrong with the last attempt, as a sentence; null once one was answered.</summary>
    public string? Fault => _fault;

    /// <summary>What an exception means.</summary>
    public RemoteFault Classify(Exception error) => classify(error);

    /// <summary>A request that changes nothing.</summary>
    /// <exception cref="StorageException">All attempts failed, or one for good.</exception>
    public async ValueTask<T> ReadAsync<T>(string operation, BlobKey? key, Func<RemoteAttempt, Task<T>> send, CancellationToken cancellationToken)
    {
        for (int number = 1; ; number++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            RemoteFault fault;
            using var attempt = new RemoteAttempt(limits.ProgressTimeout, cancellationToken);
            try
            {
                T answer = await send(attempt).ConfigureAwait(false);
                _fault = null;
                return answer;
            }
            catch (Exception e) when (e is not StorageException)
            {
                cancellationToken.ThrowIfCancellationRequested();
                fault = Note(classify(e));
                if (!MayRetry(fault, number)) throw ToException(fault, e, operation, key, isUnknown: false);
            }

            await PauseAsync(number, fault.RetryAfter, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>A request that changes something. It is not cancelled once it is under way.</summary>
    /// <param name="operation">What is being done.</param>
    /// <param name="key">To which key.</param>
    /// <param name="limit">How long nothing may move.</param>
    /// <param name="send">Sends it: an answer, or an exception.</param>
    /// <param name="wasMade">After an attempt of unknown outcome: whether the change that is there is this one. Null if a repetition does no harm and is told apart from nothing.</param>
    /// <exception cref="StorageException">All attempts failed, or one for good; the outcome is unknown if that of any attempt is.</exception>
    public async ValueTask<RemoteAnswer> ChangeAsync(string operation, BlobKey key, TimeSpan limit, Func<RemoteAttempt, Task<RemoteAnswer>> send, Func<ValueTask<bool>>? wasMade)
    {
        bool isUnknown = false, isLostReply = false;
        Exception? before = null;
        for (int number = 1; ; number++)
        {
            Exception error;
            using var attempt = new RemoteAttempt(limit, CancellationToken.None);
            try
            {
                RemoteAnswer answer = await send(attempt).ConfigureAwait(false);
                _fault = null;
                if (answer == RemoteAnswer.Done || !isUnknown || wasMade is null) return answer;

                // An earlier attempt may be what this one met: its own work, or that of somebody who came behind it.
                if (await wasMade().ConfigureAwait(false)) return RemoteAnswer.Done;
                if (!isLostReply) return answer;
                var overtaken = new RemoteFault(StorageErrorKind.Unavailable, "lost the reply to a change, and holds another one by now", IsTransient: true);
                throw ToException(overtaken, before, operation, key, isUnknown: true);
            }
            catch (Exception e) when (e is not StorageException)
            {
                error = e;
            }

            before = error;
            RemoteFault fault = Note(classify(error));
            isUnknown |= fault.IsUnknown;
            isLostReply |= fault is { IsUnknown: true, IsLostRace: false };
            bool again = MayRetry(fault, number);
            if (again) await PauseAsync(number, fault.RetryAfter, CancellationToken.None).ConfigureAwait(false);
            if (isUnknown && wasMade is not null && await WasMadeAsync(wasMade).ConfigureAwait(false)) return RemoteAnswer.Done;
            if (!again) throw ToException(fault, error, operation, key, isUnknown);
        }
    }

    public async ValueTask PauseAsync(int failures, TimeSpan? wish, CancellationToken cancellationToken)
    {
        TimeSpan pause = wish ?? limits.RetryDelay * Math.Pow(2, failures - 1) * (0.5 + Random.Shared.NextDouble());
        await Task.Delay(wish is null && pause > LongestPause ? LongestPause : pause, TimeProvider.System, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The exception for a fault. Its message holds nothing of the request.</summary>
    public StorageException ToException(RemoteFault fault, Exception? cause, string operation, BlobKey? key, bool isUnknown) =>
        new(fault.Kind, $"Store '{limits.Store}' {fault.What} ({operation}{(key is { } k ? $" of '{k}'" : "")}).", cause)
        {
            Operation = operation, Key = key, Store = limits.Store, IsTransient = fault.IsTransient, Outcome = isUnknown ? WriteOutcome.Unknown : WriteOutcome.NotApplied,
        };

    private RemoteFault Note(RemoteFault fault)
    {
        if (fault.Kind is StorageErrorKind.Unavailable or StorageErrorKind.Timeout or StorageErrorKind.AccessDenied or StorageErrorKind.Full) _fault = $"It {fault.What}.";
        return fault;
    }

    private bool MayRetry(RemoteFault fault, int number) => fault is { IsTransient: true, IsWorthRetrying: true } && number < limits.MaxAttempts;

    private static async ValueTask<bool> WasMadeAsync(Func<ValueTask<bool>> wasMade)
    {
        try
        {
            return await wasMade().ConfigureAwait(false);
        }
        catch (StorageException)
        {
            // Nobody can tell yet; the next attempt will.
            return false;
        }
    }
}
