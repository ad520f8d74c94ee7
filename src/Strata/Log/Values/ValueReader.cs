using System.Buffers;

namespace Strata;

/// <summary>
/// Reads a range of a large value. Each block is verified before a byte of it is handed out, and files stay as they are
/// until this is disposed. It reads on the caller's thread, also where it is asked to be asynchronous: what is in the
/// page cache takes microseconds, and a thread of the pool would be blocked as well.
/// </summary>
internal sealed class ValueReader : ReadOnlyStream
{
    private const int RunBytes = 256 << 10;
    private readonly ValueFiles _files;
    private readonly ValueLease _lease;
    private readonly ValueRange[] _ranges;
    private readonly BlobKey? _key;
    private byte[]? _block;
    private long _blockAt = -1;
    private long _position;
    private int _range;

    internal ValueReader(ValueFiles files, ValueLease lease, ValueRange[] ranges, BlobKey? key)
    {
        _files = files;
        _lease = lease;
        _ranges = ranges;
        _key = key;
        if (ranges.Length > 0) _position = ranges[0].From;
        Remaining = ranges.Sum(r => r.End - r.From);
    }

    /// <summary>Bytes that are left.</summary>
    public long Remaining { get; private set; }

    /// <summary>Reads what is there, up to the end of the range; whole blocks go straight into the buffer.</summary>
    /// <exception cref="StorageException">Of kind Corrupt: the next bytes do not match their checksum. Those before them have been handed out.</exception>
    public override int Read(Span<byte> buffer)
    {
        if (Remaining == 0 || buffer.Length == 0) return 0;
        while (_position == _ranges[_range].End)
        {
            _lease.Release(_range);
            _range++;
            _blockAt = -1;
            _position = _ranges[_range].From;
        }

        ValueRange range = _ranges[_range];
        long block = _position >> range.Exponent;
        int within = (int)(_position - (block << range.Exponent));
        int read = within == 0 && block != _blockAt && WholeBlocks(range, block, buffer.Length) is > 0 and int run
            ? ReadBlocks(range, block, buffer[..run])
            : CopyBlock(range, block, within, buffer);
        _position += read;
        Remaining -= read;
        return read;
    }

    /// <summary>Fills the buffer.</summary>
    /// <exception cref="ArgumentException">It is longer than what is left.</exception>
    /// <exception cref="StorageException">Of kind Corrupt: some bytes do not match their checksum.</exception>
    public void ReadAll(Span<byte> buffer)
    {
        if (buffer.Length > Remaining) throw new ArgumentException($"The buffer has {buffer.Length} bytes, and {Remaining} are left.", nameof(buffer));
        while (buffer.Length > 0) buffer = buffer[Read(buffer)..];
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<int>(cancellationToken);
        try
        {
            return new ValueTask<int>(Read(buffer.Span));
        }
        catch (Exception e)
        {
            return ValueTask.FromException<int>(e);
        }
    }

    public override async Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken)
    {
        byte[] run = _files.Buffers.Rent((int)Math.Clamp(Remaining, ValueBlocks.SmallestBytes, RunBytes));
        try
        {
            while (await ReadAsync(run, cancellationToken).ConfigureAwait(false) is > 0 and int read)
                await destination.WriteAsync(run.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _files.Buffers.Return(run);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _lease.Dispose();
            Remaining = 0;
            if (_block is not null) _files.Buffers.Return(_block);
            _block = null;
        }

        base.Dispose(disposing);
    }

    /// <summary>How many bytes, from the beginning of a block on, are whole blocks that are wanted whole and have room.</summary>
    private static int WholeBlocks(ValueRange range, long block, int room)
    {
        room = (int)Math.Min(Math.Min(room, Math.Max(RunBytes, 1L << range.Exponent)), range.End - (block << range.Exponent));
        bool isToTheEnd = (block << range.Exponent) + room == range.FileLength;
        return isToTheEnd ? room : room & -(1 << range.Exponent);
    }

    private int ReadBlocks(ValueRange range, long first, Span<byte> into)
    {
        int read = ReadFile(range, first << range.Exponent, into), intact = 0;
        for (long block = first; intact < into.Length; block++)
        {
            int length = range.LengthOf(block);
            if (read - intact < length || !IsIntact(range, block, into.Slice(intact, length)))
            {
                into[intact..].Clear();
                return intact > 0 ? intact : throw Damaged(range, block);
            }

            intact += length;
        }

        return intact;
    }

    private int CopyBlock(ValueRange range, long block, int within, Span<byte> into)
    {
        int length = range.LengthOf(block);
        if (block != _blockAt)
        {
            _blockAt = -1;
            if (_block is null || _block.Length < length)
            {
                if (_block is not null) _files.Buffers.Return(_block);
                _block = _files.Buffers.Rent(length);
            }

            if (ReadFile(range, block << range.Exponent, _block.AsSpan(0, length)) < length || !IsIntact(range, block, _block.AsSpan(0, length))) throw Damaged(range, block);
            _blockAt = block;
        }

        int count = (int)Math.Min(Math.Min(into.Length, range.End - _position), length - within);
        _block.AsSpan(within, count).CopyTo(into);
        return count;
    }

    private static bool IsIntact(ValueRange range, long block, ReadOnlySpan<byte> bytes) =>
        (Crc32C.Of(bytes) ^ ValueBlocks.SeedOf(range.Id)) == range.Blocks[block - range.FirstBlock];

    private int ReadFile(ValueRange range, long at, Span<byte> into)
    {
        ValueFile file = _lease[_range];
        if (file.IsMissing) throw Lost(range);
        try
        {
            return file.Open(_files.Disk).Read(at, into);
        }
        catch (FileNotFoundException)
        {
            throw Lost(range);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            throw DiskErrors.Map(e, "read", _key, _files.Name, _files.Disk.Path);
        }
    }

    private StorageException Damaged(ValueRange range, long block)
    {
        long from = range.Start + (block << range.Exponent);
        return Corrupt($"bytes {from} to {from + range.LengthOf(block)} do not match their checksum ({ValueFile.NameOf(ValueFile.NumberOf(range.Id))})");
    }

    private StorageException Lost(ValueRange range) => Corrupt($"its file {ValueFile.NameOf(ValueFile.NumberOf(range.Id))} is missing");

    private StorageException Corrupt(string what) => new(StorageErrorKind.Corrupt, $"A value{(_key is { } key ? $" of '{key}'" : "")} in store '{_files.Name}' is damaged: {what}.") { Operation = "read", Key = _key, Store = _files.Name };
}
