using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace Strata;

/// <summary>Reads a file's payload or a range of it, and verifies each chunk before it hands out anything of it.</summary>
/// <param name="key">The blob's key.</param>
/// <param name="file">The file; its owner closes it.</param>
/// <param name="chunks">CRC-32C of each chunk.</param>
/// <param name="payload">Payload bytes of the file.</param>
/// <param name="offset">The first byte wanted.</param>
/// <param name="length">Bytes wanted.</param>
/// <param name="start">Where the payload begins in the blob, for messages.</param>
/// <param name="source">The store's name.</param>
/// <param name="buffers">Where the chunk's buffer comes from.</param>
internal sealed class DiskVerifyingStream(
    BlobKey key, SafeFileHandle file, uint[] chunks, long payload, long offset, long length, long start, string source, ArrayPool<byte> buffers) : ReadOnlyStream
{
    private byte[]? _chunk = buffers.Rent(DiskBlobFile.ChunkBytes);
    private readonly long _end = offset + length;
    private long _position = offset;
    private long _loaded = -1;
    private int _loadedBytes;

    public override int Read(Span<byte> buffer)
    {
        int take = Prepare(buffer.Length, out int at);
        if (take > 0 && _position / DiskBlobFile.ChunkBytes != _loaded) Verify(DiskBlobFile.TryReadExactly(file, Claim(), _loaded * DiskBlobFile.ChunkBytes));
        return Take(buffer, at, take);
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int take = Prepare(buffer.Length, out int at);
        if (take > 0 && _position / DiskBlobFile.ChunkBytes != _loaded)
        {
            Claim();
            Verify(await ReadExactlyAsync(_chunk.AsMemory(0, _loadedBytes), _loaded * DiskBlobFile.ChunkBytes, cancellationToken).ConfigureAwait(false));
        }

        return Take(buffer.Span, at, take);
    }

    protected override void Dispose(bool disposing)
    {
        if (_chunk is { } chunk)
        {
            _chunk = null;
            buffers.Return(chunk);
        }

        base.Dispose(disposing);
    }

    private int Prepare(int wanted, out int at)
    {
        ObjectDisposedException.ThrowIf(_chunk is null, this);
        at = (int)(_position % DiskBlobFile.ChunkBytes);
        return (int)Math.Min(Math.Min(wanted, _end - _position), DiskBlobFile.ChunkBytes - at);
    }

    /// <summary>Names the chunk at the position as the one to load; until it is verified, nothing of it is handed out.</summary>
    private Span<byte> Claim()
    {
        _loaded = _position / DiskBlobFile.ChunkBytes;
        _loadedBytes = (int)Math.Min(DiskBlobFile.ChunkBytes, payload - (_loaded * DiskBlobFile.ChunkBytes));
        return _chunk.AsSpan(0, _loadedBytes);
    }

    private void Verify(bool isWhole)
    {
        if (isWhole && Crc32C.Of(_chunk.AsSpan(0, _loadedBytes)) == chunks[_loaded]) return;
        long from = start + (_loaded * DiskBlobFile.ChunkBytes);
        _loaded = -1;
        throw StorageException.Corrupt("read", key, source, $"bytes {from} to {from + _loadedBytes} do not match their checksum");
    }

    private int Take(Span<byte> buffer, int at, int take)
    {
        _chunk.AsSpan(at, take).CopyTo(buffer);
        _position += take;
        return take;
    }

    private async ValueTask<bool> ReadExactlyAsync(Memory<byte> buffer, long at, CancellationToken cancellationToken)
    {
        try
        {
            while (buffer.Length > 0)
            {
                int read = await RandomAccess.ReadAsync(file, buffer, at, cancellationToken).ConfigureAwait(false);
                if (read == 0) return false;
                buffer = buffer[read..];
                at += read;
            }

            return true;
        }
        catch (Exception e)
        {
            _loaded = -1;
            if (DiskErrors.IsDiskError(e)) throw DiskErrors.Map(e, "read", key, source, "its folder");
            throw;
        }
    }
}
