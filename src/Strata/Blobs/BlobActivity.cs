namespace Strata;

/// <summary>How a blob was read lately.</summary>
/// <param name="Reads">
/// 0 to 15: reads since the store last considered dropping the blob, or since it was first written. Readers at the same
/// moment may be counted as one.
/// </param>
/// <param name="LastRead">The minute of the last read, or of the write where there was none; exact to about a minute.</param>
public readonly record struct BlobActivity(int Reads, DateTimeOffset LastRead);
