namespace Strata;

/// <summary>
/// A blob being written, of unknown or large length. Nothing is visible before <see cref="CommitAsync"/>; disposing
/// without it aborts and leaves nothing behind. Not for concurrent use.
/// </summary>
public interface IBlobWriter : IAsyncDisposable
{
    /// <summary>Bytes written so far.</summary>
    long Length { get; }

    /// <summary>Appends bytes; they may be reused when the call completes.</summary>
    ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>
    /// Makes the blob visible, atomically, if the write's condition holds now. Once. Cancellation is ignored from the
    /// moment the commit is dispatched.
    /// </summary>
    ValueTask<WriteResult> CommitAsync(CommitOptions? options, CancellationToken cancellationToken);
}
