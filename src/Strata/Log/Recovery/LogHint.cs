using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Strata;

/// <summary>A hint file, found right as a whole: what it says of its segment, and a cursor through its entries.</summary>
/// <remarks>
/// Memory: one block, 64 KiB at most, so that thousands may be open at once. A file is read twice, when it is opened and when
/// its entries are gone through, and its checksums are verified both times.
/// </remarks>
internal sealed unsafe class LogHint : LogCursor
{
    private const int ReadBytes = 1 << 20;
    private readonly ILogFile _file;
    private readonly int _blockBytes;
    private readonly int _entryBytes;
    private readonly int _sharedBytes;
    private readonly uint _segmentEnd;
    private readonly LogSeed _seed;
    private readonly ulong _first;
    private readonly ulong _last;
    private byte* _memory;
    private byte* _next;
    private byte* _end;
    private uint _left;
    private uint _block;
    private long _at = LogHintHeader.Bytes;

    private LogHint(ILogFile file, in LogHintHeader header, int blockBytes)
        : base(header.Incarnation)
    {
        _file = file;
        _blockBytes = blockBytes;
        Header = header;
        (_entryBytes, _sharedBytes, _segmentEnd) = (header.EntryBytes, header.SharedBytes, header.End);
        (_first, _last, _seed) = (header.First, header.Last, header.Seed);
        _memory = (byte*)NativeMemory.Alloc((nuint)(LogEntryHeader.MaxKeyBytes + blockBytes));
        KeyAt = _memory;
    }

    public LogHintHeader Header { get; }

    public override int SharedBytes => _sharedBytes;

    /// <summary>Which log a hint's head says that it is of; None if it cannot be read.</summary>
    public static ulong IdentityOf(ILogDisk disk, uint incarnation)
    {
        string name = LogSegmentFiles.HintNameOf(incarnation);
        try
        {
            if (!disk.Exists(name)) return LogIdentity.None;
            using ILogFile file = disk.Open(name);
            byte[] head = new byte[LogHintHeader.Bytes];
            return LogHintHeader.Read(head.AsSpan(0, file.Read(0, head)), file.Length, incarnation, out LogHintHeader header) is null ? header.Identity : LogIdentity.None;
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            return LogIdentity.None;
        }
    }

