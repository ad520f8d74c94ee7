namespace Strata.TieringYear;

/// <summary>What one day came to.</summary>
internal sealed class YearDay
{
    /// <summary>Reads of users that each tier answered.</summary>
    public long[] Reads { get; } = new long[YearSettings.Tiers.Count];

    /// <summary>Requests of users that wrote.</summary>
    public long Writes { get; set; }

    /// <summary>What each tier was asked for: reads and stats, those of runs and moves among them, and what was read in memory.</summary>
    public long[] Asked { get; } = new long[YearSettings.Tiers.Count];

    /// <summary>Blobs that were put into each tier: written, promoted or demoted.</summary>
    public long[] Arrivals { get; } = new long[YearSettings.Tiers.Count];

    /// <summary>Copies that reads made in faster tiers: one in each.</summary>
    public long Promoted { get; set; }

    /// <summary>Blobs that runs took to a slower tier.</summary>
    public long Demoted { get; set; }

    /// <summary>Keys that runs looked at, moved or not.</summary>
    public long LookedAt { get; set; }

    /// <summary>Bytes that each tier holds: the mean of the hours.</summary>
    public double[] Bytes { get; } = new double[YearSettings.Tiers.Count];

    public double HotRatio => (double)Reads[0] / Reads.Sum();
}
