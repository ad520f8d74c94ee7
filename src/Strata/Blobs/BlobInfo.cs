using System.Collections.ObjectModel;

namespace Strata;

/// <summary>What a store knows of a blob besides its bytes. Immutable.</summary>
public sealed record BlobInfo
{
    /// <summary>Metadata of a blob that has none.</summary>
    public static IReadOnlyDictionary<string, string> NoMetadata { get; } = ReadOnlyDictionary<string, string>.Empty;

    /// <summary>The blob's name.</summary>
    public required BlobKey Key { get; init; }

    /// <summary>Length of the payload in bytes.</summary>
    public required long Length { get; init; }

    /// <summary>Opaque token for conditional requests, without quotes. It changes with every write and every update that does not keep it.</summary>
    public required string ETag { get; init; }

    /// <summary>The commit point's stamp; <see cref="BlobVersion.None"/> if others wrote the object.</summary>
    public BlobVersion Version { get; init; }

    /// <summary>When the key was first written, since it was last missing.</summary>
    public DateTimeOffset Created { get; init; }

    /// <summary>When the payload or metadata was last written.</summary>
    public DateTimeOffset Modified { get; init; }

    /// <summary>From this moment on the blob is invisible; null for never.</summary>
    public DateTimeOffset? Expires { get; init; }

    /// <summary>Media type (RFC 9110), or null.</summary>
    public string? ContentType { get; init; }

    /// <summary>Content encoding (RFC 9110) of the payload as the caller gave it, or null.</summary>
    public string? ContentEncoding { get; init; }

    /// <summary>CRC-32C of the payload (RFC 3720, appendix B.4), or null where a store does not know it.</summary>
    public uint? Checksum { get; init; }

    /// <summary>The user's metadata; names are case-sensitive, never null.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = NoMetadata;

    /// <summary>The fastest tier known to hold the blob, where a tiered store answers; else null.</summary>
    public string? Tier { get; init; }

    /// <summary>
    /// Reads and writes within the last week (<see cref="TieringPolicy.HistoryWindow"/>), where a tiered store of several tiers answers a
    /// stat; else null. Counted up to about 1,800; see <see cref="AccessTracker"/> for how exact that is.
    /// </summary>
    public int? AccessCount { get; init; }

    /// <summary>When it was last read or written, as far as that is remembered, where a tiered store of several tiers answers a stat; else null.</summary>
    public DateTimeOffset? LastAccess { get; init; }

    /// <summary>
    /// When the origin last confirmed this copy, where a tiered store served it though the origin cannot be reached
    /// (<see cref="TieringOptions.FailSafeFor"/>): what was changed since may be missing. Else null.
    /// </summary>
    public DateTimeOffset? StaleSince { get; init; }

    /// <summary>True if both name the same write of the same key.</summary>
    public bool IsSameWriteAs(BlobInfo other) =>
        Key == other.Key && Version == other.Version && Length == other.Length && string.Equals(ETag, other.ETag, StringComparison.Ordinal);
}
