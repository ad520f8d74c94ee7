namespace Strata.S3;

/// <summary>What the server itself is to check before a change.</summary>
/// <param name="Match">The native ETag that must be there; null for none.</param>
/// <param name="IsAbsent">True if nothing may be there.</param>
internal readonly record struct S3Precondition(string? Match, bool IsAbsent = false)
{
    public bool IsNone => Match is null && !IsAbsent;
}
