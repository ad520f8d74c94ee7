namespace Strata.Reliability;

/// <summary>A part of an upload as a test knows it.</summary>
/// <param name="Length">Bytes.</param>
/// <param name="Checksum">CRC-32C of them.</param>
internal sealed record StoredPart(long Length, uint Checksum)
{
    /// <summary>Set once it is acknowledged.</summary>
    public string? ETag { get; set; }

    /// <summary>Whether this, which was found, is the other.</summary>
    public bool Is(StoredPart other) => (Length, Checksum) == (other.Length, other.Checksum) && (other.ETag is null || ETag == other.ETag);
}
