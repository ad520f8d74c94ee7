namespace Strata;

/// <summary>A blob as the server has it.</summary>
/// <param name="Info">What Strata says of it.</param>
/// <param name="NativeETag">The server's ETag, without quotes: what conditions are made of.</param>
/// <param name="WriteId">Names the write that made it; null if others wrote it.</param>
/// <param name="Appendix">Names what holds the rest of its record; null if there is none.</param>
internal sealed record RemoteBlob(BlobInfo Info, string NativeETag, string? WriteId, string? Appendix)
{
    public bool IsVisibleAt(DateTimeOffset now) => Info.Expires is not { } expires || now < expires;
}
