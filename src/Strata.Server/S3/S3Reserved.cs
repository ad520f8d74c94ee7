namespace Strata.Server;

/// <summary>
/// What S3 keeps with an object besides the user's metadata, as metadata under names that no client can give: a colon
/// cannot stand in the name of a header. It is never sent as <c>x-amz-meta-</c>.
/// </summary>
internal static class S3Reserved
{
    public const string Prefix = "s3:";

    /// <summary>A <see cref="S3Checksum"/>; of an upload under way a <see cref="S3UploadChecksum"/>.</summary>
    public const string Checksum = Prefix + "checksum";

    /// <summary>The object's <see cref="S3Tags"/>.</summary>
    public const string Tags = Prefix + "tags";

    /// <summary>The sizes of the parts that the object was uploaded in (<see cref="S3PartSizes"/>).</summary>
    public const string Parts = Prefix + "parts";

    /// <summary>Which upload made the object (<see cref="S3CompleteUpload"/>).</summary>
    public const string Upload = Prefix + "upload";

    /// <summary>Room of the metadata, in bytes, that clients cannot fill: for what is known only when the bytes are there.</summary>
    public const int Room = 512;

    /// <summary>The metadata and one thing more, or less where the value is null.</summary>
    public static IReadOnlyDictionary<string, string>? With(IReadOnlyDictionary<string, string>? metadata, string name, string? value)
    {
        if (value is null && metadata?.ContainsKey(name) != true) return metadata;
        var changed = new Dictionary<string, string>(metadata ?? BlobInfo.NoMetadata, StringComparer.Ordinal);
        if (value is null) changed.Remove(name);
        else changed[name] = value;
        return changed;
    }

    /// <summary>True for what S3 keeps and no client gives.</summary>
    public static bool Is(string name) => name.StartsWith(Prefix, StringComparison.Ordinal);
}
