namespace Strata;

/// <summary>The parts of a tiered store that its tiering works with.</summary>
internal sealed record TieringParts
{
    public required string Store { get; init; }

    public required TierMap Map { get; init; }

    public required UpperTier[] Upper { get; init; }

    public required TierPlacer Placer { get; init; }

    public required PlacementGuide Guide { get; init; }

    public required TierPins Pins { get; init; }

    public required KeptAccesses Accesses { get; init; }

    public required Fences Fences { get; init; }

    public required OperationGate Gate { get; init; }

    public required TimeProvider Clock { get; init; }

    public AccessTracker Tracker => Accesses.Tracker;

    public AccessRows Rows => Accesses.Rows;
}
