using Xunit;

namespace Strata.Tests;

/// <summary>What tiering saves, in money: a person decides by it.</summary>
public sealed class CostEstimateTests
{
    private const double Gib = 1L << 30;

    private static readonly TierPrice[] Prices =
    [
        new() { Tier = "cold", PerGibMonth = 0.01m, PerThousandReads = 1m, PerThousandWrites = 2m },
        new() { Tier = "hot", PerGibMonth = 0.10m },
    ];

    [Fact]
    public void It_adds_up_what_is_held_and_what_was_asked()
    {
        CostEstimate estimate = CostEstimate.Of(
            [new TierLoad { Tier = "hot", Bytes = 10 * Gib, Reads = 90_000, Writes = 5_000 }, new TierLoad { Tier = "cold", Bytes = 100 * Gib, Reads = 10_000, Writes = 3_000 }],
            Prices, months: 2, storedBytes: 100 * Gib, reads: 100_000, writes: 1_000);
        Assert.Equal([new TierCost("hot", 2m, 0m), new TierCost("cold", 2m, 16m)], estimate.Tiers);
        Assert.Equal((20m, 20m, 104m), (estimate.Total, estimate.AllHot, estimate.AllCold));
        Assert.Equal(0m, estimate.SavedOfAllHot);
        Assert.Equal(18m, estimate.Tiers[1].Total);
    }

    [Fact]
    public void A_store_that_is_free_saves_nothing()
    {
        CostEstimate estimate = CostEstimate.Of([new TierLoad { Tier = "hot" }], Prices, 1, 0, 0, 0);
        Assert.Equal((0m, 0m), (estimate.Total, estimate.SavedOfAllHot));
    }

    [Fact]
    public void What_makes_no_sense_is_refused()
    {
        Assert.Contains("'warm' has no price", Assert.Throws<ArgumentException>(() => CostEstimate.Of([new TierLoad { Tier = "warm" }], Prices, 1, 0, 0, 0)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => CostEstimate.Of([], Prices, 1, 0, 0, 0));
        Assert.Throws<ArgumentException>(() => CostEstimate.Of([new TierLoad { Tier = "hot", Bytes = -1 }], Prices, 1, 0, 0, 0));
        Assert.Throws<ArgumentException>(() => CostEstimate.Of([new TierLoad { Tier = "hot" }], Prices, double.NaN, 0, 0, 0));
    }
}
