namespace Strata;

/// <summary>What a tier costs over a time.</summary>
/// <param name="Tier">Its name.</param>
/// <param name="Storage">For what it holds.</param>
/// <param name="Requests">For what it was asked for.</param>
public readonly record struct TierCost(string Tier, decimal Storage, decimal Requests)
{
    /// <summary>Both.</summary>
    public decimal Total => Storage + Requests;
}
