namespace Strata;

/// <summary>The first byte of every key of a log: what shares a log commits together, and does not meet in scans.</summary>
internal enum LogKeyspace : byte
{
    /// <summary>Blob key: metadata and a short payload.</summary>
    Blobs = 1,

    /// <summary>Blob key: a longer payload, or where it is.</summary>
    Payloads = 2,

    /// <summary>Number of a file of the <c>values</c> folder that is in use.</summary>
    ValueFiles = 3,

    /// <summary>Uploads in parts.</summary>
    Uploads = 4,

    /// <summary>The parts of uploads.</summary>
    Parts = 5,

    /// <summary>What the store itself must remember.</summary>
    System = 6,

    /// <summary>An ordered KV's keys, as they are.</summary>
    KeyValues = 16,

    /// <summary>The same, of rows that commit with blobs.</summary>
    StateRows = 17,
}
