namespace Strata;

/// <summary>A change that is written down before the bytes are touched, and taken back when the index has it, or nothing came of it.</summary>
internal sealed record PlacementChange
{
    /// <summary>What is done.</summary>
    public required PlacementChangeKind Kind { get; init; }

    /// <summary>The tier that holds the blob before; null: none.</summary>
    public string? From { get; init; }

    /// <summary>The tier that will.</summary>
    public required string To { get; init; }

    /// <summary>The version of the bytes, of a write or a move. Of the others the one that they have to pass: what the target holds before, or the key had.</summary>
    public BlobVersion Version { get; init; }

    /// <summary>The length of the bytes; −1: not known.</summary>
    public long Length { get; init; } = -1;

    /// <summary>CRC-32C of the bytes; null: not known.</summary>
    public uint? Checksum { get; init; }

    /// <summary>Of an update: the ETag stays.</summary>
    public bool KeepsETag { get; init; }

    /// <summary>Of a move: how far it is.</summary>
    public MoveState State { get; init; }

    /// <summary>When it began.</summary>
    public required DateTimeOffset Began { get; init; }

    /// <summary>Until when its request may still come through, where its outcome is unknown; null: it has ended.</summary>
    public DateTimeOffset? PendingUntil { get; init; }

    /// <summary>Whether what the target holds came by this change.</summary>
    /// <param name="found">What the target holds.</param>
    public bool Made(BlobInfo found) => Kind switch
    {
        PlacementChangeKind.Write or PlacementChangeKind.Move => found.Version == Version && (Length < 0 || found.Length == Length) && (Checksum is null || found.Checksum is null || found.Checksum == Checksum),
        PlacementChangeKind.Stream when From != To => found.Version > Version,
        _ => found.Version != Version,
    };
}
