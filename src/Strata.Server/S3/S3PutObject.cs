using System.Buffers;
using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>
/// PUT of an object. Commit point: that of the store; the answer is sent after it. A body that is short, long or not what
/// its checksums say never reaches it.
/// </summary>
internal static class S3PutObject
{
    /// <summary>Up to this length a body is read first and written at once.</summary>
    private const int WholeLength = 64 << 10;

    public static async Task HandleAsync(S3Request request)
    {
        IBlobStore store = request.Store;
        BlobKey key = S3Request.KeyOf(request.Target.Key);
        WriteOptions options = S3ObjectHeaders.Read(request.Request.Headers);
        using var body = new S3Body(request, Math.Min(request.Served.Options.MaxObjectBytes, store.Capabilities.MaxBlobLength));
        WriteResult result = body.Length <= WholeLength
            ? await WriteWholeAsync(request, key, body, options)
            : await WritePiecesAsync(request, key, body, options);
        request.BytesIn = body.BytesRead;
        if (!result.IsWritten)
        {
            await RefuseAsync(request, key, options.Condition, result.Info);
            return;
        }

        body.Checksum?.WriteTo(request.Response);
        request.Response.Headers.ETag = S3ObjectHeaders.Quote(result.Info!.ETag);
        request.Response.ContentLength = 0;
    }

    /// <summary>Says why a write's condition did not hold: S3 tells a missing object from another one.</summary>
    public static async Task RefuseAsync(S3Request request, BlobKey key, WriteCondition condition, BlobInfo? current)
    {
        bool isMissing = condition.Kind == WriteConditionKind.IfMatch && current is null && await request.Store.StatAsync(key, request.Aborted) is null;
        await request.FailAsync(isMissing ? S3Error.NoSuchKey : S3Error.PreconditionFailed);
    }

    private static async Task<WriteResult> WriteWholeAsync(S3Request request, BlobKey key, S3Body body, WriteOptions options)
    {
        // One byte more than declared, so that filling the buffer sees the body's end.
        ArrayPool<byte> buffers = request.Served.Context.Buffers;
        byte[] buffer = buffers.Rent((int)body.Length! + 1);
        try
        {
            int length = await body.FillAsync(buffer, request.Aborted);
            options = options with { ETag = body.ETag, Checksum = body.Crc32C };
            if (body.Checksum is { } checksum) options = options with { Metadata = checksum.AddTo(options.Metadata) };
            return await request.Store.WriteAsync(key, BlobContent.From(buffer.AsMemory(0, length)), options, request.Aborted);
        }
        finally
        {
            buffers.Return(buffer);
        }
    }

    private static async Task<WriteResult> WritePiecesAsync(S3Request request, BlobKey key, S3Body body, WriteOptions options)
    {
        await using IBlobWriter writer = await request.Store.OpenWriterAsync(key, options, request.Aborted);
        return await S3Pieces.WriteAsync(body, writer, options.Metadata, request.Served.Context.Buffers, request.Aborted);
    }
}
