namespace Strata;

/// <summary>Takes what the opening of a log found.</summary>
/// <param name="key">A key that has a value, or a tombstone.</param>
/// <param name="sequence">LSN of its entry.</param>
/// <param name="location">Where its entry is.</param>
/// <param name="expires">From when on the value no longer counts, Unix milliseconds; 0 = never.</param>
internal delegate void LogRecovered(ReadOnlySpan<byte> key, ulong sequence, LogLocation location, long expires);
