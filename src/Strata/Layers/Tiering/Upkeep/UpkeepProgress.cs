namespace Strata;

/// <summary>How far a long operation is.</summary>
/// <param name="Examined">Keys looked at so far.</param>
/// <param name="Changed">Of these, copies or blobs that were dropped, deleted, made, or whose metadata was set.</param>
/// <param name="Bytes">Payload bytes that were dropped, copied or read.</param>
/// <param name="Key">The last key that is done with, in key order; null where the order is another.</param>
public readonly record struct UpkeepProgress(long Examined, long Changed, long Bytes, string? Key);
