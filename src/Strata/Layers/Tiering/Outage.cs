namespace Strata;

/// <summary>Tells a store that cannot be reached from one that answers with an error.</summary>
internal static class Outage
{
    /// <summary>Whether the same call may succeed later, or nobody answered: what another copy, or another tier, can stand in for.</summary>
    public static bool Is(Exception e) => e is StorageException { Kind: StorageErrorKind.Unavailable or StorageErrorKind.Timeout } or StorageException { IsTransient: true, Kind: not StorageErrorKind.Changed };
}
