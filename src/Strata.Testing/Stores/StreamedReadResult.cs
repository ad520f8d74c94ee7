using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Strata.Testing;

/// <summary>A read result that hands out its bytes as a wrapped stream, never as a sequence.</summary>
internal sealed class StreamedReadResult : BlobReadResult
{
    private readonly BlobReadResult _inner;
    private readonly Func<Stream, Stream> _wrap;

    private StreamedReadResult(BlobReadResult inner, Func<Stream, Stream> wrap)
    {
        _inner = inner;
        _wrap = wrap;
    }

    public override BlobReadStatus Status => _inner.Status;

    public override BlobInfo Info => _inner.Info;

    public override long Offset => _inner.Offset;

    public override long Length => _inner.Length;

    public override string Source => _inner.Source;

    /// <summary>Wraps a result that carries bytes; leaves others as they are.</summary>
    [return: NotNullIfNotNull(nameof(inner))]
    public static BlobReadResult? Of(BlobReadResult? inner, Func<Stream, Stream> wrap) =>
        inner is { Status: BlobReadStatus.Found } ? new StreamedReadResult(inner, wrap) : inner;

    public override bool TryGetSequence(out ReadOnlySequence<byte> sequence)
    {
        sequence = default;
        return false;
    }

    public override Stream OpenStream() =>
        _wrap(_inner.TryGetSequence(out ReadOnlySequence<byte> bytes) ? new MemoryStream(bytes.ToArray(), writable: false) : _inner.OpenStream());

    public override async ValueTask DisposeAsync()
    {
        await _inner.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }
}
