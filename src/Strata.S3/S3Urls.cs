namespace Strata.S3;

/// <summary>Addresses of buckets.</summary>
public static class S3Urls
{
    private static readonly string[] Known =
    [
        "endpoint", "region", "provider", "pathStyle", "singleWriter", "looksBeforeWriting", "tombstones", "uploadExpiry", "partSize", "parallelism", "storageClass", "encryption", "maxAttempts", "progressTimeout",
    ];

    /// <summary>
    /// Registers the scheme <c>s3:</c>: <c>s3://BUCKET/PREFIX?endpoint=https://…&amp;region=…&amp;provider=aws|ceph|r2|minio|garage|strata|plain</c>,
    /// and <c>pathStyle</c>, <c>singleWriter</c>, <c>looksBeforeWriting</c> (true or false), <c>tombstones=1d</c>, <c>uploadExpiry=7d</c>, <c>partSize=8MiB</c>, <c>parallelism=4</c>,
    /// <c>storageClass=STANDARD_IA</c>, <c>encryption=AES256|aws:kms|aws:kms:KEY</c>, <c>maxAttempts=5</c>, <c>progressTimeout=30s</c>.
    /// Credentials come from the environment, a profile or the machine's role, never from an address; the endpoint, where the
    /// address has none, from <c>AWS_ENDPOINT_URL_S3</c> or <c>AWS_ENDPOINT_URL</c>.
    /// </summary>
    public static void RegisterS3(this StoreUrlRegistry registry)
    {
        ArgumentNullException.ThrowIfNull(registry);
        registry.Register("s3:", async (url, opening, cancellationToken) => await S3BlobStore.OpenAsync(OptionsOf(url, opening), opening.Context, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>The endpoint that the environment names for addresses without one, as for every AWS tool; null for none.</summary>
    public static string? EndpointOfEnvironment()
    {
        foreach (string name in (string[])["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"])
        {
            if (Environment.GetEnvironmentVariable(name) is { Length: > 0 } endpoint) return endpoint;
        }

        return null;
    }

    internal static S3BlobStoreOptions OptionsOf(StoreUrl url, StoreOpening opening)
    {
        StoreUrlOptions settings = new(url, Known);
        string[] path = url.Path.Split('/', 2);
        if (path[0].Length == 0) throw new FormatException("names no bucket");
        string prefix = path.Length == 2 ? path[1].TrimEnd('/') : "";
        var standard = new S3BlobStoreOptions { Bucket = path[0], Prefix = prefix.Length > 0 ? prefix + "/" : "", Name = opening.Name };
        (string, bool)[] choices = [("true", true), ("false", false)];
        S3BlobStoreOptions options = standard with
        {
            Endpoint = (url.Option("endpoint") ?? EndpointOfEnvironment()) is { } endpoint ? EndpointOf(endpoint) : null,
            Region = url.Option("region"),
            Provider = settings.Choice("provider", (S3Provider?)null, [.. S3Provider.Presets.Select(p => (p.Name, (S3Provider?)p))]),
            PathStyle = settings.Choice("pathStyle", (bool?)null, ("true", true), ("false", false)),
            SingleWriter = settings.Choice("singleWriter", standard.SingleWriter, choices),
            KeepsTombstones = settings.Time("tombstones"),
            UploadExpiry = settings.Time("uploadExpiry") ?? standard.UploadExpiry,
            LooksBeforeWriting = settings.Choice("looksBeforeWriting", standard.LooksBeforeWriting, choices),
            PartSize = settings.Size("partSize") is { } size ? (int)Math.Min(size, int.MaxValue) : standard.PartSize,
            Parallelism = settings.Number("parallelism") ?? standard.Parallelism,
            StorageClass = url.Option("storageClass"),
            Encryption = url.Option("encryption") is { } encryption ? EncryptionOf(encryption) : null,
            MaxAttempts = settings.Number("maxAttempts") ?? standard.MaxAttempts,
            ProgressTimeout = settings.Time("progressTimeout") ?? standard.ProgressTimeout,
        };
        try
        {
            options.Check();
        }
        catch (ArgumentException e)
        {
            throw new FormatException(e.Message, e);
        }

        return options;
    }

    private static Uri EndpointOf(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out Uri? endpoint) ? endpoint : throw new FormatException("has an endpoint that is no address; write it as endpoint=https://HOST");

    private static S3Encryption EncryptionOf(string text) => text switch
    {
        "AES256" => S3Encryption.Aes256,
        "aws:kms" => S3Encryption.Kms(),
        _ when text.StartsWith("aws:kms:", StringComparison.Ordinal) && text.Length > 8 => S3Encryption.Kms(text[8..]),
        _ => throw new FormatException($"has encryption={text}; it takes AES256, aws:kms or aws:kms:KEY"),
    };
}
