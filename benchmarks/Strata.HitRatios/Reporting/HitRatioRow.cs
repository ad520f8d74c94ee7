namespace Strata.HitRatios;

/// <summary>What each policy hits of one trace, in the order of <see cref="PolicyList"/>.</summary>
/// <param name="Trace">The trace.</param>
/// <param name="StaticOptimum">What the most popular keys alone would hit; null where that says nothing.</param>
/// <param name="Names">The policies.</param>
/// <param name="Ratios">Hits by requests, 0 to 1.</param>
internal sealed record HitRatioRow(string Trace, double? StaticOptimum, IList<string> Names, IReadOnlyList<double> Ratios)
{
    /// <summary>The best of the peers.</summary>
    public double Best => Ratios[BestIndex];

    public int BestIndex => Enumerable.Range(0, Ratios.Count - PolicyList.Ours).MaxBy(i => Ratios[i]);
}
