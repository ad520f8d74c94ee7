namespace Strata.Server;

/// <summary>A store's uploads in parts as JSON.</summary>
/// <param name="Uploads">By key and, of one key, in the order in which they began.</param>
/// <param name="More">True if there are others that are not listed.</param>
internal sealed record UploadsWire(IReadOnlyList<UploadWire> Uploads, bool More)
{
    public static UploadsWire From(IReadOnlyList<MultipartUpload> uploads, int limit) => new([.. uploads.Take(limit).Select(UploadWire.From)], uploads.Count > limit);
}

/// <summary><see cref="MultipartUpload"/> as JSON, without what the blob will have.</summary>
internal sealed record UploadWire(string Key, string Id, DateTimeOffset Created, DateTimeOffset Touched, int Parts, long Bytes)
{
    public static UploadWire From(MultipartUpload upload) => new(upload.Key.Value, upload.Id, upload.Created, upload.Touched, upload.Parts, upload.Bytes);
}
