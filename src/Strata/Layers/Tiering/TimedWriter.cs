using System.Buffers;

namespace Strata;

/// <summary>A copy under way whose steps fail with kind Timeout where they make no progress for a time.</summary>
/// <remarks>
/// A piece is written from memory of its own: a step that was given up may yet read there, when the caller's is in use for something
/// else. The writer below is disposed when nobody uses it any more: neither the caller nor such a step.
/// </remarks>
internal sealed class TimedWriter(IBlobWriter inner, TierCounters tier, TimeSpan limit, BlobKey key) : IBlobWriter
{
    private const int PieceBytes = 128 << 10;
    private readonly byte[] _piece = ArrayPool<byte>.Shared.Rent(PieceBytes);
    private int _users = 1;
    private bool _isDisposed;

    public long Length => inner.Length;

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (!bytes.IsEmpty)
        {
            Memory<byte> piece = _piece.AsMemory(0, Math.Min(_piece.Length, bytes.Length));
            bytes[..piece.Length].CopyTo(piece);
            await RunAsync(
                async token =>
                {
                    await inner.WriteAsync(piece, token).ConfigureAwait(false);
                    return true;
                },
                cancellationToken).ConfigureAwait(false);
            bytes = bytes[piece.Length..];
        }
    }

    public ValueTask<WriteResult> CommitAsync(CommitOptions? options, CancellationToken cancellationToken) =>
        RunAsync(_ => inner.CommitAsync(options, cancellationToken), cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        await ReleaseAsync().ConfigureAwait(false);
    }

    private ValueTask<T> RunAsync<T>(Func<CancellationToken, ValueTask<T>> step, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return tier.RunAsync(limit, key, UseAsync, null, cancellationToken);

        async ValueTask<T> UseAsync(CancellationToken token)
        {
            Interlocked.Increment(ref _users);
            try
            {
                return await step(token).ConfigureAwait(false);
            }
            finally
            {
                await ReleaseAsync().ConfigureAwait(false);
            }
        }
    }

    private async ValueTask ReleaseAsync()
    {
        if (Interlocked.Decrement(ref _users) > 0) return;
        await inner.DisposeAsync().ConfigureAwait(false);
        ArrayPool<byte>.Shared.Return(_piece);
    }
}
