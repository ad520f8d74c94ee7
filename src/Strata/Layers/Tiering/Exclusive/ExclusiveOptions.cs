namespace Strata;

/// <summary>Settings of an <see cref="ExclusiveBlobStore"/>.</summary>
internal sealed record ExclusiveOptions
{
    /// <summary>The store's name in messages, and part of the keys of its rows. Default <c>home</c>.</summary>
    public string Name { get; init; } = "home";

    /// <summary>Where a new blob goes that no option of its write sends elsewhere; the first rule that matches decides.</summary>
    public IReadOnlyList<PlacementRule> Rules { get; init; } = [];

    /// <summary>The longest life of a request to a tier (CONSISTENCY 5); as <see cref="TieringOptions.RequestLife"/>.</summary>
    public TimeSpan RequestLife { get; init; } = TimeSpan.FromMinutes(15);
}
