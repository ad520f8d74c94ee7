using System.Globalization;
using System.Text.Json.Serialization;

namespace Strata.Server;

/// <summary><see cref="BlobInfo"/> as JSON.</summary>
internal sealed record BlobInfoWire
{
    public required string Key { get; init; }

    public required long Length { get; init; }

    public required string Etag { get; init; }

    /// <summary>16 hex digits; zeros for none.</summary>
    public required string Version { get; init; }

    public DateTimeOffset Created { get; init; }

    public DateTimeOffset Modified { get; init; }

    public DateTimeOffset? Expires { get; init; }

    public string? ContentType { get; init; }

    public string? ContentEncoding { get; init; }

    /// <summary>8 hex digits, or null.</summary>
    public string? Checksum { get; init; }

    public IReadOnlyDictionary<string, string> Metadata { get; init; } = BlobInfo.NoMetadata;

    public string? Tier { get; init; }

    /// <summary>When the origin last confirmed it, if it was served without being asked, as it is out; else left out.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? StaleSince { get; init; }

    public static BlobInfoWire From(BlobInfo info) => new()
    {
        Key = info.Key.Value,
        Length = info.Length,
        Etag = info.ETag,
        Version = info.Version.ToString(),
        Created = info.Created,
        Modified = info.Modified,
        Expires = info.Expires,
        ContentType = info.ContentType,
        ContentEncoding = info.ContentEncoding,
        Checksum = HexOf(info.Checksum),
        Metadata = info.Metadata,
        Tier = info.Tier,
        StaleSince = info.StaleSince,
    };

    /// <exception cref="ArgumentException">The key or version is none.</exception>
    public BlobInfo ToInfo() => new()
    {
        Key = BlobKey.Parse(Key),
        Length = Length,
        ETag = Etag,
        Version = VersionOf(Version),
        Created = Created,
        Modified = Modified,
        Expires = Expires,
        ContentType = ContentType,
        ContentEncoding = ContentEncoding,
        Checksum = ChecksumOf(Checksum),
        Metadata = Metadata,
        Tier = Tier,
        StaleSince = StaleSince,
    };

    public static string? HexOf(uint? checksum) => checksum?.ToString("x8", CultureInfo.InvariantCulture);

    public static uint? ChecksumOf(string? hex) => hex is null ? null
        : uint.TryParse(hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint value) ? value
        : throw new ArgumentException($"A checksum has 8 hex digits; this is '{hex}'.");

    public static BlobVersion VersionOf(string? hex) =>
        BlobVersion.TryParse(hex, out BlobVersion version) ? version : throw new ArgumentException($"A version has 16 hex digits; this is '{hex}'.");
}
