namespace Strata;

/// <summary>One write of a batch.</summary>
/// <param name="Key">The blob.</param>
/// <param name="Content">Its bytes; unchanged until the batch completes.</param>
/// <param name="Options">How to write; null where all is default.</param>
public sealed record BlobWrite(BlobKey Key, BlobContent Content, WriteOptions? Options = null);
