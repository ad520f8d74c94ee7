namespace Strata.Server;

/// <summary>ListObjectVersions, as of a bucket that never had versions: each object is its only one, and called <c>null</c>.</summary>
internal static class S3ListVersions
{
    /// <summary>S3's name of the version of an object that has none.</summary>
    public const string TheVersion = "null";

    public static async Task HandleAsync(S3Request request)
    {
        IBlobStore store = request.Store;
        string marker = request.Query("key-marker") ?? "";
        ListRequest list = S3Listing.Request(request, marker, token: null);
        int maxKeys = S3Listing.Limit(request, "max-keys");
        bool encodes = S3Listing.EncodesUrls(request);

        ListPage page = maxKeys == 0 ? new ListPage([], [], null) : await store.ListPageAsync(list with { Limit = maxKeys }, request.Aborted);
        using var xml = new S3Xml("ListVersionsResult");
        xml.Element("Name", request.Target.Bucket).Element("Prefix", S3Listing.Encoded(list.Prefix, encodes)).Element("KeyMarker", S3Listing.Encoded(marker, encodes));
        xml.Element("VersionIdMarker", request.Query("version-id-marker") ?? "").Element("MaxKeys", maxKeys).Element("IsTruncated", page.Token is not null);
        if (list.Delimiter is { } delimiter) xml.Element("Delimiter", S3Listing.Encoded(delimiter, encodes));
        if (encodes) xml.Element("EncodingType", "url");
        if (page.Token is not null) xml.Element("NextKeyMarker", S3Listing.Encoded(S3Listing.LastOf(page), encodes)).Element("NextVersionIdMarker", TheVersion);
        foreach (BlobInfo info in page.Items) WriteVersion(xml, info, encodes);
        S3Listing.WritePrefixes(xml, page.Prefixes, encodes);
        await xml.SendAsync(request.Response);
    }

    private static void WriteVersion(S3Xml xml, BlobInfo info, bool encodes)
    {
        xml.Open("Version")
            .Element("Key", S3Listing.Encoded(info.Key.Value, encodes))
            .Element("VersionId", TheVersion)
            .Element("IsLatest", true)
            .Element("LastModified", info.Modified)
            .ETag(info.ETag)
            .Element("Size", info.Length)
            .Element("StorageClass", "STANDARD");
        S3BucketOperations.WriteOwner(xml);
        xml.Close("Version");
    }
}
