using System.Buffers;

namespace Strata.Cli;

/// <summary>Content that tells how much of it has been read. In memory it stays in memory, and is told at once.</summary>
internal sealed class MeteredContent(BlobContent inner, Action<long> passed) : BlobContent
{
    public override long? Length => inner.Length;

    public override bool IsReplayable => inner.IsReplayable;

    public override bool TryGetSequence(out ReadOnlySequence<byte> sequence)
    {
        if (!inner.TryGetSequence(out sequence)) return false;
        passed(sequence.Length);
        return true;
    }

    public override Stream OpenStream() => new MeteredStream(inner.OpenStream(), passed);

    private sealed class MeteredStream(Stream inner, Action<long> passed) : ReadOnlyStream
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int read = await inner.ReadAsync(buffer, cancellationToken);
            passed(read);
            return read;
        }

        public override int Read(Span<byte> buffer)
        {
            int read = inner.Read(buffer);
            passed(read);
            return read;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
