namespace Strata;

/// <summary>Changes to a blob's metadata. A property that is not set stays as it is; one set to null is cleared.</summary>
public sealed record BlobChanges
{
    /// <summary>New expiry.</summary>
    public Change<DateTimeOffset?> Expires { get; init; }

    /// <summary>New media type.</summary>
    public Change<string?> ContentType { get; init; }

    /// <summary>New content encoding.</summary>
    public Change<string?> ContentEncoding { get; init; }

    /// <summary>New user metadata, replacing all of the old; null clears it.</summary>
    public Change<IReadOnlyDictionary<string, string>?> Metadata { get; init; }

    /// <summary>The metadata of <paramref name="info"/> with these changes; version, ETag and times stay.</summary>
    public BlobInfo ApplyTo(BlobInfo info) => info with
    {
        Expires = Expires.Or(info.Expires),
        ContentType = ContentType.Or(info.ContentType),
        ContentEncoding = ContentEncoding.Or(info.ContentEncoding),
        Metadata = Metadata.Or(info.Metadata) ?? BlobInfo.NoMetadata,
    };
}
