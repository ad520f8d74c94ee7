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

    private sealed class MeteredStream(Stream inner, Action<long> passed) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int read = await inner.ReadAsync(buffer, cancellationToken);
            passed(read);
            return read;
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count)
        {
            int read = inner.Read(buffer, offset, count);
            passed(read);
            return read;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing) inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
