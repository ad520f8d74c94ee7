using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Strata;

/// <summary>
/// What is committed together: one frame of the log, laid out in one buffer as it will lie in the file. Filled by one
/// caller, committed once, disposed by whoever made it, after the commit.
/// </summary>
internal sealed class LogBatch(ArrayPool<byte>? buffers = null) : IDisposable
{
    /// <summary>Bodies of more bytes than this are written from where they are; shorter ones are copied.</summary>
    public const int CopiedBytes = 16 << 10;

    private readonly ArrayPool<byte> _pool = buffers ?? ArrayPool<byte>.Shared;
    private readonly List<Operation> _operations = [];
    private List<Expectation>? _expectations;
    private List<Borrowed>? _borrowed;
    private byte[] _buffer = [];
    private int _used = LogFrameHeader.Bytes;
    private EndMark _end;

    /// <summary>Bytes of the frame.</summary>
    public long Length { get; private set; } = LogFrameHeader.Bytes;

    public int Count => _operations.Count;

    /// <summary>True if it only deletes: what a full disk still takes. Set it for a small entry that deletes depend on.</summary>
    public bool FreesSpace { get; set; } = true;

    /// <summary>What adds the batch's end; null: it is whole.</summary>
    internal ILogPlacement? Placement { get; private set; }

    /// <summary>How many operations come before the end that is added when the batch is placed.</summary>
    internal int EndsAfter => _end.Operations;

    internal ReadOnlySpan<Operation> Operations => CollectionsMarshal.AsSpan(_operations);

    internal ReadOnlySpan<Expectation> Expectations => CollectionsMarshal.AsSpan(_expectations);

    /// <summary>Ends when its group does, well or not; null for one that its caller commits itself.</summary>
    internal TaskCompletionSource? Completion { get; set; }

    internal ulong Sequence { get; private set; }

    internal uint Offset { get; private set; }

    internal LogSegment? Segment { get; private set; }

    internal Exception? Failure { get; set; }

