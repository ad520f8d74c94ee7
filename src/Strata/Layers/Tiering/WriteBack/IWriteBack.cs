namespace Strata;

/// <summary>The facet of a store with <see cref="TieringWrites.Back"/>: what its origin does not have yet.</summary>
public interface IWriteBack
{
    /// <summary>What is pending. Cost: a look at each pending key.</summary>
    WriteBackStatus GetStatus();

    /// <summary>
    /// Waits until the origin has all that was acknowledged before this call, or it was given up. A write whose sending was once
    /// of unknown outcome counts as pending until nothing of it can come through any more.
    /// </summary>
    /// <returns>How many keys are dead letters of what was waited for.</returns>
    ValueTask<long> FlushAsync(CancellationToken cancellationToken = default);

    /// <summary>What was given up, in the order of the keys.</summary>
    IAsyncEnumerable<OutboxDeadLetter> ListDeadLettersAsync(CancellationToken cancellationToken = default);

    /// <summary>A key's dead letter; null: it has none.</summary>
    ValueTask<OutboxDeadLetter?> FindDeadLetterAsync(BlobKey key, CancellationToken cancellationToken = default);

    /// <summary>Sends a dead letter again.</summary>
    /// <returns>False: the key has none.</returns>
    ValueTask<bool> ReplayAsync(BlobKey key, CancellationToken cancellationToken = default);

    /// <summary>
    /// Removes a dead letter, and with it the write or delete that the origin never got: the key is from then on what the origin
    /// holds. <b>That loses data</b> which was acknowledged.
    /// </summary>
    /// <returns>False: the key has none, or has been written since.</returns>
    ValueTask<bool> DiscardAsync(BlobKey key, CancellationToken cancellationToken = default);
}
