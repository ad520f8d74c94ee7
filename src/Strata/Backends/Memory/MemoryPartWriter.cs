using System.Buffers;

namespace Strata;

/// <summary>Gathers one part of an upload in memory.</summary>
internal sealed class MemoryPartWriter(MemoryUploads uploads, MemoryUpload upload, int number, long maxBytes) : IBlobWriter
{
    private readonly ArrayBufferWriter<byte> _gathered = new();
    private bool _closed;

    public long Length => _gathered.WrittenCount;

    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled(cancellationToken);
        if (Length + bytes.Length > maxBytes) throw uploads.TooLarge(upload.Key, maxBytes);
        _gathered.Write(bytes.Span);
        return default;
    }

    public ValueTask<WriteResult> CommitAsync(CommitOptions? options, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<WriteResult>(cancellationToken);
        _closed = true;
        return new(uploads.Keep(upload, number, _gathered.WrittenSpan.ToArray(), options));
    }

    public ValueTask DisposeAsync()
    {
        _closed = true;
        return default;
    }
}
