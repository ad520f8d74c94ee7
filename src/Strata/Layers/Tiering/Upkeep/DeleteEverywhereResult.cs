namespace Strata;

/// <summary>What a delete in every tier came to.</summary>
public sealed record DeleteEverywhereResult
{
    /// <summary>Blobs that were there and are gone.</summary>
    public long Deleted { get; init; }

    /// <summary>Blobs that the origin did not delete; they are still there, or in doubt.</summary>
    public long Failed { get; init; }

    /// <summary>Why the first of them failed; null if none did.</summary>
    public StorageException? FirstError { get; init; }

    /// <summary>What became of the copies of blobs that the origin did not hold any more.</summary>
    public InvalidateResult Orphans { get; init; } = new();
}
