namespace Strata.TieringYear;

/// <summary>What one day came to.</summary>
internal sealed class YearDay
{
    /// <summary>Reads that each tier answered.</summary>
    public long[] Reads { get; } = new long[3];

    /// <summary>Requests of users that wrote.</summary>
    public long Writes { get; set; }

    /// <summary>Blobs that were put into a tier: written, promoted or demoted.</summary>
    public long[] Arrivals { get; } = new long[3];

    /// <summary>Blobs that were read from a tier in order to move.</summary>
    public long[] Departures { get; } = new long[3];

    public long Promoted { get; set; }

    public long Demoted { get; set; }

    /// <summary>Keys that came up, moved or not.</summary>
    public long LookedAt { get; set; }

    /// <summary>Mean of the hours.</summary>
    public double[] Bytes { get; } = new double[3];

    public double HotRatio => (double)Reads[0] / Reads.Sum();
}
