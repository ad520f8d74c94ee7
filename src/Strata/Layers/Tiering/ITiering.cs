namespace Strata;

/// <summary>
/// The facet by which a tiered store takes data to where it belongs (<see cref="TierClassifier"/>), and by which a person sees why it is
/// where it is, and decides otherwise.
/// </summary>
/// <remarks>
/// Tiers are named fastest first, those of an origin that is several tiers itself among them. The tiers above the origin hold copies: a
/// blob is <em>in</em> the fastest tier that holds its current write, and it goes to a slower tier by the faster copies' being dropped. No
/// operation here changes what a reader of the store reads, and each may race with writes and deletes: those win.
/// Safe for any number of callers at once.
/// </remarks>
public interface ITiering
{
    /// <summary>
    /// Takes the blobs that are due to where they belong. Cost: what is due, not what is stored. One run at a time: a call waits for the
    /// one under way. What a budget, a failure or a cancellation leaves stays due; a crash leaves no wrong answer, and at most a copy.
    /// </summary>
    /// <param name="run">Budgets, and whether it is for show only; null: all that is due.</param>
    /// <param name="progress">Told after each blob, on the thread of the run.</param>
    /// <param name="cancellationToken">Ends the run before the next blob, and gives up a copy under way.</param>
    /// <exception cref="OperationCanceledException">It was cancelled; what was moved until then has been.</exception>
    /// <exception cref="StorageException">The rows of what is due cannot be read or written. A tier that fails is told in the report instead.</exception>
    ValueTask<TieringReport> RunTieringAsync(TieringRun? run = null, IProgress<TieringProgress>? progress = null, CancellationToken cancellationToken = default);

    /// <summary>What runs have done since the store was opened, and how the last ones ended.</summary>
    TieringStatus GetTieringStatus();

    /// <summary>The fastest tier that holds the key's current write; null if there is no such blob. Cost: a stat of the tiers.</summary>
    ValueTask<string?> GetTierAsync(BlobKey key, CancellationToken cancellationToken = default);

    /// <summary>Where a blob is, where it belongs and why, and what would move it; null if there is no such blob. Cost: a stat of the tiers.</summary>
    ValueTask<TierExplanation?> ExplainAsync(BlobKey key, CancellationToken cancellationToken = default);

    /// <summary>Takes a blob to a faster tier at once, and counts as an access of it. It stays there as long as one that was read there.</summary>
    /// <param name="key">The blob.</param>
    /// <param name="tier">The tier; null: the next faster one than it is in. One that is not faster leaves it as it is.</param>
    /// <param name="cancellationToken">Gives up, and leaves it where it was.</param>
    /// <exception cref="ArgumentException">There is no such tier.</exception>
    /// <exception cref="StorageException">A tier failed; the blob is where it was.</exception>
    ValueTask<MoveStatus> PromoteAsync(BlobKey key, string? tier = null, CancellationToken cancellationToken = default);

    /// <summary>Takes a blob to a slower tier at once. A read may bring it back: a pin, or a rule, keeps it there.</summary>
    /// <param name="key">The blob.</param>
    /// <param name="tier">The tier; null: the next slower one than it is in. One that is not slower leaves it as it is.</param>
    /// <param name="keepInSource">Whether the faster tiers keep theirs: then the slower one merely gets a copy.</param>
    /// <param name="cancellationToken">Gives up, and leaves it where it was.</param>
    /// <exception cref="ArgumentException">There is no such tier.</exception>
    /// <exception cref="StorageException">A tier failed; the blob is where it was, or in both.</exception>
    ValueTask<MoveStatus> DemoteAsync(BlobKey key, string? tier = null, bool keepInSource = false, CancellationToken cancellationToken = default);

    /// <summary>
    /// Keeps a key in a tier from now on, whatever its use and the rules say, and takes its blob there at once. The pin outlives restarts,
    /// and deletes of the blob. Where the tier evicts by itself, a blob that went for want of room comes back with its next read.
    /// </summary>
    /// <returns>What became of the blob. The key is pinned in any case.</returns>
    /// <exception cref="ArgumentException">There is no such tier.</exception>
    /// <exception cref="StorageException">
    /// Nothing was pinned if its <see cref="StorageException.Operation"/> is <c>pin</c> (there are 100,000 pins already, or the row could not be
    /// written); else the key is pinned, and a tier failed.
    /// </exception>
    ValueTask<MoveStatus> PinAsync(BlobKey key, string tier, CancellationToken cancellationToken = default);

    /// <summary>Takes a pin away; the next run that the blob is due in decides where it belongs.</summary>
    /// <returns>False if the key was not pinned.</returns>
    ValueTask<bool> UnpinAsync(BlobKey key, CancellationToken cancellationToken = default);

    /// <summary>The pins, in the order of their keys.</summary>
    IReadOnlyList<TierPin> GetPins();

    /// <summary>
    /// Drops a blob's copies from some tiers above the origin. The origin's own blob is deleted only where all tiers are named: then this
    /// is a delete of the blob.
    /// </summary>
    /// <returns>The tiers that held its current write, and do no more.</returns>
    /// <exception cref="ArgumentException">There is no such tier; or the origin is named, and not all the others.</exception>
    /// <exception cref="StorageException">A tier failed, or the key is being written or in doubt (kind Changed).</exception>
    ValueTask<IReadOnlyList<string>> DeleteFromAsync(BlobKey key, IReadOnlyCollection<string> tiers, CancellationToken cancellationToken = default);

    /// <summary>
    /// One tier as a store. Reads, stats and lists see the blobs of which the tier holds the current write; any other copy counts as
    /// missing, and so does that of a key which is being written or in doubt. Writes, updates and copies are those of the whole store: the origin commits them, their
    /// conditions are the origin's to decide, older copies go from every tier, and the new write gets a copy in this tier. A delete drops
    /// the copy of this tier alone, if the condition holds of it; in the slowest tier it is a delete of the blob. Closing the view closes nothing.
    /// </summary>
    /// <exception cref="ArgumentException">There is no such tier.</exception>
    IBlobStore Tier(string name);

    /// <summary>What is being moved at this moment.</summary>
    IReadOnlyList<TierMove> GetMoves();

    /// <summary>
    /// What a month costs, at the bytes that the tiers hold now and the requests made since the store was opened. A tier that does not count its bytes is taken to hold as many as the fullest
    /// one above it: less than it costs.
    /// </summary>
    /// <param name="prices">A price for each tier; null: those of <see cref="TieringOptions.Prices"/>.</param>
    /// <exception cref="ArgumentException">A tier has no price.</exception>
    CostEstimate EstimateCost(IReadOnlyList<TierPrice>? prices = null);
}
