namespace Strata;

/// <summary>Lends a stream: disposing this one leaves the inner one open.</summary>
internal sealed class KeepOpenStream(Stream inner) : ReadOnlyStream
{
    public override int Read(Span<byte> buffer) => inner.Read(buffer);

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => inner.ReadAsync(buffer, cancellationToken);
}
