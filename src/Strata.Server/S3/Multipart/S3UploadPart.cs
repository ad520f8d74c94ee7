using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>UploadPart and UploadPartCopy. A part is kept, whole, when the answer is sent.</summary>
internal static class S3UploadPart
{
    private const string RangeHeader = "x-amz-copy-source-range";

    public static async Task HandleAsync(S3Request request)
    {
        (IMultipartUploads uploads, BlobKey key, int number) = Named(request);
        MultipartUpload upload = await S3Uploads.FindAsync(request, uploads, key);
        long max = Math.Min(S3Uploads.MaxPartBytes, Math.Min(request.Served.Options.MaxObjectBytes, request.Store.Capabilities.MaxBlobLength));
        using var body = new S3Body(request, max, S3UploadChecksum.Of(upload)?.Algorithm);
        BlobInfo part = await KeepAsync(request, uploads, key, number, body);
        request.BytesIn = body.BytesRead;
        body.Checksum?.WriteTo(request.Response);
        request.Response.Headers.ETag = S3ObjectHeaders.Quote(part.ETag);
        request.Response.ContentLength = 0;
    }

    public static async Task CopyAsync(S3Request request)
    {
        (IMultipartUploads uploads, BlobKey key, int number) = Named(request);
        MultipartUpload upload = await S3Uploads.FindAsync(request, uploads, key);
        if (await S3CopySource.FindAsync(request) is not { } source) return;
        BlobRange? range = RangeOf(request.Request.Headers[RangeHeader].ToString(), source.Info);
        long length = range is null ? source.Info.Length : range.Value.Length!.Value;
        if (length > S3Uploads.MaxPartBytes)
            throw S3Error.InvalidRequest($"The specified copy source is larger than the maximum allowable size for a copy source: {S3Uploads.MaxPartBytes}").AsException();
        await using BlobReadResult? read = await source.ReadAsync(range, request.Aborted);
        if (read is null) throw S3Error.OperationAborted("The source was replaced while it was copied.").AsException();
        using var payload = new StoredPayload(read, S3UploadChecksum.Of(upload)?.Algorithm);
        BlobInfo part = await KeepAsync(request, uploads, key, number, payload);
        using var xml = new S3Xml("CopyPartResult");
        xml.Element("LastModified", part.Modified).ETag(part.ETag);
        payload.Checksum?.WriteTo(xml);
        await xml.SendAsync(request.Response);
    }

    private static async Task<BlobInfo> KeepAsync(S3Request request, IMultipartUploads uploads, BlobKey key, int number, IPayload payload)
    {
        await using IBlobWriter? writer = await uploads.OpenPartAsync(key, S3Uploads.IdOf(request), number, request.Aborted);
        if (writer is null) throw S3Error.NoSuchUpload.AsException();
        WriteResult result = await S3Pieces.WriteAsync(payload, writer, null, request.Served.Context.Buffers, request.Aborted);
        return result.IsWritten ? result.Info! : throw S3Error.NoSuchUpload.AsException();
    }

    private static (IMultipartUploads Uploads, BlobKey Key, int Number) Named(S3Request request) =>
        (S3Uploads.Of(request), S3Request.KeyOf(request.Target.Key), S3PartNumber.Parse(request.Query("partNumber")));

    /// <summary>The part of the source; unlike a read's range it must lie within it.</summary>
    private static BlobRange? RangeOf(string header, BlobInfo source)
    {
        if (header.Length == 0) return null;
        string[] ends = header.StartsWith("bytes=", StringComparison.OrdinalIgnoreCase) ? header["bytes=".Length..].Split('-') : [];
        if (ends.Length != 2 || !TryOffset(ends[0], out long first) || !TryOffset(ends[1], out long last) || last < first)
        {
            throw S3Error.InvalidArgument(
                $"The {RangeHeader} value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy").AsException();
        }

        return last < source.Length
            ? BlobRange.From(first, last - first + 1)
            : throw S3Error.InvalidArgument($"Range specified is not valid for source object of size: {source.Length}").AsException();
    }

    private static bool TryOffset(string text, out long offset) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out offset);
}
