namespace Strata;

/// <summary>What the rows say of a key.</summary>
/// <param name="Placed">Where it is; null: nowhere.</param>
/// <param name="Tombstone">The version of its last delete that older copies must not pass; none: they may.</param>
internal readonly record struct KeyState(PlacedBlob? Placed, BlobVersion Tombstone)
{
    /// <summary>The highest version that the key had.</summary>
    public BlobVersion Floor => Placed is { } placed && placed.Info.Version > Tombstone ? placed.Info.Version : Tombstone;

    /// <summary>The blob, unless it has expired.</summary>
    public PlacedBlob? Visible(DateTimeOffset now) => Placed is { } placed && placed.Info.Expires is var expires && (expires is null || expires > now) ? placed : null;
}