    /// <summary>Opens a segment's hint and verifies all of it.</summary>
    /// <param name="disk">The log's folder.</param>
    /// <param name="identity">The log's.</param>
    /// <param name="incarnation">The segment.</param>
    /// <param name="damage">Null if there is no hint; else why it cannot be used: scan the segment, and write the hint anew.</param>
    /// <returns>The hint, or null.</returns>
    public static LogHint? TryOpen(ILogDisk disk, ulong identity, uint incarnation, out string? damage)
    {
        string name = LogSegmentFiles.HintNameOf(incarnation);
        damage = null;
        ILogFile? file = null;
        LogHint? hint = null;
        try
        {
            if (!disk.Exists(name)) return null;
            file = disk.Open(name);
            damage = Verify(file, identity, incarnation, out LogHintHeader header, out int blockBytes);
            return damage is null ? hint = new LogHint(file, header, blockBytes) : null;
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            damage = e.Message;
            return null;
        }
        finally
        {
            if (hint is null) file?.Dispose();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override bool MoveNext()
    {
        if (_left == 0 && !ReadBlock()) return false;
        int fixedBytes = _entryBytes;
        long room = _end - _next;
        if (room < fixedBytes) throw Damaged("an entry is cut off");
        var from = new ReadOnlySpan<byte>(_next, fixedBytes);
        int shared = BinaryPrimitives.ReadUInt16LittleEndian(from), rest = BinaryPrimitives.ReadUInt16LittleEndian(from[2..]);
        uint offset = BinaryPrimitives.ReadUInt32LittleEndian(from[4..]), unitsAndFlags = BinaryPrimitives.ReadUInt32LittleEndian(from[8..]);
        Sequence = _first + (fixedBytes == 12 + sizeof(uint) ? BinaryPrimitives.ReadUInt32LittleEndian(from[12..]) : BinaryPrimitives.ReadUInt64LittleEndian(from[12..]));
        Location = new LogLocation(Incarnation, offset, unitsAndFlags & 0xFF_FFFF, (LogEntryFlags)(unitsAndFlags >> 24));
        Expires = 0;
        if ((Location.Flags & LogEntryFlags.Expires) != LogEntryFlags.None)
        {
            fixedBytes += sizeof(long);
            if (room < fixedBytes) throw Damaged("an entry is cut off");
            Expires = BinaryPrimitives.ReadInt64LittleEndian(new ReadOnlySpan<byte>(_next + fixedBytes - sizeof(long), sizeof(long)));
        }

        if (room < fixedBytes + rest) throw Damaged("a key is cut off");
        TakeKey(shared, new ReadOnlySpan<byte>(_next + fixedBytes, rest));
        _next += fixedBytes + rest;
        _left--;
        if (offset < LogSegmentHeader.FramesAt || (long)offset + Location.Length > _segmentEnd || Location.Length < LogEntryHeader.Bytes + KeyLength || Sequence < _first || Sequence > _last)
            throw Damaged("an entry is not in its segment");
        return true;
    }

    public override void Dispose()
    {
        NativeMemory.Free(_memory);
        _memory = null;
        KeyAt = null;
        KeyLength = 0;
        _left = 0;
        _block = Header.Blocks;
        _file.Dispose();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static string? Verify(ILogFile file, ulong identity, uint incarnation, out LogHintHeader header, out int blockBytes)
    {
        blockBytes = 0;
        using var window = new LogFileWindow(file, long.MaxValue, ReadBytes);
        if (LogHintHeader.Read(window.Read(0, LogHintHeader.Bytes), file.Length, incarnation, out header) is { } wrong) return wrong;
        if (header.Identity != identity) return "it is of another log";
        LogSeed seed = header.Seed;
        var checksums = default(Crc32C);
        long at = LogHintHeader.Bytes;
        uint count = 0;
        for (uint number = 0; number < header.Blocks; number++)
        {
            ReadOnlySpan<byte> block = window.Read(at, LogHintHeader.BlockHeaderBytes);
            if (block.Length < LogHintHeader.BlockHeaderBytes) return "it is cut off";
            int length = BinaryPrimitives.ReadInt32LittleEndian(block[4..]);
            if (length is < LogHintHeader.BlockHeaderBytes or > LogHintHeader.BlockBytes || length > header.Length - at) return Wrong(at);
            block = window.Read(at, length);
            if (block.Length < length || BinaryPrimitives.ReadUInt32LittleEndian(block) != LogHintHeader.BlockChecksum(block, seed, number)) return Wrong(at);
            checksums.Append(block[..4]);
            count += BinaryPrimitives.ReadUInt32LittleEndian(block[8..]);
            blockBytes = Math.Max(blockBytes, length);
            at += length;
        }

        return at == header.Length && count == header.Count && checksums.Value == header.BlocksChecksum ? null : "its blocks are not those that its head states";
    }

    private static string Wrong(long at) => string.Create(CultureInfo.InvariantCulture, $"its block at offset {at} does not match its checksum");

    private bool ReadBlock()
    {
        if (_block == Header.Blocks) return false;
        byte* block = _memory + LogEntryHeader.MaxKeyBytes;
        int read = _file.Read(_at, new Span<byte>(block, (int)Math.Min(_blockBytes, Header.Length - _at)));
        int length = read < LogHintHeader.BlockHeaderBytes ? 0 : BinaryPrimitives.ReadInt32LittleEndian(new ReadOnlySpan<byte>(block + 4, 4));
        if (length < LogHintHeader.BlockHeaderBytes || length > read) throw Damaged(Wrong(_at));
        var bytes = new ReadOnlySpan<byte>(block, length);
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes) != LogHintHeader.BlockChecksum(bytes, _seed, _block)) throw Damaged(Wrong(_at));
        _left = BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
        if (_left == 0) throw Damaged("a block has no entries");
        _next = block + LogHintHeader.BlockHeaderBytes;
        _end = block + length;
        _at += length;
        _block++;
        return true;
    }

    /// <summary>Puts the key together from the one before. What its bytes have in common with all others must be so: a merge relies on it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void TakeKey(int shared, ReadOnlySpan<byte> rest)
    {
        ReadOnlySpan<byte> before = Key;
        int length = shared + rest.Length;
        bool fits = shared <= before.Length && !rest.IsEmpty && length <= LogEntryHeader.MaxKeyBytes && length >= _sharedBytes;
        if (!fits || !Rises(before, shared, rest)) throw Damaged("a key does not fit to the one before");
        rest.CopyTo(new Span<byte>(KeyAt + shared, rest.Length));
        KeyLength = length;
    }

    /// <summary>Within a block all bytes that are shared are left out, so that the next one decides.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool Rises(ReadOnlySpan<byte> before, int shared, ReadOnlySpan<byte> rest) =>
        shared == 0 ? RisesFromBlock(before, rest) : shared >= _sharedBytes && (shared == before.Length || rest[0] > before[shared]);

    private bool RisesFromBlock(ReadOnlySpan<byte> before, ReadOnlySpan<byte> key) =>
        before.IsEmpty || (key.SequenceCompareTo(before) > 0 && key.CommonPrefixLength(before) >= _sharedBytes);

    private StorageException Damaged(string what) =>
        new(StorageErrorKind.Corrupt, $"The hint {_file.Name} makes no sense, though it was found right when it was opened: {what}. Remove it, and open the log again: its segment is scanned instead.") { Operation = "open" };
}
