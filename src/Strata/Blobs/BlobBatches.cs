using System.Runtime.CompilerServices;

namespace Strata;

/// <summary>Reads and writes of many blobs over <see cref="IBlobStore"/>, several at a time, with an outcome for each.</summary>
public static class BlobBatches
{
    /// <summary>The most calls at the same time that may be asked for.</summary>
    public const int MaxParallelism = 256;

    /// <summary>
    /// Reads blobs, with an outcome for each key in the order asked; one failure does not stop the others. At most
    /// <paramref name="parallelism"/> results are under way or waiting for the caller, who disposes each that has come.
    /// </summary>
    /// <param name="store">The store.</param>
    /// <param name="keys">The keys; the same one may come more than once.</param>
    /// <param name="parallelism">Reads at the same time: 1 to <see cref="MaxParallelism"/>; default 16.</param>
    /// <param name="cancellationToken">Gives up; results that have not been handed out are disposed.</param>
    /// <exception cref="StorageException">Of kind Closed: the store is closed.</exception>
    public static IAsyncEnumerable<ReadOutcome> ReadManyAsync(
        this IBlobStore store, IReadOnlyList<BlobKey> keys, int parallelism = 16, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(keys);
        Check(parallelism);
        foreach (BlobKey key in keys) StoreCapabilities.CheckKey(key);
        return ReadAsync(store, keys, parallelism, cancellationToken);
    }

    /// <summary>
    /// Writes blobs, with an outcome for each in the order asked; one failure does not stop the others. Writes of one key are made one
    /// after the other, so that the last of them is what stays.
    /// </summary>
    /// <param name="store">The store.</param>
    /// <param name="writes">What to write.</param>
    /// <param name="parallelism">Writes at the same time: 1 to <see cref="MaxParallelism"/>; default 16.</param>
    /// <param name="cancellationToken">Gives up: writes that have not begun are not made, and those under way are waited for.</param>
    /// <exception cref="StorageException">Of kind Closed: the store is closed.</exception>
    public static async ValueTask<WriteManyResult> WriteManyAsync(
        this IBlobStore store, IReadOnlyList<BlobWrite> writes, int parallelism = 16, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(writes);
        Check(parallelism);
        foreach (BlobWrite write in writes) store.Capabilities.Check(write.Key, write.Options, "write");
        var outcomes = new BlobWriteOutcome[writes.Count];
        IEnumerable<IGrouping<BlobKey, int>> byKey = Enumerable.Range(0, writes.Count).GroupBy(i => writes[i].Key);
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = parallelism, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(byKey, parallel, async (group, token) =>
        {
            foreach (int i in group) outcomes[i] = await WriteAsync(store, writes[i], token).ConfigureAwait(false);
        }).ConfigureAwait(false);
        return new WriteManyResult(outcomes);
    }

    private static async IAsyncEnumerable<ReadOutcome> ReadAsync(
        IBlobStore store, IReadOnlyList<BlobKey> keys, int parallelism, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var begun = new Queue<Task<ReadOutcome>>(parallelism);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            int next = 0;
            while (next < keys.Count || begun.Count > 0)
            {
                while (begun.Count < parallelism && next < keys.Count) begun.Enqueue(ReadAsync(store, keys[next++], ending.Token));
                ReadOutcome outcome = await begun.Peek().ConfigureAwait(false);
                _ = begun.Dequeue();
                yield return outcome;
            }
        }
        finally
        {
            await ending.CancelAsync().ConfigureAwait(false);
            foreach (Task<ReadOutcome> left in begun) await GiveBackAsync(left).ConfigureAwait(false);
        }
    }

    private static async Task<ReadOutcome> ReadAsync(IBlobStore store, BlobKey key, CancellationToken cancellationToken)
    {
        try
        {
            return new ReadOutcome(key, await store.ReadAsync(key, null, cancellationToken).ConfigureAwait(false));
        }
        catch (StorageException e) when (e.Kind != StorageErrorKind.Closed)
        {
            return new ReadOutcome(key, null, e);
        }
    }

    private static async ValueTask<BlobWriteOutcome> WriteAsync(IBlobStore store, BlobWrite write, CancellationToken cancellationToken)
    {
        try
        {
            return new BlobWriteOutcome(write.Key, await store.WriteAsync(write.Key, write.Content, write.Options, cancellationToken).ConfigureAwait(false));
        }
        catch (StorageException e) when (e.Kind != StorageErrorKind.Closed)
        {
            return new BlobWriteOutcome(write.Key, null, e);
        }
    }

    private static async ValueTask GiveBackAsync(Task<ReadOutcome> read)
    {
        try
        {
            if ((await read.ConfigureAwait(false)).Result is { } result) await result.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or StorageException)
        {
            // Nobody waits for it any more.
        }
    }

    private static void Check(int parallelism)
    {
        if (parallelism is < 1 or > MaxParallelism) throw new ArgumentOutOfRangeException(nameof(parallelism), parallelism, $"It must be 1 to {MaxParallelism}.");
    }
}
