namespace Strata;

/// <summary>An entry where it lies, verified. It is there as long as what it was read by holds it: see there.</summary>
/// <param name="bytes">The whole entry.</param>
/// <param name="location">Where it was read.</param>
internal readonly ref struct LogEntryView(ReadOnlySpan<byte> bytes, LogLocation location)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <summary>Where it was read; what <see cref="LogBatch.Expect"/> takes.</summary>
    public LogLocation Location { get; } = location;

    /// <summary>The LSN of the commit that wrote it.</summary>
    public ulong Sequence => LogEntryHeader.SequenceOf(_bytes);

    /// <summary>Unix milliseconds; 0 = never.</summary>
    public long Expires => LogEntryHeader.ExpiresOf(_bytes);

    public bool IsTombstone => (LogEntryHeader.FlagsOf(_bytes) & LogEntryFlags.Tombstone) != LogEntryFlags.None;

    public bool IsReference => (LogEntryHeader.FlagsOf(_bytes) & LogEntryFlags.Reference) != LogEntryFlags.None;

    public ReadOnlySpan<byte> Key => _bytes.Slice(LogEntryHeader.Bytes, KeyLength);

    /// <summary>Head and body.</summary>
    public ReadOnlySpan<byte> Value => _bytes.Slice(ValueAt, ValueLength);

    public ReadOnlySpan<byte> Head => _bytes.Slice(ValueAt, HeadLength);

    public ReadOnlySpan<byte> Body => _bytes.Slice(ValueAt + HeadLength, BodyLength);

    /// <summary>Where the value begins in the entry.</summary>
    public int ValueAt => LogEntryHeader.Bytes + KeyLength;

    public int ValueLength => LogEntryHeader.ValueLengthOf(_bytes);

    public int HeadLength => LogEntryHeader.HeadLengthOf(_bytes);

    public int BodyLength => ValueLength - HeadLength;

    private int KeyLength => LogEntryHeader.KeyLengthOf(_bytes);
}
