using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>
/// POST of the blob API: a write whose length, ETag and checksum the client learns only at its end.
/// </summary>
/// <remarks>
/// The body is a row of frames, each a length (4 bytes, big-endian, 1 to <see cref="BlobWire.MaxFrame"/>) and as many
/// bytes; then a length of 0 and one last frame with the commit options as JSON. A body that ends without it is an abort.
/// </remarks>
internal static class FramedBody
{
    private const int BufferBytes = 128 * 1024;

    public static async Task WriteAsync(HttpContext context, IBlobStore store)
    {
        BlobEndpoints.LiftBodyLimit(context);
        Stream body = context.Request.Body;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            IBlobWriter writer = await store.OpenWriterAsync(BlobEndpoints.KeyOf(context), BlobEndpoints.OptionsOf(context), context.RequestAborted);
            await using (writer)
            {
                await CopyFramesAsync(body, writer, buffer, context.RequestAborted);
                int length = await LengthAsync(body, buffer, context.RequestAborted);
                await body.ReadExactlyAsync(buffer.AsMemory(0, Math.Min(length, BufferBytes)), context.RequestAborted);

                // The digest of a signed body is known at its end only.
                if (await body.ReadAsync(buffer.AsMemory(length, 1), context.RequestAborted) != 0) throw new ArgumentException("Bytes follow the body's last frame.");
                CommitOptions? options = JsonSerializer.Deserialize(buffer.AsSpan(0, length), BlobWire.Context.CommitOptions);
                await BlobEndpoints.AnswerAsync(context, await writer.CommitAsync(options, context.RequestAborted));
            }
        }
        catch (EndOfStreamException e)
        {
            throw new ArgumentException("The body ended without its last frame: the write was given up.", e);
        }
        catch (StorageException)
        {
            // The client sends before it listens: read on, so that it gets to see the answer.
            await body.CopyToAsync(Stream.Null, context.RequestAborted);
            throw;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static async ValueTask CopyFramesAsync(Stream body, IBlobWriter writer, byte[] buffer, CancellationToken cancellationToken)
    {
        int left;
        while ((left = await LengthAsync(body, buffer, cancellationToken)) > 0)
        {
            while (left > 0)
            {
                int read = await body.ReadAsync(buffer.AsMemory(0, Math.Min(left, buffer.Length)), cancellationToken);
                if (read == 0) throw new EndOfStreamException();
                await writer.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
                left -= read;
            }
        }
    }

    private static async ValueTask<int> LengthAsync(Stream body, byte[] buffer, CancellationToken cancellationToken)
    {
        await body.ReadExactlyAsync(buffer.AsMemory(0, sizeof(int)), cancellationToken);
        int length = BinaryPrimitives.ReadInt32BigEndian(buffer);
        return length is >= 0 and <= BlobWire.MaxFrame ? length : throw new ArgumentException($"A frame has at most {BlobWire.MaxFrame} bytes; this one claims {length}.");
    }
}
