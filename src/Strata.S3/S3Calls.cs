using Amazon.S3;

namespace Strata.S3;

/// <summary>
/// Sends requests: attempts, pauses and time-outs. The SDK's own retries are off, as they take the lost reply to a
/// conditional write for a refusal.
/// </summary>
/// <remarks>Waits by the machine's clock, whatever the store's clock says: it is the network that is waited for.</remarks>
internal sealed class S3Calls(IAmazonS3 client, S3BlobStoreOptions options)
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(20);

    public IAmazonS3 Client => client;

    /// <summary>A request that changes nothing.</summary>
    /// <exception cref="StorageException">All attempts failed, or one for good.</exception>
    public async ValueTask<T> ReadAsync<T>(string operation, BlobKey? key, Func<S3Attempt, Task<T>> send, CancellationToken cancellationToken)
    {
        for (int number = 1; ; number++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            S3Fault fault;
            using var attempt = new S3Attempt(options.ProgressTimeout, cancellationToken);
            try
            {
                return await send(attempt).ConfigureAwait(false);
            }
            catch (Exception e) when (e is not StorageException)
            {
                cancellationToken.ThrowIfCancellationRequested();
                fault = S3Errors.Classify(e);
                if (!MayRetry(fault, number)) throw S3Errors.ToException(fault, e, operation, key, options.Name, isUnknown: false);
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
    public async ValueTask<S3Answer> ChangeAsync(string operation, BlobKey key, TimeSpan limit, Func<S3Attempt, Task<S3Answer>> send, Func<ValueTask<bool>>? wasMade)
    {
        bool isUnknown = false, isLostReply = false;
        Exception? before = null;
        for (int number = 1; ; number++)
        {
            Exception error;
            using var attempt = new S3Attempt(limit, CancellationToken.None);
            try
            {
                S3Answer answer = await send(attempt).ConfigureAwait(false);
                if (answer == S3Answer.Done || !isUnknown || wasMade is null) return answer;

                // An earlier attempt may be what this one met: its own work, or that of somebody who came behind it.
                if (await wasMade().ConfigureAwait(false)) return S3Answer.Done;
                if (!isLostReply) return answer;
                var overtaken = new S3Fault(StorageErrorKind.Unavailable, "lost the reply to a change, and holds another one by now", IsTransient: true);
                throw S3Errors.ToException(overtaken, before, operation, key, options.Name, isUnknown: true);
            }
            catch (Exception e) when (e is not StorageException)
            {
                error = e;
            }

            before = error;
            S3Fault fault = S3Errors.Classify(error);
            isUnknown |= fault.IsUnknown;
            isLostReply |= fault is { IsUnknown: true, IsLostRace: false };
            bool again = MayRetry(fault, number);
            if (again) await PauseAsync(number, fault.RetryAfter, CancellationToken.None).ConfigureAwait(false);
            if (isUnknown && wasMade is not null && await WasMadeAsync(wasMade).ConfigureAwait(false)) return S3Answer.Done;
            if (!again) throw S3Errors.ToException(fault, error, operation, key, options.Name, isUnknown);
        }
    }

    public async ValueTask PauseAsync(int failures, TimeSpan? wish, CancellationToken cancellationToken)
    {
        TimeSpan pause = wish ?? options.RetryDelay * Math.Pow(2, failures - 1) * (0.5 + Random.Shared.NextDouble());
        await Task.Delay(wish is null && pause > LongestPause ? LongestPause : pause, TimeProvider.System, cancellationToken).ConfigureAwait(false);
    }

    private bool MayRetry(S3Fault fault, int number) => fault is { IsTransient: true, IsWorthRetrying: true } && number < options.MaxAttempts;

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
