namespace Strata;

/// <summary>What a frame of the log says.</summary>
internal enum LogFrameKind : byte
{
    /// <summary>Entries that were committed together; in a compacted segment, entries that were moved together.</summary>
    Batch = 1,

    /// <summary>A segment that a write or a sync failed in ends earlier than its bytes may say (<see cref="LogVoid"/>).</summary>
    Void = 2,

    /// <summary>Nothing follows in this segment: it is whole up to here.</summary>
    Seal = 3,
}
