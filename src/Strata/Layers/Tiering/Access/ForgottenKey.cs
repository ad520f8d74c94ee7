namespace Strata;

/// <summary>A key whose row is to go.</summary>
/// <param name="Name">Its text, UTF-8.</param>
/// <param name="Hash">Its hash.</param>
/// <param name="Due">Where its row among those that are due stands, if that is to go too; else 0.</param>
internal sealed record ForgottenKey(byte[] Name, uint Hash, uint Due)
{
    /// <summary>True if it was used again since: the row of its use stays.</summary>
    public bool IsKnownAgain { get; init; }
}
