namespace Strata;

/// <summary>What filling a tier came to.</summary>
public sealed record BootstrapResult
{
    /// <summary>The tier that it was filled from.</summary>
    public required string From { get; init; }

    /// <summary>Blobs listed.</summary>
    public long Examined { get; init; }

    /// <summary>Copies made.</summary>
    public long Copied { get; init; }

    /// <summary>Their payload in bytes.</summary>
    public long Bytes { get; init; }

    /// <summary>Blobs of which the tier held the current write already.</summary>
    public long Unchanged { get; init; }

    /// <summary>Blobs that the tier does not take, because of their length.</summary>
    public long Refused { get; init; }

    /// <summary>Blobs that were deleted, expired or written between the listing and their turn: no copy was made.</summary>
    public long Overtaken { get; init; }

    /// <summary>Blobs that could not be read or copied; the statistics tell the last error.</summary>
    public long Failed { get; init; }
}
