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

    /// <summary>
    /// Names of user metadata to set or, with null, to remove, one by one: applied to what is there at the commit (behind
    /// <see cref="Metadata"/>), so that two who change different names do not undo each other. Null for none.
    /// </summary>
    public IReadOnlyDictionary<string, string?>? MetadataEdits { get; init; }

    /// <summary>
    /// True if the ETag stays, as it does where it stands for the content alone (S3's tags). The version rises all the
    /// same. Default false: a new ETag.
    /// </summary>
    public bool KeepsETag { get; init; }

    /// <summary>The new version is to be above this one, too: for a key of which another store holds a later version.</summary>
    internal BlobVersion Above { get; init; }

    /// <summary>The metadata of <paramref name="info"/> with these changes; version, ETag and times stay.</summary>
    public BlobInfo ApplyTo(BlobInfo info) => info with
    {
        Expires = Expires.Or(info.Expires),
        ContentType = ContentType.Or(info.ContentType),
        ContentEncoding = ContentEncoding.Or(info.ContentEncoding),
        Metadata = Edited(Metadata.Or(info.Metadata) ?? BlobInfo.NoMetadata),
    };

    private IReadOnlyDictionary<string, string> Edited(IReadOnlyDictionary<string, string> metadata)
    {
        if (MetadataEdits is not { Count: > 0 }) return metadata;
        var edited = new Dictionary<string, string>(metadata, StringComparer.Ordinal);
        foreach ((string name, string? value) in MetadataEdits)
        {
            if (value is null) edited.Remove(name);
            else edited[name] = value;
        }

        return edited;
    }
}
