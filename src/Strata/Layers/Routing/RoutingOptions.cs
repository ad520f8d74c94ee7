namespace Strata;

/// <summary>Settings of a <see cref="RoutedBlobStore"/>.</summary>
public sealed record RoutingOptions
{
    /// <summary>The store's name in messages, metrics and results. Default <c>routed</c>.</summary>
    public string Name { get; init; } = "routed";

    /// <exception cref="ArgumentException">A setting is out of range.</exception>
    internal void Check()
    {
        if (string.IsNullOrWhiteSpace(Name)) throw new ArgumentException("The store's name may not be empty.");
    }
}
