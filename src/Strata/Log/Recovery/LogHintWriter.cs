using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Strata;

/// <summary>Writes the content of a hint file (<see cref="LogHintHeader"/>): blocks, and the head last.</summary>
internal sealed unsafe class LogHintWriter(ILogFile file, LogHintBuilder hint) : IDisposable
{
    private readonly LogSeed _seed = hint.Segment.Seed;
    private readonly byte[] _block = ArrayPool<byte>.Shared.Rent(LogHintHeader.BlockBytes);

    // The first entries are counted from 0 in 4 bytes, unless their LSNs are farther apart than that.
    private readonly int _sequenceBytes = hint.LastSequence - hint.FirstSequence <= uint.MaxValue ? sizeof(uint) : sizeof(ulong);
    private LogHintRecord* _before;
    private int _used = LogHintHeader.BlockHeaderBytes;
    private uint _blockCount;
    private uint _count;
    private uint _blocks;
    private long _at = LogHintHeader.Bytes;
    private Crc32C _checksums;

    /// <summary>Adds an entry; keys rise.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Add(LogHintRecord* record)
    {
        ReadOnlySpan<byte> key = record->Key;
        int shared = _blockCount == 0 ? 0 : key.CommonPrefixLength(_before->Key);
        int expiryBytes = (record->Flags & LogEntryFlags.Expires) == LogEntryFlags.None ? 0 : sizeof(long);
        if (_used + 12 + _sequenceBytes + expiryBytes + key.Length - shared > LogHintHeader.BlockBytes)
        {
            WriteBlock();
            shared = 0;
        }

        Span<byte> to = _block.AsSpan(_used);
        BinaryPrimitives.WriteUInt16LittleEndian(to, (ushort)shared);
        BinaryPrimitives.WriteUInt16LittleEndian(to[2..], (ushort)(key.Length - shared));
        BinaryPrimitives.WriteUInt32LittleEndian(to[4..], record->Offset);
        BinaryPrimitives.WriteUInt32LittleEndian(to[8..], record->UnitsAndFlags);
        ulong sequence = record->Sequence - hint.FirstSequence;
        if (_sequenceBytes == sizeof(uint)) BinaryPrimitives.WriteUInt32LittleEndian(to[12..], (uint)sequence);
        else BinaryPrimitives.WriteUInt64LittleEndian(to[12..], sequence);
        int length = 12 + _sequenceBytes;
        if (expiryBytes > 0) BinaryPrimitives.WriteInt64LittleEndian(to[length..], record->Expires);
        length += expiryBytes;
        key[shared..].CopyTo(to[length..]);
        _used += length + key.Length - shared;
        _before = record;
        _blockCount++;
        _count++;
    }

    /// <summary>Writes what is left and the head.</summary>
    public void Finish(uint end)
    {
        if (_blockCount > 0) WriteBlock();
        Span<byte> head = stackalloc byte[LogHintHeader.Bytes];
        new LogHintHeader(hint.Segment.Identity, hint.Incarnation, hint.Kind, _sequenceBytes, hint.SharedBytes, hint.FirstSequence, hint.LastSequence, end, _count, _blocks, _checksums.Value, _at, hint.Void).Write(head);
        file.Write(0, head);
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(_block);

    private void WriteBlock()
    {
        Span<byte> block = _block.AsSpan(0, _used);
        BinaryPrimitives.WriteInt32LittleEndian(block[4..], _used);
        BinaryPrimitives.WriteUInt32LittleEndian(block[8..], _blockCount);
        BinaryPrimitives.WriteUInt32LittleEndian(block, LogHintHeader.BlockChecksum(block, _seed, _blocks));
        _checksums.Append(block[..4]);
        file.Write(_at, block);
        _at += _used;
        _blocks++;
        _blockCount = 0;
        _used = LogHintHeader.BlockHeaderBytes;
    }
}
