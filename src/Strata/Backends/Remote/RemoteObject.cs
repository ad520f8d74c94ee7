namespace Strata;

/// <summary>An object as the server describes it, its record unread.</summary>
/// <param name="Bare">What the server itself says: key, length, ETag without quotes, times, types.</param>
/// <param name="NativeETag">The ETag as conditions take it.</param>
/// <param name="Metadata">Names without the server's prefix.</param>
internal readonly record struct RemoteObject(BlobInfo Bare, string NativeETag, IEnumerable<KeyValuePair<string, string>> Metadata)
{
    /// <exception cref="StorageException">Of kind Corrupt: the record cannot be read.</exception>
    public RemoteBlob Read(RemoteTraits traits, string store)
    {
        try
        {
            return RemoteRecord.Read(Bare, Metadata) with { NativeETag = NativeETag };
        }
        catch (FormatException e)
        {
            throw StorageException.Corrupt("stat", Bare.Key, store, $"its record in {traits.RecordPlace} cannot be read: {e.Message}", e);
        }
    }
}
