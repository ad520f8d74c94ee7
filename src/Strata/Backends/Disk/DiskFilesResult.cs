using System.Buffers;

namespace Strata;

/// <summary>A blob whose payload is in files of its own, or a part of one; keeps the files until it is disposed.</summary>
internal sealed class DiskFilesResult(BlobInfo info, ValueReader reader, long offset, string source) : BlobReadResult
{
    private bool _isOpened;

    public override BlobInfo Info => info;

    public override long Offset => offset;

    public override long Length { get; } = reader.Remaining;

    public override string Source => source;

    public override bool TryGetSequence(out ReadOnlySequence<byte> sequence)
    {
        sequence = default;
        return false;
    }

    public override Stream OpenStream()
    {
        if (Interlocked.Exchange(ref _isOpened, true)) throw new InvalidOperationException("The stream of this result was opened before; read the blob again for another.");
        return reader;
    }

    public override async ValueTask DisposeAsync()
    {
        await reader.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }
}
