namespace Strata.Azure;

/// <summary>What the service itself is to check before a change.</summary>
/// <param name="Match">The native ETag that must be there; null for none.</param>
/// <param name="IsAbsent">True if nothing may be there.</param>
internal readonly record struct AzurePrecondition(string? Match, bool IsAbsent = false)
{
    public bool IsNone => Match is null && !IsAbsent;
}
