using System.Buffers;
using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>
/// Sends a blob in small pieces. The web server copies what it is given at once, however long, before it waits for the
/// client: of a blob in memory each client that reads slowly would hold a copy.
/// </summary>
internal static class ResponsePieces
{
    private const int PieceLength = 64 << 10;

    /// <summary>Sends what was read; completes when the web server has taken all of it.</summary>
    public static Task SendAsync(HttpResponse response, BlobReadResult result, CancellationToken cancellationToken) =>
        !result.TryGetSequence(out ReadOnlySequence<byte> bytes) ? result.CopyToAsync(response.Body, cancellationToken).AsTask()
        : bytes.IsSingleSegment && bytes.Length is > 0 and <= PieceLength ? response.Body.WriteAsync(bytes.First, cancellationToken).AsTask()
        : SendAsync(response, bytes, cancellationToken);

    /// <summary>Sends bytes; completes when the web server has taken all of them.</summary>
    public static async Task SendAsync(HttpResponse response, ReadOnlySequence<byte> bytes, CancellationToken cancellationToken)
    {
        foreach (ReadOnlyMemory<byte> segment in bytes)
        {
            for (int sent = 0; sent < segment.Length; sent += PieceLength)
                await response.Body.WriteAsync(segment.Slice(sent, Math.Min(PieceLength, segment.Length - sent)), cancellationToken);
        }
    }
}
