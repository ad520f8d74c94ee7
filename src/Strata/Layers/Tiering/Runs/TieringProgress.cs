namespace Strata;

/// <summary>How far a tiering run has come.</summary>
/// <param name="LookedAt">Blobs looked at.</param>
/// <param name="Promoted">Blobs taken to a faster tier.</param>
/// <param name="Demoted">Blobs taken to a slower tier.</param>
/// <param name="Bytes">Bytes copied.</param>
/// <param name="Failed">Blobs of which a tier failed.</param>
public readonly record struct TieringProgress(long LookedAt, long Promoted, long Demoted, long Bytes, long Failed);
