namespace Strata;

/// <summary>What a <see cref="LogHintBuilder"/> sorts.</summary>
internal unsafe struct LogHintItem
{
    /// <summary>Eight bytes of the key, behind those that all keys have in common.</summary>
    public ulong Head;

    /// <summary>Where the record is, in units of 8 bytes.</summary>
    public uint At;

    public readonly LogHintRecord* In(byte* records) => (LogHintRecord*)(records + ((long)At * LogEntryHeader.Alignment));
}
