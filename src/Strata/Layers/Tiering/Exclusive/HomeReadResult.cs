using System.Buffers;

namespace Strata;

/// <summary>Bytes from a blob's home, with what the index says of it.</summary>
internal sealed class HomeReadResult(BlobReadResult atHome, BlobInfo info, string home) : BlobReadResult
{
    public override BlobReadStatus Status => atHome.Status;

    public override BlobInfo Info => info;

    public override long Offset => atHome.Offset;

    public override long Length => atHome.Length;

    public override string Source => home;

    public override bool TryGetSequence(out ReadOnlySequence<byte> sequence) => atHome.TryGetSequence(out sequence);

    public override Stream OpenStream() => atHome.OpenStream();

    public override async ValueTask DisposeAsync()
    {
        await atHome.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }
}
