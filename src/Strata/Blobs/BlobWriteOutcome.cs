namespace Strata;

/// <summary>One write's part in a batch.</summary>
/// <param name="Key">The key.</param>
/// <param name="Result">What it came to; null if it failed.</param>
/// <param name="Error">Why it failed; null if it did not.</param>
public readonly record struct BlobWriteOutcome(BlobKey Key, WriteResult? Result, StorageException? Error = null);
