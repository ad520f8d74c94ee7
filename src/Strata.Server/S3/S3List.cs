using System.Globalization;

namespace Strata.Server;

/// <summary>ListObjectsV2 and ListObjects (V1): one page of a bucket in key order.</summary>
internal static class S3List
{
    public static async Task HandleAsync(S3Request request)
    {
        bool isV2 = request.Query("list-type") switch
        {
            null or "" => false,
            "2" => true,
            _ => throw S3Error.InvalidArgument("list-type takes 2, or is left out.").AsException(),
        };
        request.Operation = isV2 ? "ListObjectsV2" : "ListObjects";
        IBlobStore store = request.Store;
        ListRequest list = Parse(request, isV2);
        int maxKeys = S3Listing.Limit(request, "max-keys");
        bool encodes = S3Listing.EncodesUrls(request);

        ListPage page = maxKeys == 0 ? new ListPage([], [], null) : await store.ListPageAsync(list with { Limit = maxKeys }, request.Aborted);
        using var xml = new S3Xml("ListBucketResult");
        xml.Element("Name", request.Target.Bucket).Element("Prefix", S3Listing.Encoded(list.Prefix, encodes)).Element("MaxKeys", maxKeys).Element("IsTruncated", page.Token is not null);
        if (list.Delimiter is { } delimiter) xml.Element("Delimiter", S3Listing.Encoded(delimiter, encodes));
        if (encodes) xml.Element("EncodingType", "url");
        WritePosition(request, xml, page, isV2, encodes);
        bool withOwner = !isV2 || string.Equals(request.Query("fetch-owner"), "true", StringComparison.OrdinalIgnoreCase);
        foreach (BlobInfo info in page.Items) WriteItem(xml, info, encodes, withOwner);
        S3Listing.WritePrefixes(xml, page.Prefixes, encodes);
        await xml.SendAsync(request.Response);
    }

    private static ListRequest Parse(S3Request request, bool isV2)
    {
        string? startAfter = request.Query(isV2 ? "start-after" : "marker");
        return S3Listing.Request(request, startAfter, isV2 ? request.Query("continuation-token") : null);
    }

    private static void WritePosition(S3Request request, S3Xml xml, ListPage page, bool isV2, bool encodes)
    {
        if (!isV2)
        {
            xml.Element("Marker", S3Listing.Encoded(request.Query("marker") ?? "", encodes));
            if (page.Token is not null) xml.Element("NextMarker", S3Listing.Encoded(S3Listing.LastOf(page), encodes));
            return;
        }

        xml.Element("KeyCount", page.Items.Count + page.Prefixes.Count);
        if (request.Query("continuation-token") is { } token) xml.Element("ContinuationToken", token);
        if (page.Token is not null) xml.Element("NextContinuationToken", page.Token);
        if (request.Query("start-after") is { Length: > 0 } startAfter) xml.Element("StartAfter", S3Listing.Encoded(startAfter, encodes));
    }

    private static void WriteItem(S3Xml xml, BlobInfo info, bool encodes, bool withOwner)
    {
        xml.Open("Contents")
            .Element("Key", S3Listing.Encoded(info.Key.Value, encodes))
            .Element("LastModified", info.Modified)
            .ETag(info.ETag)
            .Element("Size", info.Length)
            .Element("StorageClass", "STANDARD");
        if (withOwner) S3BucketOperations.WriteOwner(xml);
        xml.Close("Contents");
    }
}
