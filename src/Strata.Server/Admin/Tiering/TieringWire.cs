namespace Strata.Server;

/// <summary>A store's tiers and what is done with them, as JSON.</summary>
/// <param name="Store">The store.</param>
/// <param name="Reads">Reads of the whole store.</param>
/// <param name="Tiers">Fastest first; a store without tiers is shown as its own only one.</param>
/// <param name="Status">Tiering runs; null for a store without tiers.</param>
/// <param name="Moves">What is being moved.</param>
/// <param name="Pins">Keys that are pinned.</param>
/// <param name="Doubts">Changes of unknown outcome; null for a store without tiers.</param>
/// <param name="Cost">What a month costs; null where not every tier has a price.</param>
internal sealed record TieringWire(
    string Store, TieredReads Reads, IReadOnlyList<TierStatistics> Tiers, TieringStatus? Status, IReadOnlyList<TierMove> Moves, int Pins, DoubtStatus? Doubts, CostEstimate? Cost)
{
    public static TieringWire From(string name, IBlobStore store)
    {
        ITierInspection? tiers = store.TryGetFacet(out ITierInspection? inspection) ? inspection : null;
        ITiering? tiering = store.TryGetFacet(out ITiering? facet) ? facet : null;
        return new TieringWire(
            name, tiers?.GetReads() ?? default, StoreTiers.AllOf(name, store),
            tiering?.GetTieringStatus(), tiering?.GetMoves() ?? [], tiering?.GetPins().Count ?? 0, tiers?.GetDoubts(), tiering is null ? null : CostOf(tiering));
    }

    private static CostEstimate? CostOf(ITiering tiering)
    {
        try
        {
            return tiering.EstimateCost();
        }
        catch (ArgumentException)
        {
            // Not every tier has a price: nothing can be said of the whole.
            return null;
        }
    }
}
