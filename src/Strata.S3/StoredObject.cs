namespace Strata.S3;

/// <summary>An object as the server has it.</summary>
/// <param name="Info">What Strata says of it.</param>
/// <param name="NativeETag">The server's ETag, without quotes: what conditions are made of. It tells contents apart, not metadata.</param>
/// <param name="WriteId">Names the write that made it; null if others wrote it.</param>
/// <param name="Appendix">Names the object that holds the rest of its record; null if there is none.</param>
/// <param name="LastModified">By the server's clock.</param>
internal sealed record StoredObject(BlobInfo Info, string NativeETag, string? WriteId, string? Appendix, DateTimeOffset LastModified)
{
    public bool IsVisibleAt(DateTimeOffset now) => Info.Expires is not { } expires || now < expires;
}
