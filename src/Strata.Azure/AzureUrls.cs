using Azure.Core;

namespace Strata.Azure;

/// <summary>Addresses of containers.</summary>
public static class AzureUrls
{
    private static readonly string[] Known =
    [
        "account", "endpoint", "singleWriter", "looksBeforeWriting", "tombstones", "uploadExpiry", "blockSize", "parallelism", "accessTier", "serviceVersion", "maxAttempts", "progressTimeout",
    ];

    /// <summary>
    /// Registers the scheme <c>azure:</c>: <c>azure://CONTAINER/PREFIX?account=…&amp;endpoint=https://…</c>, and
    /// <c>singleWriter</c>, <c>looksBeforeWriting</c> (true or false), <c>tombstones=1d</c>, <c>uploadExpiry=7d</c>, <c>blockSize=8MiB</c>, <c>parallelism=4</c>,
    /// <c>accessTier=hot|cool|cold|archive</c>, <c>serviceVersion=2026-02-06</c>, <c>maxAttempts=5</c>, <c>progressTimeout=30s</c>.
    /// Credentials come from the environment (<c>AZURE_STORAGE_CONNECTION_STRING</c>, <c>AZURE_STORAGE_KEY</c>,
    /// <c>AZURE_STORAGE_SAS_TOKEN</c>) or from <paramref name="token"/>, never from an address.
    /// </summary>
    /// <param name="registry">Where.</param>
    /// <param name="token">A credential of Microsoft Entra for all that is opened; null for what the environment says.</param>
    public static void RegisterAzure(this StoreUrlRegistry registry, TokenCredential? token = null)
    {
        ArgumentNullException.ThrowIfNull(registry);
        registry.Register("azure:", (url, opening, _) =>
        {
            try
            {
                return new(AzureBlobStore.Open(OptionsOf(url, opening) with { Token = token }, opening.Context));
            }
            catch (ArgumentException e)
            {
                throw new FormatException(e.Message, e);
            }
        });
    }

    internal static AzureBlobStoreOptions OptionsOf(StoreUrl url, StoreOpening opening)
    {
        StoreUrlOptions settings = new(url, Known);
        string[] path = url.Path.Split('/', 2);
        if (path[0].Length == 0) throw new FormatException("names no container");
        string prefix = path.Length == 2 ? path[1].TrimEnd('/') : "";
        var standard = new AzureBlobStoreOptions { Container = path[0], Prefix = prefix.Length > 0 ? prefix + "/" : "", Name = opening.Name };
        (string, bool)[] choices = [("true", true), ("false", false)];
        return standard with
        {
            Account = url.Option("account"),
            Endpoint = url.Option("endpoint") is { } endpoint ? EndpointOf(endpoint) : null,
            SingleWriter = settings.Choice("singleWriter", standard.SingleWriter, choices),
            KeepsTombstones = settings.Time("tombstones"),
            UploadExpiry = settings.Time("uploadExpiry") ?? standard.UploadExpiry,
            LooksBeforeWriting = settings.Choice("looksBeforeWriting", standard.LooksBeforeWriting, choices),
            BlockSize = settings.Size("blockSize") is { } size ? (int)Math.Min(size, int.MaxValue) : standard.BlockSize,
            Parallelism = settings.Number("parallelism") ?? standard.Parallelism,
            AccessTier = settings.Choice("accessTier", (AccessTier?)null, [.. Enum.GetValues<AccessTier>().Select(t => (t.ToString(), (AccessTier?)t))]),
            ServiceVersion = url.Option("serviceVersion") ?? standard.ServiceVersion,
            MaxAttempts = settings.Number("maxAttempts") ?? standard.MaxAttempts,
            ProgressTimeout = settings.Time("progressTimeout") ?? standard.ProgressTimeout,
        };
    }

    private static Uri EndpointOf(string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? endpoint)) throw new FormatException("has an endpoint that is no address; write it as endpoint=https://HOST");
        return endpoint.Query.Length == 0 ? endpoint : throw new FormatException("has an endpoint with a query; a signature comes from AZURE_STORAGE_SAS_TOKEN, never from an address");
    }
}
