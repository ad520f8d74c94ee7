using System.Buffers;
using System.Runtime.CompilerServices;

namespace Strata;

/// <summary>Reads a file through one buffer, which grows only for a piece that is longer.</summary>
/// <param name="file">The file.</param>
/// <param name="end">Nothing is read from here on.</param>
/// <param name="chunk">Bytes to read at once.</param>
internal sealed class LogFileWindow(ILogFile file, long end, int chunk) : IDisposable
{
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(chunk);
    private long _at;
    private int _length;

    /// <summary>Bytes read from the file so far.</summary>
    public long BytesRead { get; private set; }

    /// <summary>Some bytes, valid until the next call; fewer where the file ends, or its part that counts.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ReadOnlySpan<byte> Read(long offset, int length)
    {
        long within = offset - _at;
        return within >= 0 && within + length <= _length ? _buffer.AsSpan((int)within, length) : Fill(offset, length);
    }

    public void Dispose()
    {
        if (_buffer.Length > 0) ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
        _length = 0;
    }

    private ReadOnlySpan<byte> Fill(long offset, int length)
    {
        if (_buffer.Length < length)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(length);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }

        // What is read at an error is not known.
        _length = 0;
        int most = (int)Math.Clamp(end - offset, 0, Math.Max(chunk, length));
        _length = most == 0 ? 0 : file.Read(offset, _buffer.AsSpan(0, most));
        _at = offset;
        BytesRead += _length;
        return _buffer.AsSpan(0, Math.Min(length, _length));
    }
}
