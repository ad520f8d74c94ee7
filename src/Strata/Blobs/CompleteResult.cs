namespace Strata;

/// <summary>What the completion of an upload came to.</summary>
/// <param name="Status">What it came to.</param>
/// <param name="Info">The blob as completed, or, where known, the one that did not meet the condition.</param>
/// <param name="InvalidPart">The number of the part that is missing or has another ETag; 0 if none.</param>
public sealed record CompleteResult(CompleteStatus Status, BlobInfo? Info = null, int InvalidPart = 0);
