namespace Strata.Testing;

/// <summary>A read-only stream that awaits a hook before every read, and may hand out less than was asked.</summary>
/// <param name="inner">Owned.</param>
/// <param name="before">Awaited before each read.</param>
/// <param name="limit">The most bytes of one read, given what was asked; null for no limit.</param>
internal sealed class HookedStream(Stream inner, Func<CancellationToken, ValueTask>? before = null, Func<int, int>? limit = null) : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (before is not null) await before(cancellationToken).ConfigureAwait(false);
        return await inner.ReadAsync(limit is null || buffer.IsEmpty ? buffer : buffer[..limit(buffer.Length)], cancellationToken).ConfigureAwait(false);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count)
    {
        if (before is not null) throw new NotSupportedException("Read this stream asynchronously.");
        return inner.Read(buffer, offset, limit is null || count == 0 ? count : limit(count));
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

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
