namespace Strata;

/// <summary>
/// Where blobs of some names belong: always in one tier, or within bounds. Of a policy's rules the first one that matches decides,
/// and no other is looked at.
/// </summary>
public sealed record PlacementRule
{
    /// <summary>Matches keys that begin with this text, such as <c>logs/</c>; null matches all.</summary>
    public string? Prefix { get; init; }

    /// <summary>
    /// Matches whole keys: <c>*</c> stands for any characters but <c>/</c>, <c>**</c> for any at all, everything else for itself, such as
    /// <c>users/*/avatar.png</c> or <c>**.bak</c>. At most 1,024 characters; null matches all. With a prefix too, both must match.
    /// </summary>
    public string? Pattern { get; init; }

    /// <summary>The tier that the blobs stay in, whatever their use; null: their use decides, within the bounds.</summary>
    public string? Tier { get; init; }

    /// <summary>No tier faster than this one; null for no bound.</summary>
    public string? Hottest { get; init; }

    /// <summary>No tier slower than this one; null for no bound. A blob that is too long for it goes lower all the same.</summary>
    public string? Coldest { get; init; }

    /// <summary>Whether the rule is about this key.</summary>
    public bool Matches(BlobKey key) =>
        (Prefix is null || key.Value.StartsWith(Prefix, StringComparison.Ordinal)) && (Pattern is null || KeyPattern.Matches(Pattern, key.Value));

    /// <summary>The rule's name in explanations.</summary>
    internal string Text => (Prefix, Pattern) switch
    {
        (null, null) => "all keys",
        ({ } prefix, null) => $"'{prefix}'",
        (null, { } pattern) => $"'{pattern}'",
        _ => $"'{Prefix}' and '{Pattern}'",
    };
}
