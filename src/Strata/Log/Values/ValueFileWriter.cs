using System.Buffers;

namespace Strata;

/// <summary>Writes one value to its file, in constant memory. One caller at a time. Dispose it; unless it has finished, nothing is left of it then.</summary>
/// <remarks>
/// Whole blocks go to the file from where they are; what is shorter is gathered. Only whole pages are written, the last one
/// filled with zeros: a part of a page of a recycled file would have to be read first.
/// </remarks>
internal sealed class ValueFileWriter : IDisposable
{
    private const int PageBytes = 4_096, RunBytes = 256 << 10;
    private const long FirstBytes = 1 << 20, StepBytes = 64 << 20, ReservedBytes = 256 << 20;

    /// <summary>The system is told to write back after so many bytes; nobody waits for it.</summary>
    private const long WriteBackBytes = 4 << 20;

    /// <summary>A value longer than this leaves the page cache as it is written, but for the last <see cref="KeptBytes"/>: it would push out what is read.</summary>
    private const long CachedBytes = 256 << 20, KeptBytes = 64 << 20;

    private readonly ValueFiles _files;
    private readonly ValueFile _file;
    private readonly ILogFile _handle;
    private readonly long? _expected;
    private readonly bool _isRecycled;
    private readonly ValueBlocks _blocks = new();
    private byte[]? _block;
    private int _gathered;
    private long _written;
    private long _startedBack;
    private long _dropped;
    private State _state;

    internal ValueFileWriter(ValueFiles files, ValueFile file, long? expectedLength, bool isRecycled)
    {
        _files = files;
        _file = file;
        _handle = file.Open(files.Disk);
        _expected = expectedLength;
        _isRecycled = isRecycled;
    }

    private enum State
    {
        Open,
        Failed,
        Finished,
        Disposed,
    }

    /// <summary>The value that is written.</summary>
    public ulong Id => _file.Id;

    /// <summary>Bytes so far.</summary>
    public long Length => _written + _gathered;

    /// <summary>Bytes to reserve for a new file. A length that somebody merely says reserves 256 MiB at most; more follows as it comes.</summary>
    public static long CapacityFor(long? expectedLength) => Pages(expectedLength is { } expected ? Math.Clamp(expected, 1, ReservedBytes) : FirstBytes);

    /// <summary>Appends bytes.</summary>
    /// <exception cref="IOException">Of the disk; the value cannot be finished any more.</exception>
    public void Write(in ReadOnlySequence<byte> bytes)
    {
        foreach (ReadOnlyMemory<byte> piece in bytes) Write(piece.Span);
    }

    /// <summary>Appends bytes.</summary>
    /// <exception cref="IOException">Of the disk; the value cannot be finished any more.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        CheckOpen();
        _state = State.Failed;
        if (_gathered > 0)
        {
            int count = Math.Min(bytes.Length, ValueBlocks.SmallestBytes - _gathered);
            bytes[..count].CopyTo(_block.AsSpan(_gathered));
            bytes = bytes[count..];
            _gathered += count;
            if (_gathered == ValueBlocks.SmallestBytes)
            {
                _gathered = 0;
                WriteBlocks(_block.AsSpan(0, ValueBlocks.SmallestBytes));
            }
        }

        while (bytes.Length >= ValueBlocks.SmallestBytes)
        {
            int run = Math.Min(bytes.Length & -ValueBlocks.SmallestBytes, RunBytes);
            WriteBlocks(bytes[..run]);
            bytes = bytes[run..];
        }

        if (bytes.Length > 0)
        {
            _block ??= _files.Buffers.Rent(ValueBlocks.SmallestBytes);
            bytes.CopyTo(_block.AsSpan(_gathered));
            _gathered += bytes.Length;
        }

        _state = State.Open;
    }

    /// <summary>Ends the value. With <see cref="DiskDurability.Flush"/> its bytes and its file's name are on the medium then.</summary>
    /// <returns>What the log must know to find it. From now on the caller owes a commit or <see cref="ValueFiles.Retire(ulong)"/>.</returns>
    /// <exception cref="IOException">Of the disk; nothing is left of the value once this is disposed.</exception>
    public ValuePiece Finish()
    {
        CheckOpen();
        _state = State.Failed;
        long length = Length;
        if (_gathered > 0)
        {
            int padded = (int)Pages(_gathered);
            _block.AsSpan(_gathered, padded - _gathered).Clear();
            _blocks.Add(Crc32C.Of(_block.AsSpan(0, _gathered)), _gathered);
            Put(_block.AsSpan(0, padded));
        }

        Shrink(Pages(length));
        _files.Finish(_file, length);
        _state = State.Finished;
        return _blocks.ToPiece(_file.Id);
    }

    public void Dispose()
    {
        if (_state == State.Disposed) return;
        if (_state == State.Failed) _file.IsInDoubt = true;
        if (_state != State.Finished) _files.Abandon(_file);
        _state = State.Disposed;
        if (_block is not null) _files.Buffers.Return(_block);
        _block = null;
    }

    private static long Pages(long bytes) => (bytes + PageBytes - 1) & -PageBytes;

    private void CheckOpen()
    {
        ObjectDisposedException.ThrowIf(_state == State.Disposed, this);
        if (_state != State.Open) throw new InvalidOperationException(_state == State.Failed ? "The value cannot be finished: writing it has failed." : "The value is finished.");
    }

    private void WriteBlocks(ReadOnlySpan<byte> blocks)
    {
        for (int at = 0; at < blocks.Length; at += ValueBlocks.SmallestBytes) _blocks.Add(Crc32C.Of(blocks.Slice(at, ValueBlocks.SmallestBytes)), ValueBlocks.SmallestBytes);
        Put(blocks);
    }

    private void Put(ReadOnlySpan<byte> pages)
    {
        Reserve(_written + pages.Length);
        _handle.Write(_written, pages);
        _written += pages.Length;
        if (_written - _startedBack < WriteBackBytes) return;
        _handle.StartWriteBack(_startedBack, _written - _startedBack);
        _startedBack = _written;
        if (_written < CachedBytes || _written - _dropped < 2 * KeptBytes) return;
        _handle.DropCache(_dropped, KeptBytes);
        _dropped += KeptBytes;
    }

    private void Reserve(long needed)
    {
        if (needed <= _file.Capacity) return;
        long ahead = needed < _expected ? Math.Min(Pages(_expected.Value), _file.Capacity + ReservedBytes) : Math.Min(2 * _file.Capacity, _file.Capacity + StepBytes);
        _files.Grow(_file, needed, Math.Max(needed, ahead));
    }

    /// <summary>A new file keeps no more than an eighth in vain; a recycled one no more than half, since its blocks are worth more.</summary>
    private void Shrink(long needed)
    {
        long spared = _isRecycled ? Math.Max(needed, ValueBlocks.SmallestBytes) : needed / 8;
        if (_file.Capacity - needed > spared) _files.Shrink(_file, needed);
    }
}
