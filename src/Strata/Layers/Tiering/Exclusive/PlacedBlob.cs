namespace Strata;

/// <summary>A row of the placement index: a blob, and where it is.</summary>
/// <param name="Home">The tier that holds it.</param>
/// <param name="Info">All that is told of it; its version and ETag are the store's.</param>
/// <param name="AtHome">
/// The version that the tier keeps with the bytes. It is that of <paramref name="Info"/>, but where a stream's tier stamped it by
/// itself and not above what the key had before.
/// </param>
internal sealed record PlacedBlob(string Home, BlobInfo Info, BlobVersion AtHome)
{
    /// <summary>Whether a tier's answer is this very write.</summary>
    public bool IsIn(BlobInfo found) => found.Version == AtHome && found.Length == Info.Length;
}
