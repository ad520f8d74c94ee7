using System.Buffers;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Strata.Server;

/// <summary>GET of the blob API: whole blobs and one range (RFC 9110, section 14), with conditions.</summary>
internal static class BlobReads
{
    private const int BufferBytes = 128 * 1024;

    public static async Task ReadAsync(HttpContext context, IBlobStore store, TimeProvider clock)
    {
        BlobReadResult? result = await store.ReadAsync(BlobEndpoints.KeyOf(context), OptionsOf(context.Request), context.RequestAborted);
        if (result is null)
        {
            context.Response.StatusCode = 404;
            return;
        }

        await using (result)
        {
            bool partial = context.Request.Headers.Range.Count > 0;
            context.Response.StatusCode = result.Status switch
            {
                BlobReadStatus.Found => partial ? 206 : 200,
                BlobReadStatus.NotModified => 304,
                BlobReadStatus.PreconditionFailed => 412,
                _ => 416,
            };
            IHeaderDictionary headers = context.Response.Headers;
            headers[BlobWire.InfoHeader] = BlobWire.ToHeader(BlobInfoWire.From(result.Info), BlobWire.Context.BlobInfoWire);
            headers[BlobWire.SourceHeader] = Uri.EscapeDataString(result.Source);
            StaleHeaders.Write(result.Info, clock, context.Response);
            if (result.Status != BlobReadStatus.Found) return;
            KeepInert(headers, result.Info.Key);
            headers.ContentType = "application/octet-stream";
            headers.ContentLength = result.Length;
            if (partial) headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes {result.Offset}-{result.Offset + result.Length - 1}/{result.Info.Length}");
            await SendAsync(context, result);
        }
    }

    /// <summary>
    /// A page may link here to download: whatever a blob holds, a browser saves it, and neither shows nor runs it.
    /// </summary>
    private static void KeepInert(IHeaderDictionary headers, BlobKey key)
    {
        var disposition = new ContentDispositionHeaderValue("attachment");
        disposition.SetHttpFileName(key.Value.TrimEnd('/').Split('/')[^1]);
        headers.ContentDisposition = disposition.ToString();
        headers.ContentSecurityPolicy = "default-src 'none'; sandbox";
        headers.XContentTypeOptions = "nosniff";
        headers.CacheControl = "no-store";
    }

    /// <summary>The first piece is read before anything is sent, so that damage found there is still a proper answer.</summary>
    private static async Task SendAsync(HttpContext context, BlobReadResult result)
    {
        if (result.TryGetSequence(out ReadOnlySequence<byte> bytes))
        {
            await ResponsePieces.SendAsync(context.Response, bytes, context.RequestAborted);
            return;
        }

        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            await using Stream stream = result.OpenStream();
            long left = result.Length;
            while (left > 0)
            {
                int read = await stream.ReadAsync(buffer, context.RequestAborted);
                if (read == 0) throw StorageException.Corrupt("read", result.Info.Key, result.Source, $"it ended {left} bytes early");
                await ResponsePieces.SendAsync(context.Response, buffer.AsMemory(0, read), context.RequestAborted);
                left -= read;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static ReadOptions? OptionsOf(HttpRequest request)
    {
        IHeaderDictionary headers = request.Headers;
        BlobRange? range = headers.Range.Count > 0 ? RangeOf(headers.Range.ToString()) : null;
        string? match = TagOf(headers.IfMatch), none = TagOf(headers.IfNoneMatch);
        ReadConsistency consistency = headers[BlobWire.ConsistencyHeader] == nameof(ReadConsistency.Origin) ? ReadConsistency.Origin : ReadConsistency.Default;
        return range is null && match is null && none is null && consistency == ReadConsistency.Default
            ? null
            : new ReadOptions { Range = range, IfMatch = match, IfNoneMatch = none, Consistency = consistency };
    }

    private static string? TagOf(StringValues header) => header.Count == 0 ? null : header.ToString() is ['"', .. var tag, '"'] ? tag : header.ToString();

    private static BlobRange RangeOf(string header) =>
        header.StartsWith("bytes=", StringComparison.Ordinal) && ByteRange.TryParse(header.AsSpan(6), out BlobRange range)
            ? range
            : throw new ArgumentException($"A range is 'bytes=FIRST-LAST', 'bytes=FIRST-' or 'bytes=-COUNT'; this is '{header}'.");
}
