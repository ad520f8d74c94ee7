using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>GET of an object: whole, a range or a part, under conditions.</summary>
internal static class S3GetObject
{
    /// <summary>How often a part is looked up again because the object was replaced between the look and the read.</summary>
    private const int MaxLooks = 5;

    public static Task HandleAsync(S3Request request)
    {
        IBlobStore store = request.Store;
        BlobKey key = S3Request.KeyOf(request.Target.Key);
        return S3PartNumber.Of(request) is { } number ? AnswerPartAsync(request, store, key, number) : AnswerAsync(request, store, key);
    }

    /// <summary>The headers that GET and HEAD share: those of the object, then those that the query overrides.</summary>
    public static void WriteHeaders(S3Request request, BlobInfo info)
    {
        HttpResponse response = request.Response;
        S3ObjectHeaders.Write(info, response);
        StaleHeaders.Write(info, request.Served.Context.Clock, response);
        if (request.HasQuery) WriteOverrides(request);

        // What others stored must not run with this origin's rights when a browser shows it.
        response.Headers.ContentSecurityPolicy = "sandbox";
        response.Headers.XContentTypeOptions = "nosniff";
    }

    /// <summary>Tells which tier answered; a tier of the library's user may have any name.</summary>
    public static void WriteTier(S3Request request, string tier)
    {
        if (S3ObjectHeaders.IsPlain(tier)) request.Response.Headers["x-strata-tier"] = tier;
    }

    /// <summary>Tells the content's checksum to a client that asks for it; only of a whole object.</summary>
    public static void WriteChecksum(S3Request request, BlobInfo info)
    {
        if (request.Request.Headers.ContainsKey("x-amz-checksum-mode")) S3Checksum.Of(info)?.WriteTo(request.Response);
    }

    /// <summary>Answers 412 or 304, as the conditions ask for it.</summary>
    public static Task RefuseAsync(S3Request request, BlobReadStatus status, BlobInfo info)
    {
        if (status == BlobReadStatus.PreconditionFailed) return request.FailAsync(S3Error.PreconditionFailed);
        request.Response.StatusCode = StatusCodes.Status304NotModified;
        S3ObjectHeaders.Write(info, request.Response);
        StaleHeaders.Write(info, request.Served.Context.Clock, request.Response);
        request.Response.Headers.ContentType = default;
        return Task.CompletedTask;
    }

    private static async Task AnswerAsync(S3Request request, IBlobStore store, BlobKey key)
    {
        IHeaderDictionary headers = request.Request.Headers;
        var conditions = new S3Conditions(headers);
        BlobRange? range = S3Range.Parse(headers.Range.ToString(), out bool isEmptyRange);
        BlobReadResult? result = await store.ReadAsync(key, Options(conditions, range), request.Aborted);
        if (result is not null && range is not null && IsRangeObsolete(request, result.Info))
        {
            await result.DisposeAsync();
            range = null;
            result = await store.ReadAsync(key, Options(conditions, null), request.Aborted);
        }

        if (result is null)
        {
            await request.FailAsync(S3Error.NoSuchKey);
            return;
        }

        await using (result)
        {
            await AnswerAsync(request, result, conditions, range, isEmptyRange);
        }
    }

    /// <summary>The part is looked up in one state of the object, and read of the same.</summary>
    private static async Task AnswerPartAsync(S3Request request, IBlobStore store, BlobKey key, int number)
    {
        var conditions = new S3Conditions(request.Request.Headers);
        for (int look = 0; look < MaxLooks; look++)
        {
            BlobInfo? info = await store.StatAsync(key, request.Aborted);
            if (info is null) break;
            if (conditions.Evaluate(info) is not BlobReadStatus.Found and var status)
            {
                await RefuseAsync(request, status, info);
                return;
            }

            S3PartNumber part = S3PartNumber.Find(info, number);
            BlobRange? range = part.Length == 0 ? null : BlobRange.From(part.Offset, part.Length);
            await using BlobReadResult? result = await store.ReadAsync(key, new ReadOptions { Range = range, IfMatch = info.ETag }, request.Aborted);
            if (result is null) break;
            if (result.Status != BlobReadStatus.Found) continue;
            part.WriteTo(request);
            await AnswerAsync(request, result, conditions, range, isEmptyRange: false);
            return;
        }

        await request.FailAsync(await store.StatAsync(key, request.Aborted) is null
            ? S3Error.NoSuchKey
            : S3Error.OperationAborted("The object is replaced again and again while its part is looked up."));
    }

    private static async Task AnswerAsync(S3Request request, BlobReadResult result, S3Conditions conditions, BlobRange? range, bool isEmptyRange)
    {
        BlobInfo info = result.Info;
        if (conditions.Evaluate(info) is not BlobReadStatus.Found and var status)
        {
            await RefuseAsync(request, status, info);
            return;
        }

        HttpResponse response = request.Response;
        if (isEmptyRange || result.Status == BlobReadStatus.RangeNotSatisfiable)
        {
            response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes */{info.Length}");
            await request.FailAsync(S3Error.InvalidRange(info.Length));
            return;
        }

        // The blob was replaced between the store's look at the condition and ours: cannot be, as both look at this very result.
        if (result.Status != BlobReadStatus.Found) throw new InvalidOperationException($"A read came to {result.Status} against its own conditions.");
        WriteHeaders(request, info);
        WriteTier(request, result.Source);
        response.ContentLength = result.Length;
        if (range is null)
        {
            WriteChecksum(request, info);
        }
        else
        {
            response.StatusCode = StatusCodes.Status206PartialContent;
            response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes {result.Offset}-{result.Offset + result.Length - 1}/{info.Length}");
        }

        await ResponsePieces.SendAsync(response, result, request.Aborted);
        request.BytesOut = result.Length;
    }

    private static void WriteOverrides(S3Request request)
    {
        foreach ((string parameter, string header) in S3ObjectHeaders.Overrides)
        {
            if (request.Query(parameter) is not { Length: > 0 } value) continue;
            if (!S3ObjectHeaders.IsPlain(value)) throw S3Error.InvalidArgument($"{parameter} may hold printable ASCII only.").AsException();
            request.Response.Headers[header] = value;
        }
    }

    private static ReadOptions? Options(S3Conditions conditions, BlobRange? range) =>
        range is null && conditions.SingleNoneMatch is null ? null : new ReadOptions { Range = range, IfNoneMatch = conditions.SingleNoneMatch };

    /// <summary>True if the range holds only for another state of the object (<c>If-Range</c>): then the whole is due.</summary>
    private static bool IsRangeObsolete(S3Request request, BlobInfo info)
    {
        string given = request.Request.Headers.IfRange.ToString();
        if (given.Length == 0) return false;
        return given.StartsWith('"')
            ? S3Conditions.Unquote(given) != info.ETag
            : given != info.Modified.ToString("r", CultureInfo.InvariantCulture);
    }
}
