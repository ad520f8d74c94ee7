using Amazon.S3.Model;

namespace Strata.S3;

/// <summary>
/// The body of an object, which goes on where it broke off as long as the object is the same: its end is the blob's end, or
/// an error. Nothing moves for at most the progress time-out, then it is asked for anew.
/// </summary>
internal sealed class S3BodyStream(S3Body body, GetObjectResponse response) : ReadOnlyStream
{
    private GetObjectResponse? _response = response;
    private long _position;
    private Crc32C _crc;
    private bool _verified;
    private bool _disposed;

    public long Offset => body.Offset;

    public long BodyLength => body.Length;

    /// <summary>A network is not waited for on a blocked thread.</summary>
    public override int Read(Span<byte> buffer) => throw new NotSupportedException("Read an S3 object asynchronously.");

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (buffer.Length == 0 || _position == body.Length) return 0;
        for (int failures = 0; ;)
        {
            Exception error;
            using var attempt = new S3Attempt(body.Store.Options.ProgressTimeout, cancellationToken);
            try
            {
                _response ??= await ReopenAsync(attempt).ConfigureAwait(false);
                int count = await _response.ResponseStream.ReadAsync(buffer, attempt.Token).ConfigureAwait(false);
                if (count == 0) throw new EndOfStreamException();
                Took(buffer.Span[..count]);
                return count;
            }
            catch (Exception e) when (e is not StorageException)
            {
                cancellationToken.ThrowIfCancellationRequested();
                error = e;
            }

            _response?.Dispose();
            _response = null;
            S3Fault fault = S3Errors.Classify(error);
            if (!fault.IsTransient || !fault.IsWorthRetrying || ++failures >= body.Store.Options.MaxAttempts)
                throw S3Errors.ToException(fault, error, "read", body.Key, body.Store.Options.Name, isUnknown: false);
            await body.Store.Calls.PauseAsync(failures, fault.RetryAfter, cancellationToken).ConfigureAwait(false);
        }
    }

    protected override void Dispose(bool disposing)
    {
        _disposed = true;
        _response?.Dispose();
        _response = null;
        base.Dispose(disposing);
    }

    private async ValueTask<GetObjectResponse> ReopenAsync(S3Attempt attempt) =>
        await body.Store.ResumeAsync(body.Key, body.Of, body.Offset + _position, body.Length - _position, attempt).ConfigureAwait(false)
        ?? throw new StorageException(StorageErrorKind.Changed, $"The blob '{body.Key}' in store '{body.Store.Options.Name}' was changed while it was read.")
        {
            Operation = "read", Key = body.Key, Store = body.Store.Options.Name, IsTransient = true,
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
