using System.Buffers;

namespace Strata.Server;

/// <summary>Moves a payload into a writer in pieces; the next one is received and digested while the store takes the one before.</summary>
internal static class S3Pieces
{
    private const int PieceLength = 256 << 10;

    /// <summary>Writes everything, then commits with MD5 as the ETag and the payload's checksums.</summary>
    /// <param name="payload">Read to its end; what fails it fails the write, and nothing is committed.</param>
    /// <param name="writer">Where to; its caller disposes it.</param>
    /// <param name="metadata">What is kept besides the checksum; null for what the writer was opened with.</param>
    /// <param name="buffers">Where the two buffers come from.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<WriteResult> WriteAsync(
        IPayload payload, IBlobWriter writer, IReadOnlyDictionary<string, string>? metadata, ArrayPool<byte> buffers, CancellationToken cancellationToken)
    {
        // One byte more than the payload has, so that filling a small buffer sees its end.
        int length = (int)Math.Min(PieceLength, (payload.Length ?? PieceLength) + 1);
        byte[] filling = buffers.Rent(length), writing = payload.Length < length ? [] : buffers.Rent(length);
        Task underWay = Task.CompletedTask;
        try
        {
            int filled;
            while ((filled = await payload.FillAsync(filling, cancellationToken)) > 0)
            {
                await underWay;
                underWay = writer.WriteAsync(filling.AsMemory(0, filled), cancellationToken).AsTask();
                if (filled < filling.Length) break;
                (filling, writing) = (writing, filling);
            }

            await underWay;
            return await writer.CommitAsync(
                new CommitOptions { ETag = payload.ETag, Checksum = payload.Crc32C, Metadata = payload.Checksum?.AddTo(metadata) }, cancellationToken);
        }
        finally
        {
            // A payload that broke off leaves a write under way: until it has ended, its buffer is not given back.
            await underWay.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            buffers.Return(filling);
            if (writing.Length > 0) buffers.Return(writing);
        }
    }
}
