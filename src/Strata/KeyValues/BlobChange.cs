namespace Strata;

/// <summary>One change of a blob that is about to commit.</summary>
/// <param name="Key">The blob.</param>
/// <param name="Version">The change's stamp; of a delete, its tombstone's.</param>
/// <param name="Info">The blob as it will be; null: it is deleted.</param>
/// <param name="IsCopy">True if the write is a copy of a blob that another store holds (<see cref="WriteOptions.AsCopyOf"/>).</param>
public readonly record struct BlobChange(BlobKey Key, BlobVersion Version, BlobInfo? Info, bool IsCopy);
