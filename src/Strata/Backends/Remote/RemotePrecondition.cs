namespace Strata;

/// <summary>What the server itself is to check before a change.</summary>
/// <param name="Match">The native ETag that must be there; null for none.</param>
/// <param name="IsAbsent">True if nothing may be there.</param>
internal readonly record struct RemotePrecondition(string? Match, bool IsAbsent = false)
{
    public bool IsNone => Match is null && !IsAbsent;

    /// <summary>That what was found, or that nothing, is still there.</summary>
    public static RemotePrecondition Of(RemoteBlob? found) => found is null ? new(null, IsAbsent: true) : new(found.NativeETag);
}
