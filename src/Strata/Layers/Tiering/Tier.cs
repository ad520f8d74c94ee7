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

    /// <summary>
    /// How long a read waits for this tier while there is an alternative; then it goes on to that, and what was asked goes on without
    /// it. Of a tier above the origin the alternative is the next one; of the origin a copy that <see cref="TieringOptions.FailSafeFor"/>
    /// allows, which it needs. More than 0, up to 1 day, and less than <see cref="HardTimeout"/>; null (the default): as long as that.
    /// </summary>
    public TimeSpan? SoftTimeout { get; init; }

    /// <summary>
    /// A read of this tier that makes no progress for so long fails with kind Timeout: of a tier above the origin it goes on to the
    /// next one, in the midst of a stream as well. Upkeep keeps it too, and so do copies that reads, runs and upkeep make. Writes are not
    /// cut short: theirs are the store's own. More than 0, up to 1 day; null (the default): as long as the store itself takes.
    /// </summary>
    public TimeSpan? HardTimeout { get; init; }

    internal bool Takes(long length) => length <= (MaxBlobBytes ?? long.MaxValue) && length <= Store.Capabilities.MaxBlobLength;
}
