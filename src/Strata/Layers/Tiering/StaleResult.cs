using System.Buffers;

namespace Strata;

/// <summary>A copy that is served though nobody vouches for it any more, and says so.</summary>
internal sealed class StaleResult(BlobReadResult inner, DateTimeOffset since) : BlobReadResult
{
    public override BlobReadStatus Status => inner.Status;

    public override BlobInfo Info { get; } = inner.Info with { StaleSince = since };

    public override long Offset => inner.Offset;

    public override long Length => inner.Length;

    public override string Source => inner.Source;

    public override bool TryGetSequence(out ReadOnlySequence<byte> sequence) => inner.TryGetSequence(out sequence);

    public override Stream OpenStream() => inner.OpenStream();

    public override async ValueTask DisposeAsync()
    {
        await inner.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }
}
