namespace Strata;

/// <summary>What a listing says.</summary>
/// <param name="Text">The key, or a common prefix.</param>
/// <param name="Length">In bytes; 0 for a common prefix.</param>
/// <param name="Modified">By the server's clock; of what has a record that the listing tells, by that.</param>
/// <param name="IsPrefix">True for a common prefix.</param>
/// <param name="Blob">All of it, where listings tell that, but for its appendix.</param>
internal sealed record RemoteListed(string Text, long Length, DateTimeOffset Modified, bool IsPrefix, RemoteBlob? Blob)
{
    public BlobKey Key => BlobKey.Parse(Text);
}
