using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Strata;

/// <summary>
/// Gathers the entries of one segment, in any order, for its hint file or, without one, for a merge. Native memory of about
/// the keys and 48 to 64 bytes an entry; nothing on the heap for each.
/// </summary>
/// <param name="segment">The segment's head.</param>
internal sealed unsafe class LogHintBuilder(LogSegmentHeader segment) : IDisposable
{
    private const int FirstCapacity = 64 << 10;
    private byte* _records;
    private long _capacity;
    private long _used;
    private LogHintItem* _items;
    private int _itemCapacity;
    private bool _isSorted = true;

    public LogSegmentHeader Segment { get; } = segment;

    public uint Incarnation => Segment.Incarnation;

    public LogSegmentKind Kind => Segment.Kind;

    /// <summary>Entries; once they were sorted, each key's latest alone.</summary>
    public int Count { get; private set; }

    /// <summary>Lowest LSN of the entries added; 0 before the first.</summary>
    public ulong FirstSequence { get; private set; }

    /// <summary>Highest LSN of the entries added and of what was included.</summary>
    public ulong LastSequence { get; private set; }

    /// <summary>What the segment says of an earlier one.</summary>
    public LogVoid? Void { get; private set; }

    /// <summary>So many first bytes all keys have in common.</summary>
    public int SharedBytes { get; private set; }

    /// <summary>Adds an entry.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="header">Its head.</param>
    /// <param name="offset">Where it is in the segment.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Add(ReadOnlySpan<byte> key, in LogEntryHeader header, uint offset)
    {
        if (key.Length is 0 or > LogEntryHeader.MaxKeyBytes) throw new ArgumentException($"A key of the log has 1 to {LogEntryHeader.MaxKeyBytes} bytes, not {key.Length}.", nameof(key));
        int length = LogHintRecord.LengthOf(key.Length);
        Reserve(length);
        var record = (LogHintRecord*)(_records + _used);
        (record->Sequence, record->Expires, record->Offset) = (header.Sequence, header.Expires, offset);
        record->UnitsAndFlags = ((uint)header.Length / LogEntryHeader.Alignment) | ((uint)header.Flags << 24);
        record->KeyLength = (ushort)key.Length;
        key.CopyTo(new Span<byte>(record->KeyAt, key.Length));
        SharedBytes = Count == 0 ? key.Length : key.CommonPrefixLength(((LogHintRecord*)_records)->Key[..SharedBytes]);
        _items[Count++].At = (uint)(_used / LogEntryHeader.Alignment);
        _used += length;
        _isSorted = false;
        FirstSequence = FirstSequence == 0 ? header.Sequence : Math.Min(FirstSequence, header.Sequence);
        LastSequence = Math.Max(LastSequence, header.Sequence);
    }

    /// <summary>Notes what a segment has beside entries: the LSN of its last frame, and what it says of an earlier one.</summary>
    public void Include(in LogScanResult result)
    {
        LastSequence = Math.Max(LastSequence, result.LastSequence);
        Void ??= result.Void;
    }

    /// <summary>Writes the hint file and puts it on the medium. Nothing is left behind by an error.</summary>
    /// <param name="disk">The log's folder.</param>
    /// <param name="end">Where the segment's frames end.</param>
    /// <param name="isNameSynced">Its name is put on the medium too; else that is left to the next sync of the folder, and a power cut before has the segment scanned.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void WriteTo(ILogDisk disk, uint end, bool isNameSynced = true)
    {
        Sort();
        string name = LogSegmentFiles.HintNameOf(Incarnation), temporary = $"{name}.tmp";
        disk.Delete(temporary);
        bool isWritten = false;
        try
        {
            using (ILogFile file = disk.Create(temporary, 0))
            using (var writer = new LogHintWriter(file, this))
            {
                for (int i = 0; i < Count; i++) writer.Add(_items[i].In(_records));
                writer.Finish(end);
                file.Sync();
            }

            disk.Rename(temporary, name);
            isWritten = true;
            if (isNameSynced) disk.SyncFolder(LogSegmentFiles.Folder);
        }
        finally
        {
            if (!isWritten) TryDelete(disk, temporary);
        }
    }

    /// <summary>A source for a merge. It owns the builder, which takes no entries any more.</summary>
    public LogCursor ToCursor()
    {
        Sort();
        return new Cursor(this);
    }

    public void Dispose()
    {
        NativeMemory.Free(_records);
        NativeMemory.Free(_items);
        _records = null;
        _items = null;
        (_capacity, _used, _itemCapacity, Count) = (0, 0, 0, 0);
    }

    private static void TryDelete(ILogDisk disk, string name)
    {
        try
        {
            disk.Delete(name);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            // The error that came first is the one to know of; opening removes what has this name.
        }
    }

    private void Reserve(int bytes)
    {
        if (_capacity - _used < bytes)
        {
            long capacity = Math.Max(FirstCapacity, 2 * _capacity);
            _records = (byte*)NativeMemory.Realloc(_records, (nuint)capacity);
            _capacity = capacity;
        }

        if (Count == _itemCapacity)
        {
            int capacity = Math.Max(1_024, checked(2 * _itemCapacity));
            _items = (LogHintItem*)NativeMemory.Realloc(_items, (nuint)capacity * (nuint)sizeof(LogHintItem));
            _itemCapacity = capacity;
        }
    }

    private void Sort()
    {
        if (_isSorted) return;
        Count = LogHintSort.SortLatest(_items, Count, _records, SharedBytes);
        _isSorted = true;
    }

    private sealed class Cursor(LogHintBuilder builder) : LogCursor(builder.Incarnation)
    {
        private int _next;

        public override int SharedBytes => builder.SharedBytes;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public override bool MoveNext()
        {
            if (_next >= builder.Count) return false;
            LogHintRecord* record = builder._items[_next++].In(builder._records);
            KeyAt = record->KeyAt;
            KeyLength = record->KeyLength;
            (Sequence, Expires) = (record->Sequence, record->Expires);
            Location = new LogLocation(Incarnation, record->Offset, record->Units, record->Flags);
            return true;
        }

        public override void Dispose() => builder.Dispose();
    }
}
