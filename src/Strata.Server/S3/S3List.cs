using System.Globalization;

namespace Strata.Server;

/// <summary>ListObjectsV2 and ListObjects (V1): one page of a bucket in key order.</summary>
internal static class S3List
{
    private const int MaxKeys = 1000;

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
        int maxKeys = ParseMaxKeys(request.Query("max-keys"));
        bool encodes = EncodesUrls(request.Query("encoding-type"));

        ListPage page = maxKeys == 0 ? new ListPage([], [], null) : await store.ListPageAsync(list with { Limit = maxKeys }, request.Aborted);
        using var xml = new S3Xml("ListBucketResult");
        xml.Element("Name", request.Target.Bucket).Element("Prefix", Encoded(list.Prefix, encodes)).Element("MaxKeys", maxKeys).Element("IsTruncated", page.Token is not null);
        if (list.Delimiter is { } delimiter) xml.Element("Delimiter", Encoded(delimiter, encodes));
        if (encodes) xml.Element("EncodingType", "url");
        WritePosition(request, xml, page, isV2, encodes);
        bool withOwner = !isV2 || string.Equals(request.Query("fetch-owner"), "true", StringComparison.OrdinalIgnoreCase);
        foreach (BlobInfo info in page.Items) WriteItem(xml, info, encodes, withOwner);
        foreach (string prefix in page.Prefixes) xml.Open("CommonPrefixes").Element("Prefix", Encoded(prefix, encodes)).Close("CommonPrefixes");
        await xml.SendAsync(request.Response);
    }

    private static ListRequest Parse(S3Request request, bool isV2)
    {
        string? startAfter = request.Query(isV2 ? "start-after" : "marker");
        var list = new ListRequest
        {
            Prefix = request.Query("prefix") ?? "",
            Delimiter = request.Query("delimiter") is { Length: > 0 } delimiter ? delimiter : null,
            StartAfter = startAfter is { Length: > 0 } ? startAfter : null,
            Token = isV2 ? request.Query("continuation-token") : null,
        };
        try
        {
            list.Validate();
        }
        catch (ArgumentException)
        {
            throw S3Error.InvalidArgument("The continuation token provided is incorrect.").AsException();
        }

        return list;
    }

    private static void WritePosition(S3Request request, S3Xml xml, ListPage page, bool isV2, bool encodes)
    {
        if (!isV2)
        {
            xml.Element("Marker", Encoded(request.Query("marker") ?? "", encodes));
            if (page.Token is not null) xml.Element("NextMarker", Encoded(LastOf(page), encodes));
            return;
        }

        xml.Element("KeyCount", page.Items.Count + page.Prefixes.Count);
        if (request.Query("continuation-token") is { } token) xml.Element("ContinuationToken", token);
        if (page.Token is not null) xml.Element("NextContinuationToken", page.Token);
        if (request.Query("start-after") is { Length: > 0 } startAfter) xml.Element("StartAfter", Encoded(startAfter, encodes));
    }

    private static void WriteItem(S3Xml xml, BlobInfo info, bool encodes, bool withOwner)
    {
        xml.Open("Contents")
            .Element("Key", Encoded(info.Key.Value, encodes))
            .Element("LastModified", info.Modified)
            .Element("ETag", S3ObjectHeaders.Quote(info.ETag))
            .Element("Size", info.Length)
            .Element("StorageClass", "STANDARD");
        if (withOwner) S3BucketOperations.WriteOwner(xml);
        xml.Close("Contents");
    }

    /// <summary>Where V1 continues: behind the last key or prefix of this page.</summary>
    private static string LastOf(ListPage page)
    {
        string item = page.Items.Count > 0 ? page.Items[^1].Key.Value : "", prefix = page.Prefixes.Count > 0 ? page.Prefixes[^1] : "";
        return BlobKey.CompareText(item, prefix) > 0 ? item : prefix;
    }

    private static int ParseMaxKeys(string? text)
    {
        if (string.IsNullOrEmpty(text)) return MaxKeys;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value)
            ? Math.Min(value, MaxKeys)
            : throw S3Error.InvalidArgument("max-keys must be an integer between 0 and 2147483647.").AsException();
    }

    private static bool EncodesUrls(string? type) => type switch
    {
        null or "" => false,
        "url" => true,
        _ => throw S3Error.InvalidArgument("Invalid Encoding Method specified in Request: encoding-type takes url.").AsException(),
    };

    private static string Encoded(string text, bool encodes) => encodes ? Uri.EscapeDataString(text).Replace("%2F", "/", StringComparison.Ordinal) : text;
}
