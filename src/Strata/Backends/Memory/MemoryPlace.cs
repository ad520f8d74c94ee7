namespace Strata;

/// <summary>Which queue an entry of the memory store is in.</summary>
internal enum MemoryPlace : byte
{
    /// <summary>None: the store is strict.</summary>
    None,

    /// <summary>On probation.</summary>
    Small,

    /// <summary>Among those that were read again.</summary>
    Main,

    /// <summary>Among the tombstones.</summary>
    Tombstones,
}
