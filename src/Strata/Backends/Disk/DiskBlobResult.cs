using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace Strata;

/// <summary>A blob read from disk: small ones in memory, large ones as a stream that verifies each 64 KiB before it hands them out.</summary>
internal static class DiskBlobResult
{
    /// <summary>A whole blob up to this length is read and verified in one piece.</summary>
    public const int MaxInMemory = 256 * 1024;

    /// <summary>A whole small blob that was read and verified.</summary>
    public sealed class InMemory(BlobInfo info, byte[] bytes, string source) : BlobReadResult
    {
        public override BlobInfo Info => info;

        public override string Source => source;

        public override bool TryGetSequence(out ReadOnlySequence<byte> sequence)
        {
            sequence = new ReadOnlySequence<byte>(bytes);
            return true;
        }

        public override Stream OpenStream() => new MemoryStream(bytes, writable: false);
    }

    /// <summary>A large blob or a part of one; owns the file's handle.</summary>
    public sealed class Streamed(BlobInfo info, SafeFileHandle file, uint[] chunks, long offset, long length, string source, ArrayPool<byte> buffers) : BlobReadResult
    {
        private bool _opened;

        public override BlobInfo Info => info;

        public override long Offset => offset;

        public override long Length => length;

        public override string Source => source;

        public override bool TryGetSequence(out ReadOnlySequence<byte> sequence)
        {
            sequence = default;
            return false;
        }

        public override Stream OpenStream()
        {
            if (_opened) throw new InvalidOperationException("The stream of this result was opened before; read the blob again for another.");
            _opened = true;
            return new VerifyingStream(info, file, chunks, offset, length, source, buffers);
        }

        public override ValueTask DisposeAsync()
        {
            file.Dispose();
            return base.DisposeAsync();
        }
    }

    private sealed class VerifyingStream(BlobInfo info, SafeFileHandle file, uint[] chunks, long offset, long length, string source, ArrayPool<byte> buffers) : ReadOnlyStream
    {
        private byte[]? _chunk = buffers.Rent(DiskBlobFile.ChunkBytes);
        private readonly long _end = offset + length;
        private long _position = offset;
        private long _loaded = -1;
        private int _loadedBytes;

        public override int Read(Span<byte> buffer)
        {
            int take = Prepare(buffer.Length, out int start);
            if (take > 0 && _position / DiskBlobFile.ChunkBytes != _loaded) Verify(DiskBlobFile.TryReadExactly(file, Claim(), _loaded * DiskBlobFile.ChunkBytes));
            return Take(buffer, start, take);
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int take = Prepare(buffer.Length, out int start);
            if (take > 0 && _position / DiskBlobFile.ChunkBytes != _loaded)
            {
                Claim();
                Verify(await ReadExactlyAsync(_chunk.AsMemory(0, _loadedBytes), _loaded * DiskBlobFile.ChunkBytes, cancellationToken).ConfigureAwait(false));
            }

            return Take(buffer.Span, start, take);
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

        private int Prepare(int wanted, out int start)
        {
            ObjectDisposedException.ThrowIf(_chunk is null, this);
            start = (int)(_position % DiskBlobFile.ChunkBytes);
            return (int)Math.Min(Math.Min(wanted, _end - _position), DiskBlobFile.ChunkBytes - start);
        }

        /// <summary>Names the chunk at the position as the one to load; until it is verified, nothing of it is handed out.</summary>
        private Span<byte> Claim()
        {
            _loaded = _position / DiskBlobFile.ChunkBytes;
            _loadedBytes = (int)Math.Min(DiskBlobFile.ChunkBytes, info.Length - (_loaded * DiskBlobFile.ChunkBytes));
            return _chunk.AsSpan(0, _loadedBytes);
        }

        private void Verify(bool isWhole)
        {
            long chunk = _loaded;
            if (isWhole && Crc32C.Of(_chunk.AsSpan(0, _loadedBytes)) == chunks[chunk]) return;
            _loaded = -1;
            throw StorageException.Corrupt("read", info.Key, source, $"bytes {chunk * DiskBlobFile.ChunkBytes} to {(chunk * DiskBlobFile.ChunkBytes) + _loadedBytes} do not match their checksum");
        }

        private int Take(Span<byte> buffer, int start, int take)
        {
            _chunk.AsSpan(start, take).CopyTo(buffer);
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
                if (DiskErrors.IsDiskError(e)) throw DiskErrors.Map(e, "read", info.Key, source, "its folder");
                throw;
            }
        }
    }
}
