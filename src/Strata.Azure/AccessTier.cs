namespace Strata.Azure;

/// <summary>What keeping a blob costs, against what reading it does.</summary>
public enum AccessTier
{
    /// <summary>Dear to keep, cheap to read.</summary>
    Hot,

    /// <summary>For what stays 30 days or more.</summary>
    Cool,

    /// <summary>For what stays 90 days or more.</summary>
    Cold,

    /// <summary>For what stays 180 days or more. Cannot be read, copied or updated before it is brought back, which takes hours.</summary>
    Archive,
}
