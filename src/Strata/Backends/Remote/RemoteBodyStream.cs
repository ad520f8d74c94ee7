namespace Strata;

/// <summary>
/// The body of a remote blob, which goes on where it broke off as long as the blob is the same: its end is the blob's end, or
/// an error. Nothing moves for at most the progress time-out, then it is asked for anew.
/// </summary>
internal sealed class RemoteBodyStream(RemoteBody body, Stream stream) : ReadOnlyStream
{
    private Stream? _stream = stream;
    private long _position;
    private Crc32C _crc;
    private bool _verified;
    private bool _disposed;

    public long Offset => body.Offset;

    public long BodyLength => body.Length;

    /// <summary>A network is not waited for on a blocked thread.</summary>
    public override int Read(Span<byte> buffer) => throw new NotSupportedException("Read a remote blob asynchronously.");

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (buffer.Length == 0 || _position == body.Length) return 0;
        for (int failures = 0; ;)
        {
            Exception error;
            using var attempt = new RemoteAttempt(body.Calls.Limits.ProgressTimeout, cancellationToken);
            try
            {
                _stream ??= await ReopenAsync(attempt).ConfigureAwait(false);
                int count = await _stream.ReadAsync(buffer, attempt.Token).ConfigureAwait(false);
                if (count == 0) throw new EndOfStreamException();
                Took(buffer.Span[..count]);
                return count;
            }
            catch (Exception e) when (e is not StorageException)
            {
                cancellationToken.ThrowIfCancellationRequested();
                error = e;
            }

            _stream?.Dispose();
            _stream = null;
            RemoteFault fault = body.Calls.Classify(error);
            if (!fault.IsTransient || !fault.IsWorthRetrying || ++failures >= body.Calls.Limits.MaxAttempts)
                throw body.Calls.ToException(fault, error, "read", body.Key, isUnknown: false);
            await body.Calls.PauseAsync(failures, fault.RetryAfter, cancellationToken).ConfigureAwait(false);
        }
    }

    protected override void Dispose(bool disposing)
    {
        _disposed = true;
        _stream?.Dispose();
        _stream = null;
        base.Dispose(disposing);
    }

    private async ValueTask<Stream> ReopenAsync(RemoteAttempt attempt) =>
        await body.Reopen(body.Offset + _position, body.Length - _position, attempt).ConfigureAwait(false)
        ?? throw new StorageException(StorageErrorKind.Changed, $"The blob '{body.Key}' in store '{body.Calls.Limits.Store}' was changed while it was read.")
        {
            Operation = "read", Key = body.Key, Store = body.Calls.Limits.Store, IsTransient = true,
        };

    private void Took(ReadOnlySpan<byte> bytes)
    {
        _position += bytes.Length;
        if (body.Checksum is not { } expected) return;
        _crc.Append(bytes);
        if (_position < body.Length || _verified) return;
        _verified = true;
        body.Verify(_crc.Value, expected);
    }
}