    /// <summary>Sets a key's value: head, then body. A key is set or deleted once in a batch.</summary>
    /// <param name="key">1 to 2,080 bytes; the first names the keyspace.</param>
    /// <param name="head">The first bytes of the value, copied.</param>
    /// <param name="body">The others; beyond <see cref="CopiedBytes"/> they must stay as they are until the commit is over.</param>
    /// <param name="expires">Unix milliseconds; 0 = never.</param>
    /// <param name="isReference">The value says where the bytes are.</param>
    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> head, in ReadOnlySequence<byte> body = default, long expires = 0, bool isReference = false)
    {
        FreesSpace = false;
        LogEntryFlags flags = (expires == 0 ? LogEntryFlags.None : LogEntryFlags.Expires) | (isReference ? LogEntryFlags.Reference : LogEntryFlags.None);
        Add(key, head, body, expires, flags);
    }

    /// <summary>Deletes a key.</summary>
    /// <param name="key">The key.</param>
    /// <param name="head">What the tombstone says, such as a version.</param>
    /// <param name="neededUntil">Unix milliseconds before which compaction keeps the tombstone; 0 = only as long as older entries of the key may be somewhere.</param>
    public void Delete(ReadOnlySpan<byte> key, ReadOnlySpan<byte> head = default, long neededUntil = 0) =>
        Add(key, head, default, neededUntil, LogEntryFlags.Tombstone | (neededUntil == 0 ? LogEntryFlags.None : LogEntryFlags.Expires));

    /// <summary>Makes the commit depend on a key's latest entry: it must be at this place, or, with the default, the log must have none.</summary>
    public void Expect(ReadOnlySpan<byte> key, LogLocation location) => (_expectations ??= []).Add(new Expectation(key.ToArray(), LogKeyHash.Of(key), location));

    /// <summary>What is added from now on is the batch's end, which is finished when the batch is placed.</summary>
    public void EndWith(ILogPlacement placement)
    {
        Placement = placement;
        _end = new EndMark(_operations.Count, _used, Length, _borrowed?.Count ?? 0);
    }

    /// <summary>Takes the end off again, to add another.</summary>
    public void TakeOffEnd()
    {
        _operations.RemoveRange(_end.Operations, _operations.Count - _end.Operations);
        _borrowed?.RemoveRange(_end.Borrowed, _borrowed.Count - _end.Borrowed);
        (_used, Length) = (_end.Used, _end.Length);
    }

    public void Dispose()
    {
        if (_buffer.Length > 0) _pool.Return(_buffer);
        _buffer = [];
        _operations.Clear();
    }

    internal ReadOnlySpan<byte> KeyOf(in Operation operation) => _buffer.AsSpan(operation.At + LogEntryHeader.Bytes, operation.KeyLength);

    /// <summary>An entry without its place, copied; of a batch whose bodies are all short enough to be.</summary>
    internal byte[] EntryOf(in Operation operation) => _buffer.AsSpan(operation.At, (int)operation.Units * LogEntryHeader.Alignment).ToArray();

    /// <summary>Where an entry of the batch is, once it has its place.</summary>
    internal LogLocation LocationOf(in Operation operation) => new(Segment!.Incarnation, Offset + (uint)operation.EntryAt, operation.Units, operation.Flags);

    /// <summary>Gives the frame its place: writes sequences and checksums.</summary>
    internal void Seal(LogSegment segment, uint offset, ulong sequence, ulong durable)
    {
        (Segment, Offset, Sequence) = (segment, offset, sequence);
        LogSeed seed = segment.Seed;
        LogFrameHeader.Write(_buffer, (int)Length, sequence, durable, Count, LogFrameKind.Batch);
        var sum = default(Crc32C);
        sum.Append(_buffer.AsSpan(4, LogFrameHeader.Bytes - 4));
        foreach (ref readonly Operation operation in Operations)
        {
            Span<byte> entry = _buffer.AsSpan(operation.At);
            LogEntryHeader.Seal(entry, operation.ContentChecksum, seed, sequence);
            sum.Append(entry[..4]);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(_buffer, sum.Value ^ seed.At(sequence));
    }

    /// <summary>The frame's bytes, in order.</summary>
    internal void AddTo(List<ReadOnlyMemory<byte>> pieces)
    {
        int from = 0;
        foreach (Borrowed borrowed in _borrowed ?? [])
        {
            pieces.Add(_buffer.AsMemory(from, borrowed.At - from));
            foreach (ReadOnlyMemory<byte> piece in borrowed.Bytes) pieces.Add(piece);
            from = borrowed.At;
        }

        if (from < _used) pieces.Add(_buffer.AsMemory(from, _used - from));
    }

    private void Add(ReadOnlySpan<byte> key, ReadOnlySpan<byte> head, in ReadOnlySequence<byte> body, long expires, LogEntryFlags flags)
    {
        if (key.Length is 0 or > LogEntryHeader.MaxKeyBytes) throw new ArgumentException($"A key of the log has 1 to {LogEntryHeader.MaxKeyBytes} bytes, not {key.Length}.", nameof(key));
        int valueLength = checked(head.Length + (int)body.Length), length = LogEntryHeader.LengthOf(key.Length, valueLength);
        bool isCopied = body.Length <= CopiedBytes;
        int inner = LogEntryHeader.Bytes + key.Length + head.Length, padding = length - LogEntryHeader.Bytes - key.Length - valueLength;
        Span<byte> entry = Room(isCopied ? length : inner + padding);
        int at = _used, entryAt = (int)Length;
        LogEntryHeader.Write(entry, flags, key.Length, valueLength, head.Length, expires);
        key.CopyTo(entry[LogEntryHeader.Bytes..]);
        head.CopyTo(entry[(LogEntryHeader.Bytes + key.Length)..]);
        entry[(entry.Length - padding)..].Clear();
        uint checksum;
        if (isCopied)
        {
            body.CopyTo(entry[inner..]);
            checksum = LogEntryHeader.ContentChecksum(entry);
        }
        else
        {
            var sum = default(Crc32C);
            sum.Append(entry[4..8]);
            sum.Append(entry[16..inner]);
            sum.Append(body);
            sum.Append(entry[inner..]);
            checksum = sum.Value;
            (_borrowed ??= []).Add(new Borrowed(at + inner, body));
        }

        _used += entry.Length;
        Length += length;
        _operations.Add(new Operation(at, entryAt, key.Length, (uint)length / LogEntryHeader.Alignment, flags, checksum, LogKeyHash.Of(key)));
    }

    private Span<byte> Room(int bytes)
    {
        if (_buffer.Length - _used < bytes)
        {
            byte[] larger = _pool.Rent(Math.Max(checked(_used + bytes), 2 * _buffer.Length));
            _buffer.AsSpan(0, Math.Min(_used, _buffer.Length)).CopyTo(larger);
            if (_buffer.Length > 0) _pool.Return(_buffer);
            _buffer = larger;
        }

        return _buffer.AsSpan(_used, bytes);
    }

    /// <param name="At">Where its head is in the buffer.</param>
    /// <param name="EntryAt">Where its head is in the frame.</param>
    /// <param name="KeyLength">Bytes of the key.</param>
    /// <param name="Units">The entry's length in the file.</param>
    /// <param name="Flags">Its kind.</param>
    /// <param name="ContentChecksum">Checksum without the place.</param>
    /// <param name="KeyHash">Hash of the key.</param>
    internal readonly record struct Operation(int At, int EntryAt, int KeyLength, uint Units, LogEntryFlags Flags, uint ContentChecksum, ulong KeyHash);

    internal readonly record struct Expectation(byte[] Key, ulong KeyHash, LogLocation Location);

    /// <param name="Operations">How many there are before the end.</param>
    /// <param name="Used">Bytes of the buffer.</param>
    /// <param name="Length">Bytes of the frame.</param>
    /// <param name="Borrowed">How many bodies are written from where they are.</param>
    private readonly record struct EndMark(int Operations, int Used, long Length, int Borrowed);

    private readonly record struct Borrowed(int At, ReadOnlySequence<byte> Bytes);
}
