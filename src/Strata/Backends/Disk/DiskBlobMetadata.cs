using System.Text.Json.Serialization;

namespace Strata;

/// <summary>The metadata of a blob, an upload or a part as the disk store writes it. Times are Unix milliseconds.</summary>
internal sealed record DiskBlobMetadata(
    string Key,
    string ETag,
    ulong Version,
    long Created,
    long Modified,
    long? Expires,
    string? ContentType,
    string? ContentEncoding,
    uint? Checksum,
    Dictionary<string, string>? Metadata,
    string? Upload = null,
    int? Part = null)
{
    public static DiskBlobMetadata From(BlobInfo info) => new(
        info.Key.Value,
        info.ETag,
        info.Version.Value,
        info.Created.ToUnixTimeMilliseconds(),
        info.Modified.ToUnixTimeMilliseconds(),
        info.Expires?.ToUnixTimeMilliseconds(),
        info.ContentType,
        info.ContentEncoding,
        info.Checksum,
        info.Metadata.Count == 0 ? null : new Dictionary<string, string>(info.Metadata, StringComparer.Ordinal));

    public BlobInfo ToInfo(long length) => new()
    {
        Key = BlobKey.Parse(Key),
        Length = length,
        ETag = ETag,
        Version = new BlobVersion(Version),
        Created = DateTimeOffset.FromUnixTimeMilliseconds(Created),
        Modified = DateTimeOffset.FromUnixTimeMilliseconds(Modified),
        Expires = Expires is { } expires ? DateTimeOffset.FromUnixTimeMilliseconds(expires) : null,
        ContentType = ContentType,
        ContentEncoding = ContentEncoding,
        Checksum = Checksum,
        Metadata = Metadata?.AsReadOnly() ?? BlobInfo.NoMetadata,
    };
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(DiskBlobMetadata))]
internal sealed partial class DiskBlobJson : JsonSerializerContext;
