namespace Strata.Benchmarks;

/// <summary>How long to measure. The quick form has shorter rounds, not fewer than five.</summary>
internal sealed record RunSettings
{
    /// <summary>Rounds of each lane; the median of an odd number is one of them.</summary>
    public int Rounds { get; init; } = 9;

    /// <summary>What one lane takes in one round, about.</summary>
    public TimeSpan Round { get; init; } = TimeSpan.FromMilliseconds(400);

    /// <summary>What one lane runs before the first round, so that its code is compiled for good and its pages are in memory.</summary>
    public TimeSpan WarmUp { get; init; } = TimeSpan.FromSeconds(1.5);

    public static RunSettings Quick { get; } = new()
    {
        Rounds = 5,
        Round = TimeSpan.FromMilliseconds(120),
        WarmUp = TimeSpan.FromMilliseconds(500),
    };
}
