namespace Strata;

/// <summary>The write-back facet of a store with tiers above the pair: what it changes leaves no older copy there.</summary>
internal sealed class TieredWriteBack(TieredBlobStore store, IWriteBack below) : IWriteBack, IEndsWaits
{
    public ValueTask EndWaitsAsync() => below is IEndsWaits waits ? waits.EndWaitsAsync() : default;

    public WriteBackStatus GetStatus() => below.GetStatus();

    public ValueTask<long> FlushAsync(CancellationToken cancellationToken = default) => below.FlushAsync(cancellationToken);

    public IAsyncEnumerable<OutboxDeadLetter> ListDeadLettersAsync(CancellationToken cancellationToken = default) => below.ListDeadLettersAsync(cancellationToken);

    public ValueTask<OutboxDeadLetter?> FindDeadLetterAsync(BlobKey key, CancellationToken cancellationToken = default) => below.FindDeadLetterAsync(key, cancellationToken);

    public ValueTask<bool> ReplayAsync(BlobKey key, CancellationToken cancellationToken = default) => below.ReplayAsync(key, cancellationToken);

    public ValueTask<bool> DiscardAsync(BlobKey key, CancellationToken cancellationToken = default) =>
        store.ChangeBelowAsync(key, () => below.DiscardAsync(key, cancellationToken), cancellationToken);
}
