namespace Strata;

/// <summary>A blob that the server itself is to read.</summary>
/// <param name="Blob">What it was when it was looked at.</param>
/// <param name="Address">Its name, or an address.</param>
/// <param name="Authorization">The header that lets it be read; null for none.</param>
internal readonly record struct RemoteSource(RemoteBlob Blob, string Address, string? Authorization = null);
