namespace Strata;

/// <summary>One key's part in a bulk delete.</summary>
/// <param name="Key">The key.</param>
/// <param name="Status">What its delete came to.</param>
/// <param name="Error">With <see cref="DeleteStatus.Failed"/>: why; else null.</param>
public readonly record struct DeleteOutcome(BlobKey Key, DeleteStatus Status, StorageException? Error = null);
