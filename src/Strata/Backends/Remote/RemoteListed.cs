namespace Strata;

/// <summary>What a listing says.</summary>
/// <param name="Text">The key, or a common prefix.</param>
/// <param name="Info">Of a blob what the listing tells; of a common prefix a visible blob behind it, if one is known.</param>
/// <param name="Blob">All of a blob, where listings tell that, but for its appendix.</param>
/// <param name="IsPrefix">True for a common prefix.</param>
internal sealed record RemoteListed(string Text, BlobInfo? Info, RemoteBlob? Blob, bool IsPrefix)
{
    /// <summary>A blob's.</summary>
    public BlobKey Key => Info!.Key;

    /// <summary>In bytes; 0 for a common prefix.</summary>
    public long Length => IsPrefix ? 0 : Info!.Length;

    /// <summary>A blob's: by the server's clock, or by its record where the listing tells that.</summary>
    public DateTimeOffset Modified => Info!.Modified;
}
