using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>HEAD of an object: what a GET would answer, without the bytes and without moving them.</summary>
internal static class S3HeadObject
{
    public static async Task HandleAsync(S3Request request)
    {
        BlobInfo? info = await request.Store.StatAsync(S3Request.KeyOf(request.Target.Key), request.Aborted);
        if (info is null)
        {
            await request.FailAsync(S3Error.NoSuchKey);
            return;
        }

        if (new S3Conditions(request.Request.Headers).Evaluate(info) is not BlobReadStatus.Found and var status)
        {
            await S3GetObject.RefuseAsync(request, status, info);
            return;
        }

        HttpResponse response = request.Response;
        BlobRange? range = S3Range.Parse(request.Request.Headers.Range.ToString(), out bool isEmptyRange);
        if (S3PartNumber.Of(request) is { } number)
        {
            S3PartNumber part = S3PartNumber.Find(info, number);
            part.WriteTo(request);
            range = part.Length == 0 ? null : BlobRange.From(part.Offset, part.Length);
        }

        long offset = 0, length = info.Length;
        if (isEmptyRange || range?.TryResolve(info.Length, out offset, out length) == false)
        {
            response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes */{info.Length}");
            await request.FailAsync(S3Error.InvalidRange(info.Length));
            return;
        }

        S3GetObject.WriteHeaders(request, info);
        if (info.Tier is { } tier) S3GetObject.WriteTier(request, tier);
        response.ContentLength = length;
        if (range is null)
        {
            S3GetObject.WriteChecksum(request, info);
            return;
        }

        response.StatusCode = StatusCodes.Status206PartialContent;
        response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes {offset}-{offset + length - 1}/{info.Length}");
    }
}
