namespace Strata.Cli;

/// <summary>
/// Standard input that gives up at once when the run is cancelled: a read of a terminal or pipe cannot be cut short, so
/// it goes on behind, into a buffer of its own.
/// </summary>
internal sealed class InputStream(Stream inner) : ReadOnlyStream
{
    private readonly byte[] _buffer = new byte[64 * 1024];

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int wanted = Math.Min(buffer.Length, _buffer.Length);
        int read = await Task.Run(() => inner.Read(_buffer, 0, wanted), CancellationToken.None).WaitAsync(cancellationToken);
        _buffer.AsSpan(0, read).CopyTo(buffer.Span);
        return read;
    }

    public override int Read(Span<byte> buffer) => inner.Read(buffer);
}
