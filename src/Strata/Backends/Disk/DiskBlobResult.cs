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
            return new DiskVerifyingStream(info.Key, file, chunks, info.Length, offset, length, 0, source, buffers);
        }

        public override ValueTask DisposeAsync()
        {
            file.Dispose();
            return base.DisposeAsync();
        }
    }
}
