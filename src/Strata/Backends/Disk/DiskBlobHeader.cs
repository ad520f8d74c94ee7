namespace Strata;

/// <summary>What a file's trailer says.</summary>
internal sealed record DiskBlobHeader(BlobInfo Info)
{
    public DiskFileKind Kind { get; init; }

    public ulong Sequence { get; init; }

    /// <summary>Bytes of the whole file.</summary>
    public long FileBytes { get; init; }

    /// <summary>CRC-32C of each chunk of the payload.</summary>
    public uint[] Chunks { get; init; } = [];

    /// <summary>The upload of a session, a part or a manifest; else null.</summary>
    public string? Upload { get; init; }

    /// <summary>The number of a part; else 0.</summary>
    public int Part { get; init; }

    /// <summary>The parts that a manifest lists; else empty.</summary>
    public DiskPart[] Parts { get; init; } = [];
}
