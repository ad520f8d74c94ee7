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
        result.TryGetSequence(out ReadOnlySequence<byte> bytes)
            ? SendAsync(response, bytes, cancellationToken)
            : result.CopyToAsync(response.Body, cancellationToken).AsTask();

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
