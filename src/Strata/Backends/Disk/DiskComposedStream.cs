using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace Strata;

/// <summary>Reads parts one after the other; each file is opened as the stream reaches it, and compared with what the manifest says of it.</summary>
internal sealed class DiskComposedStream(DiskParts parts, DiskUploadFiles files, long offset, long length, string source, ArrayPool<byte> buffers) : ReadOnlyStream
{
    private readonly long _end = offset + length;
    private long _position = offset;
    private int _next = parts.IndexOf(offset);
    private SafeFileHandle? _file;
    private DiskVerifyingStream? _part;
    private bool _disposed;

    public override int Read(Span<byte> buffer)
    {
        while (!buffer.IsEmpty && Reach() is { } part)
        {
            int read = part.Read(buffer);
            if (read > 0) return Advance(read);
            Leave();
        }

        return 0;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!buffer.IsEmpty && Reach() is { } part)
        {
            int read = await part.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            if (read > 0) return Advance(read);
            Leave();
        }

        return 0;
    }

    protected override void Dispose(bool disposing)
    {
        _disposed = true;
        Leave();
        base.Dispose(disposing);
    }

    /// <summary>The part that holds the next byte; null at the end.</summary>
    private DiskVerifyingStream? Reach()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _part ?? (_position < _end ? _part = Open(_next++) : null);
    }

    private int Advance(int read)
    {
        _position += read;
        return read;
    }

    private void Leave()
    {
        _part?.Dispose();
        _file?.Dispose();
        _part = null;
        _file = null;
    }

    private DiskVerifyingStream Open(int index)
    {
        DiskPart part = parts.Files[index];
        long start = parts.StartOf(index), from = _position - start;
        try
        {
            _file = File.OpenHandle(files.PartOf(parts.Upload, part.Number, part.Sequence), FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
            DiskBlobHeader header = DiskBlobFile.ReadTrailer(_file);
            if (header.Kind != DiskFileKind.Part || header.Upload != parts.Upload || new DiskPart(header.Part, header.Info.Checksum ?? 0, header.Info.Length, header.Sequence, header.FileBytes) != part)
                throw new InvalidDataException("it is not the part that was completed");
            return new DiskVerifyingStream(parts.Key, _file, header.Chunks, part.Length, from, Math.Min(part.Length - from, _end - _position), start, source, buffers);
        }
        catch (Exception e)
        {
            Leave();
            _next = index;
            if (e is InvalidDataException) throw StorageException.Corrupt("read", parts.Key, source, $"part {part.Number}: {e.Message}", e);
            if (e is FileNotFoundException or DirectoryNotFoundException) throw StorageException.Corrupt("read", parts.Key, source, $"part {part.Number} is gone", e);
            if (DiskErrors.IsDiskError(e)) throw DiskErrors.Map(e, "read", parts.Key, source, "its folder");
            throw;
        }
    }
}
