using System.Buffers.Binary;

namespace Strata.Workload;

/// <summary>Bytes that no two places have in common, made as they are read: each eight of them say where they are.</summary>
internal sealed class PatternStream(long length) : Stream
{
    private const ulong Spread = 0x9E3779B97F4A7C15;
    private long _at;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => _at;
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        int count = (int)Math.Min(buffer.Length, length - _at), done = 0;
        Span<byte> word = stackalloc byte[sizeof(ulong)];
        while (done < count)
        {
            int within = (int)((_at + done) % sizeof(ulong));
            ulong value = (ulong)(((_at + done) / sizeof(ulong)) + 1) * Spread;
            if (within == 0 && count - done >= sizeof(ulong))
            {
                BinaryPrimitives.WriteUInt64LittleEndian(buffer[done..], value);
                done += sizeof(ulong);
                continue;
            }

            BinaryPrimitives.WriteUInt64LittleEndian(word, value);
            int some = Math.Min(sizeof(ulong) - within, count - done);
            word.Slice(within, some).CopyTo(buffer[done..]);
            done += some;
        }

        _at += count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(Read(buffer.Span));

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => Task.FromResult(Read(buffer.AsSpan(offset, count)));

    public override void Flush()
    {
        // There is nothing to flush.
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
