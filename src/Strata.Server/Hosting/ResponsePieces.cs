using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>
/// Sends a blob in small pieces. The web server copies what it is given at once, however long, before it waits for the
/// client: of a blob in memory each client that reads slowly would hold a copy.
/// </summary>
internal static class ResponsePieces
{
    private const int PieceLength = 64 << 10;

    /// <summary>How long it may take at most until a request whose client has gone is told so.</summary>
    private static readonly TimeSpan AbortTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Sends what was read; completes when the web server has taken all of it.</summary>
    public static Task SendAsync(HttpResponse response, BlobReadResult result, CancellationToken cancellationToken) =>
        !result.TryGetSequence(out ReadOnlySequence<byte> bytes) ? SendStreamAsync(response, result, cancellationToken)
        : bytes.IsSingleSegment && bytes.Length is > 0 and <= PieceLength ? response.Body.WriteAsync(bytes.First, cancellationToken).AsTask()
        : SendAsync(response, bytes, cancellationToken);

    /// <summary>Sends bytes; completes when the web server has taken all of them.</summary>
    public static async Task SendAsync(HttpResponse response, ReadOnlySequence<byte> bytes, CancellationToken cancellationToken)
    {
        foreach (ReadOnlyMemory<byte> segment in bytes)
        {
            for (int sent = 0; sent < segment.Length; sent += PieceLength)
                await SendAsync(response, segment.Slice(sent, Math.Min(PieceLength, segment.Length - sent)), cancellationToken);
        }
    }

    /// <summary>
    /// Sends one piece. For a client that has gone the web server goes on to take pieces, and tells so only here; the
    /// request's cancellation comes later, and behind all that the thread pool has to do. Whoever went on would read the
    /// rest of a large blob for nobody: five hundred at once hold up everybody for seconds.
    /// </summary>
    /// <exception cref="OperationCanceledException">The client has gone, and the request is cancelled.</exception>
    public static async ValueTask SendAsync(HttpResponse response, ReadOnlyMemory<byte> piece, CancellationToken cancellationToken)
    {
        FlushResult flushed = await response.BodyWriter.WriteAsync(piece, cancellationToken);
        if (!flushed.IsCompleted) return;
        await Task.Delay(AbortTimeout, cancellationToken);
        throw new IOException("The client has gone, and the web server did not cancel its request.");
    }

    private static async Task SendStreamAsync(HttpResponse response, BlobReadResult result, CancellationToken cancellationToken)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(PieceLength);
        try
        {
            await using Stream stream = result.OpenStream();
            int read;
            while ((read = await stream.ReadAsync(buffer, cancellationToken)) > 0) await SendAsync(response, buffer.AsMemory(0, read), cancellationToken);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
