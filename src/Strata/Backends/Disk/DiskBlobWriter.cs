using System.Buffers;

namespace Strata;

/// <summary>
/// Takes a payload of unknown length in constant memory: what the log takes stays in memory until the commit, more goes to
/// a file of its own as it comes.
/// </summary>
/// <param name="store">Whose it is.</param>
/// <param name="values">Where the file is.</param>
/// <param name="key">The key of the blob, or of the upload that the payload is a part of.</param>
/// <param name="declared">Payload bytes, if known.</param>
/// <param name="inFile">Into a file, however short it is, but for a payload without bytes, which needs none.</param>
/// <param name="commit">What a commit does with the payload.</param>
internal sealed class DiskBlobWriter(
    DiskBlobStore store, ValueFiles values, BlobKey key, long? declared, bool inFile, Func<DiskPayload, CommitOptions?, ValueTask<WriteResult>> commit) : IBlobWriter
{
    private const int FirstBytes = 4 << 10;
    private byte[] _buffer = [];
    private ValueFileWriter? _file;
    private ulong? _owed;
    private bool _closed;

    public long Length { get; private set; }

    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        cancellationToken.ThrowIfCancellationRequested();
        using OperationGate.Pass pass = store.Enter("write");
        if (Length + bytes.Length > declared) throw StorageException.WrongLength("write", key, store.Capabilities.Store, declared.Value, "more");
        store.CheckCapacity(key, Length + bytes.Length);
        if (_file is null && Length + bytes.Length <= DiskPayload.MaxInLog)
        {
            Gather(bytes.Span);
        }
        else
        {
            try
            {
                _file ??= Spill();
                _file.Write(bytes.Span);
            }
            catch (Exception e) when (DiskErrors.IsDiskError(e))
            {
                throw store.Error(e, "write", key);
            }
        }

        Length += bytes.Length;
        return default;
    }

    public async ValueTask<WriteResult> CommitAsync(CommitOptions? options, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        cancellationToken.ThrowIfCancellationRequested();
        using OperationGate.Pass pass = store.Enter("write");
        _closed = true;
        WriteResult result;
        try
        {
            // A flush of many bytes takes its time, and blocks.
            DiskPayload payload = _file is null && !inFile ? Finish() : await Task.Run(Finish, CancellationToken.None).ConfigureAwait(false);
            result = await commit(payload, options).ConfigureAwait(false);
        }
        catch (StorageException e) when (e.Outcome == WriteOutcome.Unknown)
        {
            // Whether the log names the file is known when it is opened next.
            _owed = null;
            throw;
        }

        if (result.IsWritten) _owed = null;
        return result;
    }

    public ValueTask DisposeAsync()
    {
        _closed = true;
        _file?.Dispose();
        _file = null;
        if (_owed is { } id) values.Retire(id);
        _owed = null;
        if (_buffer.Length > 0) store.Buffers.Return(_buffer);
        _buffer = [];
        return default;
    }

    /// <summary>What was written, to be committed.</summary>
    private DiskPayload Finish()
    {
        try
        {
            if (inFile && _file is null && Length > 0) _file = Spill();
            if (_file is null) return DiskPayload.Of(new ReadOnlySequence<byte>(_buffer, 0, (int)Length));
            ValuePiece piece = _file.Finish();
            _owed = piece.Id;
            return DiskPayload.Of(ValueReference.Of(piece), piece.Checksum);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            throw store.Error(e, "write", key);
        }
    }

    private void Gather(ReadOnlySpan<byte> bytes)
    {
        int needed = (int)Length + bytes.Length;
        if (needed > _buffer.Length)
        {
            byte[] larger = store.Buffers.Rent(Math.Max(needed, _buffer.Length == 0 ? (int)Math.Clamp(declared ?? 0, FirstBytes, DiskPayload.MaxInLog) : 2 * _buffer.Length));
            _buffer.AsSpan(0, (int)Length).CopyTo(larger);
            if (_buffer.Length > 0) store.Buffers.Return(_buffer);
            _buffer = larger;
        }

        bytes.CopyTo(_buffer.AsSpan((int)Length));
    }

    private ValueFileWriter Spill()
    {
        ValueFileWriter file = values.Create(declared ?? (_closed ? Length : null));
        try
        {
            file.Write(_buffer.AsSpan(0, (int)Length));
        }
        catch
        {
            file.Dispose();
            throw;
        }

        if (_buffer.Length > 0) store.Buffers.Return(_buffer);
        _buffer = [];
        return file;
    }
}
