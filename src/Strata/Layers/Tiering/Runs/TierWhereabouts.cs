namespace Strata;

/// <summary>Where the current write of a blob is.</summary>
/// <param name="Info">The write, as the origin tells.</param>
/// <param name="Generation">The generation captured before that.</param>
/// <param name="Stamp">How long that may be relied on.</param>
/// <param name="Holds">For each tier, fastest first, whether it holds the write; one of them does.</param>
internal sealed record TierWhereabouts(BlobInfo Info, long Generation, TrustStamp Stamp, bool[] Holds)
{
    /// <summary>The place of the tier that the blob is in.</summary>
    public int Fastest => Array.IndexOf(Holds, true);
}
