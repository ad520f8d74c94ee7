namespace Strata;

/// <summary>One store in a tiered store's list.</summary>
public sealed record Tier
{
    /// <summary>The tier's name, unique in its store; conventionally <c>hot</c>, <c>warm</c>, <c>cold</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Where its blobs are. The tiered store owns it from then on and disposes it. One with shared reads must come empty.</summary>
    public required IBlobStore Store { get; init; }

    /// <summary>The longest blob, in bytes, that gets a copy here; null for whatever the store takes. Ignored for the origin.</summary>
    public long? MaxBlobBytes { get; init; }

    internal bool Takes(long length) => length <= (MaxBlobBytes ?? long.MaxValue) && length <= Store.Capabilities.MaxBlobLength;
}
