namespace Strata;

/// <summary>Reads of a tiered store since it was opened.</summary>
/// <param name="Hits">Reads that found the blob, in any tier.</param>
/// <param name="Misses">Reads that found it in none; one a read.</param>
public readonly record struct TieredReads(long Hits, long Misses);
