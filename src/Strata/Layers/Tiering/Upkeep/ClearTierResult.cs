namespace Strata;

/// <summary>What emptying a tier came to.</summary>
public sealed record ClearTierResult
{
    /// <summary>Copies dropped.</summary>
    public long Copies { get; init; }

    /// <summary>Their payload in bytes, as they were listed.</summary>
    public long Bytes { get; init; }

    /// <summary>Copies that the tier did not drop; the statistics tell the last error.</summary>
    public long Failed { get; init; }

    /// <summary>Copies that stay because a change of unknown outcome of their key is pending: they may be needed to make it right.</summary>
    public long InDoubt { get; init; }
}
