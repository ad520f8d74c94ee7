namespace Strata;

/// <summary>What kind of entry it is.</summary>
[Flags]
internal enum LogEntryFlags : byte
{
    None = 0,

    /// <summary>The key was deleted.</summary>
    Tombstone = 1,

    /// <summary>The entry has a time from which it no longer counts.</summary>
    Expires = 2,

    /// <summary>The value says where the bytes are: in files of their own.</summary>
    Reference = 4,

    /// <summary>In the index alone: it was read since the eviction's hand passed.</summary>
    Visited = 128,
}
