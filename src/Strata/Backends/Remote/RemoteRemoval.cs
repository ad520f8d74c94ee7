namespace Strata;

/// <summary>What the removal of an invisible blob came to.</summary>
internal enum RemoteRemoval
{
    /// <summary>It is gone.</summary>
    Removed,

    /// <summary>A tombstone took its place: the server removes nothing under a condition.</summary>
    Buried,

    /// <summary>It stays: the server removes nothing under a condition, and it is as small as a tombstone.</summary>
    Kept,

    /// <summary>Something else is there by now.</summary>
    Changed,
}
