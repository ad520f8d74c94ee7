using System.Buffers;

namespace Strata;

/// <summary>A read-only stream over bytes in memory.</summary>
internal sealed class SequenceStream(ReadOnlySequence<byte> bytes) : ReadOnlyStream
{
    private ReadOnlySequence<byte> _rest = bytes;

    public override int Read(Span<byte> buffer)
    {
        int count = (int)Math.Min(buffer.Length, _rest.Length);
        _rest.Slice(0, count).CopyTo(buffer);
        _rest = _rest.Slice(count);
        return count;
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        cancellationToken.IsCancellationRequested ? ValueTask.FromCanceled<int>(cancellationToken) : new(Read(buffer.Span));
}
