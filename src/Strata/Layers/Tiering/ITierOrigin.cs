namespace Strata;

/// <summary>
/// An origin that is several tiers itself: the blobs of a write-back pair, or of tiers that each hold blobs of their own. The
/// tiered store above it decides where a blob belongs; the origin takes it there.
/// </summary>
internal interface ITierOrigin : IBlobStore
{
    /// <summary>Its tiers, fastest first. Its owner's names: unique in the whole store.</summary>
    IReadOnlyList<Tier> Tiers { get; }

    /// <summary>Keys of which a change from before the start may yet come through: until it cannot, no copy of theirs may be made above.</summary>
    IReadOnlyCollection<BlobKey> LeftInDoubt { get; }

    /// <summary>A snapshot of each tier, fastest first.</summary>
    IReadOnlyList<TierStatistics> GetTierStatistics();

    /// <summary>Names of the tiers that hold the key's current write, fastest first; empty if it is missing.</summary>
    ValueTask<IReadOnlyList<string>> LocateAsync(BlobKey key, CancellationToken cancellationToken);

    /// <summary>Takes the key's current write to a tier; a read, write or delete meanwhile does not notice, and a later write wins.</summary>
    /// <param name="key">The blob.</param>
    /// <param name="tier">One of <see cref="Tiers"/>.</param>
    /// <param name="keepInSource">Whether it also stays where it was; where each blob has one home this is refused.</param>
    /// <param name="cancellationToken">Gives up, and leaves the blob where it was.</param>
    /// <exception cref="StorageException">A tier failed; the blob is where it was.</exception>
    ValueTask<MoveStatus> MoveAsync(BlobKey key, string tier, bool keepInSource, CancellationToken cancellationToken);

    /// <summary>What is being moved at this moment.</summary>
    IReadOnlyList<TierMove> GetMoves();
}
