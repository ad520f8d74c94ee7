using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Strata;

/// <summary>Writes a payload into a temporary file, in constant memory, with its checksums on the way.</summary>
/// <param name="store">Whose file it is.</param>
/// <param name="folder">Where the temporary file lies.</param>
/// <param name="key">The key of the blob, or of the upload that the payload is a part of.</param>
/// <param name="options">The caller's.</param>
/// <param name="declared">Payload bytes, if known.</param>
/// <param name="commit">What a commit does with the finished file.</param>
internal sealed class DiskBlobWriter(
    DiskBlobStore store,
    DiskFolder folder,
    BlobKey key,
    WriteOptions? options,
    long? declared,
    Func<DiskBlobWriter, CommitOptions?, CancellationToken, ValueTask<WriteResult>> commit) : IBlobWriter
{
    private readonly List<uint> _chunks = [];
    private SafeFileHandle? _file;
    private string? _path;
    private Crc32C _whole;
    private Crc32C _chunk;
    private int _chunkFill;
    private bool _closed;

    public BlobKey Key => key;

    public WriteOptions? Options => options;

    public long? Declared => declared;

    public long Length { get; private set; }

    public uint Checksum => _whole.Value;

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        cancellationToken.ThrowIfCancellationRequested();
        if (Length + bytes.Length > declared) throw StorageException.WrongLength("write", key, store.Capabilities.Store, declared.Value, "more");
        try
        {
            _file ??= folder.CreateTemporary(declared, out _path);
            if (bytes.Length <= DiskBlobFile.ChunkBytes) RandomAccess.Write(_file, bytes.Span, Length);
            else await RandomAccess.WriteAsync(_file, bytes, Length, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            throw store.Error(e, "write", key);
        }

        Append(bytes.Span);
    }

    /// <summary>Appends bytes of the store's own; a disk error comes as it is.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        _file ??= folder.CreateTemporary(null, out _path);
        RandomAccess.Write(_file, bytes, Length);
        Append(bytes);
    }

    public ValueTask<WriteResult> CommitAsync(CommitOptions? options, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        return commit(this, options, cancellationToken);
    }

    /// <summary>Completes the file with its trailer; it is ready to be flushed and put in its place.</summary>
    public FinishedFile Finish(DiskBlobMetadata metadata, DiskFileKind kind, ulong sequence)
    {
        _closed = true;
        _file ??= folder.CreateTemporary(null, out _path);
        if (_chunkFill > 0) _chunks.Add(_chunk.Value);
        byte[] trailer = DiskBlobFile.Trailer(metadata, kind, Length, sequence, CollectionsMarshal.AsSpan(_chunks));
        RandomAccess.Write(_file, trailer, Length);
        return new FinishedFile(_file, _path!, Length + trailer.Length);
    }

    public ValueTask DisposeAsync()
    {
        Abandon();
        return default;
    }

    /// <summary>Closes the file, and removes it unless it was published.</summary>
    public void Abandon()
    {
        _closed = true;
        if (_file is { IsClosed: false } file)
        {
            file.Dispose();

            // Published files have been moved away from this path; then there is nothing to remove.
            folder.TryRemove(_path!);
        }
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        _whole.Append(bytes);
        Length += bytes.Length;
        while (bytes.Length > 0)
        {
            int take = Math.Min(bytes.Length, DiskBlobFile.ChunkBytes - _chunkFill);
            _chunk.Append(bytes[..take]);
            _chunkFill += take;
            bytes = bytes[take..];
            if (_chunkFill < DiskBlobFile.ChunkBytes) continue;
            _chunks.Add(_chunk.Value);
            _chunk = default;
            _chunkFill = 0;
        }
    }
}

/// <summary>A temporary file that is complete.</summary>
/// <param name="Handle">The writer's.</param>
/// <param name="Path">Where it lies until it is put in its place.</param>
/// <param name="Bytes">Its length.</param>
internal readonly record struct FinishedFile(SafeFileHandle Handle, string Path, long Bytes);
