namespace Strata;

/// <summary>A blob as the server has it.</summary>
/// <param name="Info">What Strata says of it.</param>
/// <param name="NativeETag">The server's ETag, without quotes: what conditions are made of.</param>
/// <param name="WriteId">Names the write that made it; null if others wrote it.</param>
/// <param name="Appendix">Names what holds the rest of its record; null if there is none.</param>
/// <param name="NeededUntil">Of a tombstone that keeps older copies out: until when. Null for everything else.</param>
internal sealed record RemoteBlob(BlobInfo Info, string NativeETag, string? WriteId, string? Appendix, DateTimeOffset? NeededUntil = null)
{
    /// <summary>What no older copy may pass, where no blob is to be seen: the version of a tombstone, or of what has expired.</summary>
    public static BlobVersion Floor(RemoteBlob? found, DateTimeOffset now) => found is null || found.IsVisibleAt(now) ? default : found.Info.Version;

    public bool IsVisibleAt(DateTimeOffset now) => Info.Expires is not { } expires || now < expires;
}
