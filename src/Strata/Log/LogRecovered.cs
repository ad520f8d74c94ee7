namespace Strata;

/// <summary>Takes a key that the opening of a log found, and the time from which its value no longer counts, Unix milliseconds.</summary>
internal delegate void LogRecovered(ReadOnlySpan<byte> key, long expires);
