using System.Buffers;

namespace Strata;

/// <summary>Gathers a streamed blob in memory, no further than the store's longest blob.</summary>
/// <param name="store">Where it goes.</param>
/// <param name="key">Its key.</param>
/// <param name="options">How to write it.</param>
/// <param name="maxBytes">The most that is taken.</param>
/// <param name="expected">The length, where it is known: such bytes are gathered where they will stay.</param>
internal sealed class MemoryBlobWriter(MemoryBlobStore store, BlobKey key, WriteOptions? options, long maxBytes, long? expected) : IBlobWriter
{
    /// <summary>What a caller says is not believed further than this.</summary>
    private const int MostInAdvance = 1 << 20;

    private readonly ArrayBufferWriter<byte> _gathered = new();
    private MemoryPayload? _exact = expected <= Math.Min(MostInAdvance, maxBytes) ? MemoryPayload.Allocate(key, (int)expected) : null;
    private bool _closed;

    public long Length { get; private set; }

    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled(cancellationToken);
        if (Length + bytes.Length > maxBytes) throw store.TooLarge(key, maxBytes);
        if (_exact is { } exact && Length + bytes.Length > exact.Length)
        {
            _gathered.Write(exact.Span[..(int)Length]);
            _exact = null;
        }

        if (_exact is { } room) bytes.Span.CopyTo(room.Span[(int)Length..]);
        else _gathered.Write(bytes.Span);
        Length += bytes.Length;
        return default;
    }

    public ValueTask<WriteResult> CommitAsync(CommitOptions? commit, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<WriteResult>(cancellationToken);
        _closed = true;
        ReadOnlySpan<byte> written = _exact is { } exact ? exact.Span[..(int)Length] : _gathered.WrittenSpan;
        MemoryPayload payload = _exact is { } whole && whole.Length == Length ? whole : MemoryPayload.Of(key, written);
        return new(store.Commit(key, payload, options, commit, declared: null));
    }

    public ValueTask DisposeAsync()
    {
        _closed = true;
        return default;
    }
}
