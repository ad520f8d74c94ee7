namespace Strata;

/// <summary>Whether a failed operation may have changed anything (CONSISTENCY 5).</summary>
public enum WriteOutcome
{
    /// <summary>Nothing was changed, and nothing will be.</summary>
    NotApplied,

    /// <summary>It may have been applied, or may yet be.</summary>
    Unknown,
}
