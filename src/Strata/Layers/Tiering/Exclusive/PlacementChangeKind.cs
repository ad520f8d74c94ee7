namespace Strata;

/// <summary>What is being done to a blob's bytes.</summary>
internal enum PlacementChangeKind : byte
{
    /// <summary>A write of known version, length and checksum.</summary>
    Write = 1,

    /// <summary>A streamed write, which its tier stamps.</summary>
    Stream = 2,

    /// <summary>A change of metadata, which the home stamps.</summary>
    Update = 3,

    /// <summary>A move to another tier.</summary>
    Move = 4,
}
