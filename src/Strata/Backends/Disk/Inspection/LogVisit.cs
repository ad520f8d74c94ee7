namespace Strata;

/// <summary>Takes each key's latest entry, tombstones too, in the order of the keys.</summary>
/// <param name="key">Valid during the call.</param>
/// <param name="sequence">LSN of the commit that wrote it.</param>
/// <param name="location">Where it is.</param>
/// <param name="expires">Unix milliseconds; 0 = never.</param>
internal delegate void LogVisit(ReadOnlySpan<byte> key, ulong sequence, LogLocation location, long expires);
