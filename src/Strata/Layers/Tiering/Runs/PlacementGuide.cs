namespace Strata;

/// <summary>Where the blobs of a store belong: the classifier with what this store knows of its tiers, of pins and of use.</summary>
internal sealed class PlacementGuide(TieringPolicy policy, TierMap map, TierPins pins)
{
    public TierClassifier Classifier { get; } = new(policy, map.Plans);

    /// <summary>The fastest tier that pins and rules allow a key, whatever its use. Cost: the rules are gone through, where there are any.</summary>
    public int HottestOf(BlobKey key) => pins.Find(key) ?? (policy.Rules.Count == 0 ? 0 : Classifier.HottestFor(key));

    /// <summary>Whether a read of the key is to be followed by copies into the faster tiers.</summary>
    public bool PromotesOnRead(BlobKey key, AccessTracker? tracker)
    {
        if (policy.PromoteOnRead || pins.Find(key) is not null) return true;

        // This read is noted when it is over.
        return tracker?.UseOf(key) is { } use && policy.Promotes(use with { Accesses = use.Accesses + 1 });
    }

    /// <summary>What is known of a blob.</summary>
    /// <param name="info">The blob.</param>
    /// <param name="use">How it was used.</param>
    /// <param name="now">The time of the question.</param>
    /// <param name="fill">How full the tiers are.</param>
    public PlacementFacts FactsOf(BlobInfo info, KeyUse use, DateTimeOffset now, double[] fill) => new()
    {
        Key = info.Key, Length = info.Length, Modified = info.Modified, Now = now, Use = use, Fill = fill, Pin = pins.Find(info.Key) is { } tier ? map.Names[tier] : null,
    };
}
