namespace Strata.TieringYear;

/// <summary>What the year is like.</summary>
internal sealed record YearSettings
{
    public const int Days = 365;
    public const int HoursADay = 24;

    /// <summary>Popularity by Zipf with this exponent.</summary>
    public const double Exponent = 0.99;

    public const int Seed = 20_240_229;

    /// <summary>One request in so many writes the blob anew.</summary>
    public const int WritesOneIn = 50;

    /// <summary>Sizes are log-uniform from 1 KiB to 1 MiB.</summary>
    public const int SmallestSize = 1 << 10, LargestSize = 1 << 20;

    public int Keys { get; init; } = 1_000_000;

    /// <summary>Requests of a day: at noon three times as many as at midnight.</summary>
    public int RequestsADay { get; init; } = 100_000;

    /// <summary>So many of the most popular keys become the least popular every day, and all others rise.</summary>
    public int FallenADay { get; init; } = 20;

    /// <summary>The tiers, fastest first; the last one is the origin.</summary>
    public static IReadOnlyList<string> Tiers { get; } = ["hot", "warm", "cold"];

    /// <summary>Round figures of the kind that clouds ask: fast block storage, slower block storage, and objects, in dollars.</summary>
    public static IReadOnlyList<TierPrice> Prices { get; } =
    [
        new() { Tier = "hot", PerGibMonth = 0.25m },
        new() { Tier = "warm", PerGibMonth = 0.08m },
        new() { Tier = "cold", PerGibMonth = 0.023m, PerThousandReads = 0.0004m, PerThousandWrites = 0.005m },
    ];
}
