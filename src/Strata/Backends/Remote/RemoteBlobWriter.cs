namespace Strata;

/// <summary>
/// A blob being written. Up to one part stays in memory and goes as one object; more goes in parts, or, where a condition
/// is honoured on single objects alone, into a file.
/// </summary>
/// <param name="store">Where it goes.</param>
/// <param name="key">Its key.</param>
/// <param name="options">How to write it.</param>
/// <param name="declared">Its length, if known; another one fails the commit.</param>
internal sealed class RemoteBlobWriter(RemoteStore store, BlobKey key, WriteOptions? options, long? declared) : IBlobWriter
{
    private const int FirstBuffer = 64 << 10;
    private byte[] _buffer = [];
    private int _capacity;
    private int _filled;
    private Crc32C _crc;
    private RemoteUpload? _upload;
    private FileStream? _spool;
    private bool _closed;

    public long Length { get; private set; }

    /// <summary>True if the commit failed because another write of the key ended first: the same content may be written again.</summary>
    public bool IsOvertaken => _upload?.Overtaken is not null;

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        cancellationToken.ThrowIfCancellationRequested();
        if (Length + bytes.Length > store.LongestOf(options)) throw store.TooLarge(key, options);
        _crc.Append(bytes.Span);
        Length += bytes.Length;
        while (bytes.Length > 0)
        {
            int room = Math.Min(bytes.Length, _capacity - _filled);
            bytes.Span[..room].CopyTo(_buffer.AsSpan(_filled));
            _filled += room;
            bytes = bytes[room..];
            if (bytes.Length > 0) await MakeRoomAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Takes a stream whole.</summary>
    public async ValueTask FillAsync(Stream stream, CancellationToken cancellationToken)
    {
        for (; ; )
        {
            if (_filled == _capacity) await MakeRoomAsync(cancellationToken).ConfigureAwait(false);
            int count = await stream.ReadAsync(_buffer.AsMemory(_filled, _capacity - _filled), cancellationToken).ConfigureAwait(false);
            if (count == 0) return;
            _crc.Append(_buffer.AsSpan(_filled, count));
            _filled += count;
            Length += count;
            if (Length > declared) throw StorageException.WrongLength("write", key, store.Options.Name, declared.Value, "more");
            if (Length > store.LongestOf(options)) throw store.TooLarge(key, options);
        }
    }

    public async ValueTask<WriteResult> CommitAsync(CommitOptions? commit, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        using OperationGate.Pass pass = store.Enter("write");
        cancellationToken.ThrowIfCancellationRequested();
        _closed = true;
        NewBlob.Verify(key, store.Options.Name, Length, _crc.Value, declared, options, commit);
        if (_upload is null && _spool is null)
        {
            using var bytes = new MemoryStream(_buffer, 0, _filled, writable: false);
            return await store.CommitSingleAsync(key, bytes, _crc.Value, options, commit, cancellationToken).ConfigureAwait(false);
        }

        if (_spool is { } spool)
        {
            await spool.WriteAsync(_buffer.AsMemory(0, _filled), cancellationToken).ConfigureAwait(false);
            await spool.FlushAsync(cancellationToken).ConfigureAwait(false);
            return await store.CommitSingleAsync(key, spool, _crc.Value, options, commit, cancellationToken).ConfigureAwait(false);
        }

        if (_filled > 0) await SendAsync(cancellationToken).ConfigureAwait(false);
        await _upload!.WhenSentAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        return await store.CommitUploadAsync(_upload, Length, _crc.Value, options, commit, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        _closed = true;
        if (_buffer.Length > 0) store.Buffers.Return(_buffer);
        (_buffer, _capacity, _filled) = ([], 0, 0);
        if (_upload is not null) await _upload.DisposeAsync().ConfigureAwait(false);
        if (_spool is not null) await _spool.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>The buffer is full, and more is to come, as far as is known.</summary>
    private async ValueTask MakeRoomAsync(CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = store.Enter("write");
        int part = store.Options.PartSize;
        if (_capacity < part && _upload is null && _spool is null)
        {
            // One byte more than is known to come: to see the end takes no larger buffer.
            int wanted = declared < part && declared >= _capacity ? (int)declared.Value + 1 : Math.Min(part, Math.Max(FirstBuffer, _capacity * 4));
            byte[] larger = store.Buffers.Rent(wanted);
            _buffer.AsSpan(0, _filled).CopyTo(larger);
            if (_buffer.Length > 0) store.Buffers.Return(_buffer);
            (_buffer, _capacity) = (larger, wanted);
            return;
        }

        if (store.SpoolsFor(options))
        {
            _spool ??= store.CreateSpool(key);
            await _spool.WriteAsync(_buffer.AsMemory(0, _filled), cancellationToken).ConfigureAwait(false);
            _filled = 0;
            return;
        }

        _upload ??= await store.BeginUploadAsync(key, options, declared, cancellationToken).ConfigureAwait(false);
        await SendAsync(cancellationToken).ConfigureAwait(false);
        _capacity = (int)Math.Min(Array.MaxLength, _upload.NextPartLength);
        _buffer = _upload.Buffers.Rent(_capacity);
    }

    private async ValueTask SendAsync(CancellationToken cancellationToken)
    {
        (byte[] full, int count) = (_buffer, _filled);
        (_buffer, _capacity, _filled) = ([], 0, 0);
        await _upload!.AddAsync(full, count, cancellationToken).ConfigureAwait(false);
    }
}
