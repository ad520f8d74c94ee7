using System.Buffers;
using System.Net;

namespace Strata.Cli;

/// <summary>
/// A blob's content as a request's body. Until its last bytes go out the write can be cancelled; from then on it has
/// been dispatched, and only its answer counts.
/// </summary>
internal sealed class ServedContent(BlobContent content, string store, BlobKey key) : HttpContent
{
    private const int Sending = 0, Sent = 1, Cancelled = 2;
    private const int BufferBytes = 128 * 1024;

    private readonly byte[] _probe = new byte[1];
    private int _state;

    /// <summary>Stops the sending; false if all has been sent.</summary>
    public bool TryCancel() => Interlocked.CompareExchange(ref _state, Cancelled, Sending) != Sent;

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, default);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        long sent = 0;
        if (content.TryGetSequence(out ReadOnlySequence<byte> bytes))
        {
            foreach (ReadOnlyMemory<byte> piece in bytes) await SendAsync(piece);
        }
        else
        {
            await SendStreamAsync();
        }

        if (content.Length is { } declared && declared != sent) throw WrongLength(declared, $"{sent} bytes");
        if (content.Length is null or 0) MarkSent();

        async ValueTask SendStreamAsync()
        {
            byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
            try
            {
                await using Stream source = content.OpenStream();
                int read;
                while ((read = await ReadAsync(source, buffer, cancellationToken)) > 0)
                {
                    // The server commits at the last declared byte, so whether more follows is asked before it goes out.
                    if (sent + read == content.Length && await ReadAsync(source, _probe, cancellationToken) > 0) throw WrongLength(content.Length.Value, "more");
                    await SendAsync(buffer.AsMemory(0, read));
                }
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }

        async ValueTask SendAsync(ReadOnlyMemory<byte> piece)
        {
            sent += piece.Length;
            if (sent > content.Length) throw WrongLength(content.Length.Value, "more");
            if (sent == content.Length) MarkSent();
            await stream.WriteAsync(piece, cancellationToken);
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = content.Length ?? 0;
        return content.Length is not null;
    }

    private static async ValueTask<int> ReadAsync(Stream source, byte[] buffer, CancellationToken cancellationToken)
    {
        try
        {
            return await source.ReadAsync(buffer, cancellationToken);
        }
        catch (Exception e) when (e is not (OperationCanceledException or StorageException))
        {
            throw new ContentReadException(e);
        }
    }

    private void MarkSent()
    {
        if (Interlocked.CompareExchange(ref _state, Sent, Sending) == Cancelled) throw new OperationCanceledException();
    }

    private StorageException WrongLength(long declared, string actual) => StorageException.WrongLength("write", key, store, declared, actual);
}

/// <summary>Carries a failure of the caller's own content past the HTTP client, which wraps what it meets.</summary>
internal sealed class ContentReadException(Exception inner) : Exception(inner.Message, inner);
