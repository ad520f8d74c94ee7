namespace Strata;

/// <summary>
/// What a tiered store costs over a time, and what it would cost if all were kept in its fastest or in its slowest tier: an estimate
/// by configured prices, without discounts, minimum times and traffic.
/// </summary>
public sealed record CostEstimate
{
    private const decimal GibBytes = 1L << 30;

    /// <summary>The cost of each tier, fastest first.</summary>
    public required IReadOnlyList<TierCost> Tiers { get; init; }

    /// <summary>If all blobs were in the fastest tier alone, and all requests were answered there.</summary>
    public required decimal AllHot { get; init; }

    /// <summary>If all blobs were in the slowest tier alone, and all requests were answered there.</summary>
    public required decimal AllCold { get; init; }

    /// <summary>The cost of all tiers.</summary>
    public decimal Total => Tiers.Sum(tier => tier.Total);

    /// <summary>The share of <see cref="AllHot"/> that tiering saves, up to 1; negative if it costs more. 0 where all hot costs nothing.</summary>
    public decimal SavedOfAllHot => AllHot == 0 ? 0 : 1 - (Total / AllHot);

    /// <summary>Estimates the cost.</summary>
    /// <param name="loads">The tiers, fastest first; one or more.</param>
    /// <param name="prices">A price for each of them, in any order.</param>
    /// <param name="months">The time that the requests are of, and that the bytes are kept for.</param>
    /// <param name="storedBytes">Bytes of all blobs, each counted once, however many tiers hold a copy.</param>
    /// <param name="reads">Reads that users made.</param>
    /// <param name="writes">Writes that users made.</param>
    /// <exception cref="ArgumentException">A tier has no price, or a number is negative.</exception>
    public static CostEstimate Of(IReadOnlyList<TierLoad> loads, IReadOnlyList<TierPrice> prices, double months, double storedBytes, double reads, double writes)
    {
        ArgumentNullException.ThrowIfNull(loads);
        ArgumentNullException.ThrowIfNull(prices);
        if (loads.Count == 0) throw new ArgumentException("There must be a tier.", nameof(loads));
        return new CostEstimate
        {
            Tiers = [.. loads.Select(load => CostOf(load, PriceOf(load.Tier), months))],
            AllHot = Alone(loads[0].Tier),
            AllCold = Alone(loads[^1].Tier),
        };

        decimal Alone(string tier) => CostOf(new TierLoad { Tier = tier, Bytes = storedBytes, Reads = reads, Writes = writes }, PriceOf(tier), months).Total;

        TierPrice PriceOf(string tier) =>
            prices.FirstOrDefault(price => string.Equals(price.Tier, tier, StringComparison.Ordinal)) ?? throw new ArgumentException($"The tier '{tier}' has no price.", nameof(prices));
    }

    private static TierCost CostOf(TierLoad load, TierPrice price, double months) => new(
        load.Tier,
        Number(load.Bytes) / GibBytes * Number(months) * price.PerGibMonth,
        ((Number(load.Reads) * price.PerThousandReads) + (Number(load.Writes) * price.PerThousandWrites)) / 1000);

    private static decimal Number(double number) =>
        number is >= 0 and < 1e27 ? (decimal)number : throw new ArgumentException($"Bytes, requests and months are 0 or more, not {number}.", nameof(number));
}
