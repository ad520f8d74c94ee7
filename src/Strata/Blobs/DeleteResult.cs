namespace Strata;

/// <summary>What a delete came to.</summary>
/// <param name="Status">What it came to.</param>
/// <param name="Version">The tombstone's version, where one was written; else <see cref="BlobVersion.None"/>.</param>
public readonly record struct DeleteResult(DeleteStatus Status, BlobVersion Version = default);
