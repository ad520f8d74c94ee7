namespace Strata.Azure;

/// <summary>Where a blob is.</summary>
/// <param name="Tier">Its tier; null where the service does not tell, as for accounts without tiers.</param>
/// <param name="RehydratesTo">The tier that it is being brought back to; null if it is not.</param>
public sealed record AccessTierStatus(AccessTier? Tier, AccessTier? RehydratesTo)
{
    /// <summary>True if the blob can be read now.</summary>
    public bool IsOnline => Tier != AccessTier.Archive;
}
