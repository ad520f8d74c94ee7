namespace Strata.Benchmarks;

/// <summary>One row: ours against a peer, by the medians of the same rounds.</summary>
internal sealed record Comparison(string Case, string Metric, string Unit, Series Ours, Series Peer, bool LowerIsBetter)
{
    /// <summary>The ratio that the project is after; null where it is after none.</summary>
    public double? Target { get; init; }

    /// <summary>Whether the target is met; null where there is none.</summary>
    public bool? Holds => Target is { } target ? (LowerIsBetter ? Ratio <= target : Ratio >= target) : null;

    /// <summary>
    /// Ours divided by the peer's; 1 where both are zero, null where only the peer's is.
    /// </summary>
    public double? Ratio => Peer.Median != 0 ? Ours.Median / Peer.Median : Ours.Median == 0 ? 1 : null;

    /// <summary>How many times better than the peer: above 1 is better, whichever way the metric counts.</summary>
    public double Advantage => Ratio switch
    {
        null => 0,
        0 => LowerIsBetter ? double.PositiveInfinity : 0,
        { } ratio => LowerIsBetter ? 1 / ratio : ratio,
    };
}
