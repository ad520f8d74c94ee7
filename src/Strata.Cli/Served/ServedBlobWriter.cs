using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Net;
using System.Text.Json;
using Strata.Server;

namespace Strata.Cli;

/// <summary>A streamed write: one request whose body grows as the caller writes (the frames are told in <see cref="FramedBody"/>).</summary>
internal sealed class ServedBlobWriter : IBlobWriter
{
    private readonly Pipe _pipe = new(new PipeOptions(pauseWriterThreshold: 1024 * 1024, resumeWriterThreshold: 512 * 1024));
    private readonly CancellationTokenSource _abort = new();
    private readonly Task<WriteResult> _answer;
    private readonly Action _checkOpen;
    private bool _isCommitting, _isDisposed;

    /// <param name="connection">The way to the server.</param>
    /// <param name="request">The write, without its body.</param>
    /// <param name="checkOpen">Throws once the store is closed.</param>
    public ServedBlobWriter(ServedConnection connection, HttpRequestMessage request, Action checkOpen)
    {
        _checkOpen = checkOpen;
        request.Content = new PipeContent(_pipe.Reader);
        _answer = SendAsync(connection, request);
    }

    public long Length { get; private set; }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        CheckUsable();
        while (!bytes.IsEmpty)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ReadOnlyMemory<byte> frame = bytes[..Math.Min(bytes.Length, BlobWire.MaxFrame)];
            WriteFrame(frame.Span);
            FlushResult flushed = await _pipe.Writer.FlushAsync(cancellationToken);
            if (flushed.IsCompleted) await ThrowAnswerAsync();
            Length += frame.Length;
            bytes = bytes[frame.Length..];
        }
    }

    public async ValueTask<WriteResult> CommitAsync(CommitOptions? options, CancellationToken cancellationToken)
    {
        CheckUsable();
        cancellationToken.ThrowIfCancellationRequested();
        _isCommitting = true;
        WriteFrame([]);
        WriteFrame(JsonSerializer.SerializeToUtf8Bytes(options ?? new CommitOptions(), BlobWire.Context.CommitOptions));
        await _pipe.Writer.CompleteAsync();
        return await _answer;
    }

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        if (!_isCommitting) await _abort.CancelAsync();
        await _answer.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        await _pipe.Writer.CompleteAsync();
        _abort.Dispose();
    }

    private void WriteFrame(ReadOnlySpan<byte> bytes)
    {
        Span<byte> target = _pipe.Writer.GetSpan(sizeof(int) + bytes.Length);
        BinaryPrimitives.WriteInt32BigEndian(target, bytes.Length);
        bytes.CopyTo(target[sizeof(int)..]);
        _pipe.Writer.Advance(sizeof(int) + bytes.Length);
    }

    private async Task<WriteResult> SendAsync(ServedConnection connection, HttpRequestMessage request)
    {
        try
        {
            // A body that broke off is never committed: the server waits for its last frame.
            return (await connection.SendAsync(request, BlobWire.Context.WriteResultWire, WriteOutcome.Unknown, "write", _abort.Token)).ToResult();
        }
        finally
        {
            await _pipe.Reader.CompleteAsync();
        }
    }

    private async ValueTask ThrowAnswerAsync()
    {
        await _answer;
        throw new StorageException(StorageErrorKind.Unavailable, "The server ended a streamed write before it was committed.") { Operation = "write" };
    }

    private void CheckUsable()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        _checkOpen();
        if (_isCommitting) throw new InvalidOperationException("This write has been committed.");
    }

    private sealed class PipeContent(PipeReader reader) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => reader.CopyToAsync(stream);

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) =>
            reader.CopyToAsync(stream, cancellationToken);

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
