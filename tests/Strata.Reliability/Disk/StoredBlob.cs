namespace Strata.Reliability;

/// <summary>A blob as a test knows it.</summary>
/// <param name="Operation">Which operation made it what it is; its metadata say so.</param>
/// <param name="ContentType">Its type.</param>
/// <param name="Length">Payload bytes.</param>
/// <param name="Checksum">CRC-32C of the bytes, as they were read.</param>
internal sealed record StoredBlob(string Operation, string? ContentType, long Length, uint Checksum)
{
    /// <summary>Files of the values folder that it is in; of one that was found not known.</summary>
    public int Files { get; init; }

    public DateTimeOffset? Expires { get; init; }

    /// <summary>Its bytes are lost, and its reader is told so.</summary>
    public bool IsLost { get; init; }

    /// <summary>Unknown while the write is not acknowledged.</summary>
    public BlobVersion Version { get; set; }

    public string? ETag { get; set; }

    /// <summary>Whether this, which was found, is the other.</summary>
    public bool Is(StoredBlob other) =>
        (Operation, ContentType, Length) == (other.Operation, other.ContentType, other.Length)
        && (IsLost ? other.Files > 0 : Checksum == other.Checksum)
        && (!other.Version.IsKnown || (Version, ETag) == (other.Version, other.ETag));

    public override string ToString() => $"{Length} bytes of operation {Operation}{(IsLost ? ", lost" : "")}";
}
