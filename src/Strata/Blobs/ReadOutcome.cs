namespace Strata;

/// <summary>One key's part in a batch of reads.</summary>
/// <param name="Key">The key.</param>
/// <param name="Result">The blob, which whoever gets this disposes; null if it is missing, or its read failed.</param>
/// <param name="Error">Why the read failed; null if it did not.</param>
public readonly record struct ReadOutcome(BlobKey Key, BlobReadResult? Result, StorageException? Error = null)
{
    /// <summary>True if there is no such blob.</summary>
    public bool IsMissing => Result is null && Error is null;
}
