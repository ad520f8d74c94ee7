namespace Strata;

/// <summary>What making a copy came to.</summary>
/// <param name="Status">How it ended.</param>
/// <param name="Length">The blob's length in bytes, where it was seen.</param>
internal readonly record struct CopyMade(MoveStatus Status, long Length);
