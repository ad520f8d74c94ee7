using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>GetObjectAttributes: those of an object's properties that the client names.</summary>
internal static class S3GetObjectAttributes
{
    private const string Header = "x-amz-object-attributes";
    private const int MaxParts = 1000;
    private static readonly string[] Known = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"];

    public static async Task HandleAsync(S3Request request)
    {
        IHeaderDictionary headers = request.Request.Headers;
        HashSet<string> asked = Asked(headers[Header].ToString());
        int after = Number(headers, "x-amz-part-number-marker", 0, IMultipartUploads.MaxParts), limit = Number(headers, "x-amz-max-parts", MaxParts, MaxParts);
        BlobInfo? info = await request.Store.StatAsync(S3Request.KeyOf(request.Target.Key), request.Aborted);
        if (info is null)
        {
            await request.FailAsync(S3Error.NoSuchKey);
            return;
        }

        request.Response.Headers.LastModified = info.Modified.ToString("r", CultureInfo.InvariantCulture);
        using var xml = new S3Xml("GetObjectAttributesResponse");
        if (asked.Contains("ETag")) xml.Element("ETag", info.ETag);
        if (asked.Contains("Checksum") && S3Checksum.Of(info) is { } checksum)
        {
            xml.Open("Checksum");
            checksum.WriteTo(xml);
            xml.Element("ChecksumType", checksum.Type).Close("Checksum");
        }

        if (asked.Contains("ObjectParts") && S3PartSizes.Of(info) is { } sizes) WriteParts(xml, sizes, after, limit);
        if (asked.Contains("StorageClass")) xml.Element("StorageClass", "STANDARD");
        if (asked.Contains("ObjectSize")) xml.Element("ObjectSize", info.Length);
        await xml.SendAsync(request.Response);
    }

    private static void WriteParts(S3Xml xml, S3PartSizes sizes, int after, int limit)
    {
        int last = (int)Math.Min(sizes.Count, (long)after + limit);
        xml.Open("ObjectParts").Element("PartsCount", sizes.Count).Element("PartNumberMarker", after).Element("NextPartNumberMarker", Math.Max(after, last));
        xml.Element("MaxParts", limit).Element("IsTruncated", last < sizes.Count);
        for (int number = after + 1; number <= last; number++)
        {
            sizes.TryFind(number, out _, out long size);
            xml.Open("Part").Element("PartNumber", number).Element("Size", size).Close("Part");
        }

        xml.Close("ObjectParts");
    }

    private static HashSet<string> Asked(string header)
    {
        string[] names = header.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (names.Length == 0) throw S3Error.InvalidArgument($"The header {Header} is missing or empty; it takes {string.Join(", ", Known)}.").AsException();
        if (names.FirstOrDefault(n => !Known.Contains(n, StringComparer.Ordinal)) is { } unknown)
            throw S3Error.InvalidArgument($"Invalid attribute name specified: {unknown}. {Header} takes {string.Join(", ", Known)}.").AsException();
        return [.. names];
    }

    private static int Number(IHeaderDictionary headers, string name, int otherwise, int most)
    {
        string text = headers[name].ToString();
        if (text.Length == 0) return otherwise;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value)
            ? Math.Min(value, most)
            : throw S3Error.InvalidArgument($"{name} must be an integer between 0 and 2147483647.").AsException();
    }
}
