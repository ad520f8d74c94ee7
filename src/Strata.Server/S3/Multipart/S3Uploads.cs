using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>CreateMultipartUpload and AbortMultipartUpload, and how every request of an upload finds it.</summary>
internal static class S3Uploads
{
    /// <summary>The longest part: 5 GiB, as S3's.</summary>
    public const long MaxPartBytes = 5L << 30;

    /// <summary>The uploads of the request's bucket.</summary>
    /// <exception cref="S3Exception">NotImplemented: its store keeps none.</exception>
    public static IMultipartUploads Of(S3Request request) =>
        request.Store.TryGetFacet(out IMultipartUploads? uploads) ? uploads : throw S3Error.NotImplemented("Multipart upload into this bucket's store").AsException();

    /// <summary>What the query names the upload.</summary>
    public static string IdOf(S3Request request) => request.Query("uploadId") ?? "";

    /// <summary>The upload that the request names.</summary>
    /// <exception cref="S3Exception">NoSuchUpload.</exception>
    public static async ValueTask<MultipartUpload> FindAsync(S3Request request, IMultipartUploads uploads, BlobKey key) =>
        await uploads.FindAsync(key, IdOf(request), request.Aborted) ?? throw S3Error.NoSuchUpload.AsException();

    public static async Task CreateAsync(S3Request request)
    {
        IMultipartUploads uploads = Of(request);
        BlobKey key = S3Request.KeyOf(request.Target.Key);
        IHeaderDictionary headers = request.Request.Headers;
        S3UploadChecksum? checksum = S3UploadChecksum.Read(headers);
        WriteOptions options = S3ObjectHeaders.Read(headers);
        if (options.Condition.Kind != WriteConditionKind.None) throw S3Error.NotImplemented("A condition on CreateMultipartUpload (it belongs to CompleteMultipartUpload)").AsException();
        if (checksum is not null) options = options with { Metadata = S3Reserved.With(options.Metadata, S3Reserved.Checksum, checksum.ToString()) };
        MultipartUpload upload = await request.Served.UnfinishedUploads.CreateAsync(request.Store, uploads, key, options, request.Aborted);

        checksum?.WriteTo(request.Response);
        using var xml = new S3Xml("InitiateMultipartUploadResult");
        xml.Element("Bucket", request.Target.Bucket).Element("Key", key.Value).Element("UploadId", upload.Id);
        await xml.SendAsync(request.Response);
    }

    public static async Task AbortAsync(S3Request request)
    {
        IMultipartUploads uploads = Of(request);
        bool wasThere = await uploads.AbortAsync(S3Request.KeyOf(request.Target.Key), IdOf(request), request.Aborted);
        if (wasThere) request.Response.StatusCode = StatusCodes.Status204NoContent;
        else await request.FailAsync(S3Error.NoSuchUpload);
    }

    public static async Task ListPartsAsync(S3Request request)
    {
        IMultipartUploads uploads = Of(request);
        BlobKey key = S3Request.KeyOf(request.Target.Key);
        int after = Marker(request.Query("part-number-marker")), limit = S3Listing.Limit(request, "max-parts");
        bool encodes = S3Listing.EncodesUrls(request);
        MultipartUpload upload = await FindAsync(request, uploads, key);

        // One more than asked for tells whether there are more.
        IReadOnlyList<UploadedPart> parts = await uploads.ListPartsAsync(key, upload.Id, after, limit + 1, request.Aborted) ?? throw S3Error.NoSuchUpload.AsException();
        bool isTruncated = parts.Count > limit;
        if (isTruncated) parts = [.. parts.Take(limit)];
        S3UploadChecksum? checksum = S3UploadChecksum.Of(upload);

        using var xml = new S3Xml("ListPartsResult");
        xml.Element("Bucket", request.Target.Bucket).Element("Key", S3Listing.Encoded(key.Value, encodes)).Element("UploadId", upload.Id);
        if (encodes) xml.Element("EncodingType", "url");
        xml.Element("PartNumberMarker", after).Element("MaxParts", limit).Element("IsTruncated", isTruncated);

        // Only where there is more: paginators of several SDKs look at nothing else and would never end.
        if (isTruncated) xml.Element("NextPartNumberMarker", parts.Count > 0 ? parts[^1].Number : after);
        foreach (UploadedPart part in parts) WritePart(xml, part, checksum);
        WriteOwner(xml, checksum);
        await xml.SendAsync(request.Response);
    }

    /// <summary>Who began it, whose it is, and what it will be.</summary>
    public static void WriteOwner(S3Xml xml, S3UploadChecksum? checksum)
    {
        xml.Open("Initiator").Element("ID", S3BucketOperations.Owner).Element("DisplayName", S3BucketOperations.Owner).Close("Initiator");
        S3BucketOperations.WriteOwner(xml);
        xml.Element("StorageClass", "STANDARD");
        checksum?.WriteTo(xml);
    }

    private static void WritePart(S3Xml xml, UploadedPart part, S3UploadChecksum? checksum)
    {
        xml.Open("Part").Element("PartNumber", part.Number).Element("LastModified", part.Modified).ETag(part.ETag).Element("Size", part.Length);
        if (checksum is not null) S3Checksum.Of(part, checksum.Algorithm)?.WriteTo(xml);
        xml.Close("Part");
    }

    private static int Marker(string? text)
    {
        if (string.IsNullOrEmpty(text)) return 0;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value)
            ? value
            : throw S3Error.InvalidArgument("part-number-marker must be an integer between 0 and 2147483647.").AsException();
    }
}
