namespace Strata.Testing;

/// <summary>A read-only stream that awaits a hook before every read, and may hand out less than was asked.</summary>
/// <param name="inner">Owned.</param>
/// <param name="before">Awaited before each read.</param>
/// <param name="limit">The most bytes of one read, given what was asked; null for no limit.</param>
internal sealed class HookedStream(Stream inner, Func<CancellationToken, ValueTask>? before = null, Func<int, int>? limit = null) : ReadOnlyStream
{
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (before is not null) await before(cancellationToken).ConfigureAwait(false);
        return await inner.ReadAsync(limit is null || buffer.IsEmpty ? buffer : buffer[..limit(buffer.Length)], cancellationToken).ConfigureAwait(false);
    }

    public override int Read(Span<byte> buffer)
    {
        if (before is not null) throw new NotSupportedException("Read this stream asynchronously.");
        return inner.Read(limit is null || buffer.IsEmpty ? buffer : buffer[..limit(buffer.Length)]);
    }

    public override async ValueTask DisposeAsync()
    {
        await inner.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) inner.Dispose();
        base.Dispose(disposing);
    }
}
