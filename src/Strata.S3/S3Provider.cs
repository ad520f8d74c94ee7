namespace Strata.S3;

/// <summary>
/// Which S3 this is: what it honours and what it wants. A store claims no condition that its provider does not honour.
/// </summary>
/// <remarks>The presets that <see cref="IsTested"/> were run against the server itself by this library's tests; the others say what their makers document, and no more.</remarks>
public sealed record S3Provider
{
    /// <summary>The preset's name in addresses, in lower case.</summary>
    public required string Name { get; init; }

    /// <summary>What it honours.</summary>
    public S3Abilities Abilities { get; init; }

    /// <summary>True if ETags in conditions go without their quotes.</summary>
    public bool UnquotedETags { get; init; }

    /// <summary>True if all parts of an upload but the last must have one length.</summary>
    public bool UniformParts { get; init; }

    /// <summary>True if this library's tests ran against it.</summary>
    public bool IsTested { get; init; }

    /// <summary>Where the settings come from, for those who doubt them.</summary>
    public string Source { get; init; } = "";

    /// <summary>Amazon S3, general purpose buckets.</summary>
    public static S3Provider Aws { get; } = new()
    {
        Name = "aws", Abilities = S3Abilities.All,
        Source = "Not tested here. Amazon S3 User Guide, 'Conditional requests': writes, completions, deletes, copies and copy sources.",
    };

    /// <summary>The object gateway of Ceph, 16.2: it ignores conditions on completions, deletes, copies and their sources.</summary>
    public static S3Provider Ceph { get; } = new()
    {
        Name = "ceph", Abilities = S3Abilities.ConditionalPut, UnquotedETags = true, IsTested = true, Source = "Tested and probed with Ceph 16.2.",
    };

    /// <summary>Cloudflare R2.</summary>
    public static S3Provider R2 { get; } = new()
    {
        Name = "r2", Abilities = S3Abilities.ConditionalPut | S3Abilities.CopySourceMatch, UniformParts = true,
        Source = "Not tested here. R2 documentation, 'S3 API compatibility' (conditional PutObject, CopyObject's source conditions) and 'Multipart objects' (parts of one length).",
    };

    /// <summary>MinIO.</summary>
    public static S3Provider MinIO { get; } = new()
    {
        Name = "minio", Abilities = S3Abilities.ConditionalPut | S3Abilities.CopySourceMatch,
        Source = "Not tested here. MinIO's release notes and API documentation (If-Match and If-None-Match on PutObject, CopyObject's source conditions).",
    };

    /// <summary>Garage, which has no conditional writes: its replicas agree on no order.</summary>
    public static S3Provider Garage { get; } = new()
    {
        Name = "garage", Source = "Not tested here. Garage documentation, 'S3 Compatibility status': writes are last-writer-wins.",
    };

    /// <summary>Another Strata server.</summary>
    public static S3Provider Strata { get; } = new()
    {
        Name = "strata", Abilities = S3Abilities.All, IsTested = true, Source = "Tested and probed.",
    };

    /// <summary>Any server, of which nothing is claimed and nothing tried: for programs that set no conditions.</summary>
    public static S3Provider Plain { get; } = new() { Name = "plain", Source = "Nothing is claimed." };

    /// <summary>All presets.</summary>
    public static IReadOnlyList<S3Provider> Presets { get; } = [Aws, Ceph, R2, MinIO, Garage, Strata, Plain];

    /// <summary>The provider that an endpoint's name gives away; null if only trying will tell.</summary>
    /// <param name="endpoint">Null for AWS's own.</param>
    public static S3Provider? Of(Uri? endpoint) => endpoint?.Host switch
    {
        null => Aws,
        { } host when host.EndsWith(".amazonaws.com", StringComparison.OrdinalIgnoreCase) || host.EndsWith(".amazonaws.com.cn", StringComparison.OrdinalIgnoreCase) => Aws,
        { } host when host.EndsWith(".r2.cloudflarestorage.com", StringComparison.OrdinalIgnoreCase) => R2,
        _ => null,
    };

    internal bool Honours(S3Abilities ability) => (Abilities & ability) == ability;

    /// <summary>An ETag as a condition carries it.</summary>
    internal string Quote(string etag) => UnquotedETags ? etag : $"\"{etag}\"";
}
