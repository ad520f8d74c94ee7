namespace Strata;

/// <summary>Takes what a <see cref="LogMerge"/> gives.</summary>
internal interface ILogMergeSink
{
    /// <summary>A key's latest entry, a tombstone too; keys come in ascending order, each once.</summary>
    /// <param name="key">Valid during the call.</param>
    /// <param name="sequence">LSN of the commit that wrote it.</param>
    /// <param name="location">Where it is, and how long.</param>
    /// <param name="expires">Unix milliseconds; 0 = never. Of a tombstone: needed until then.</param>
    void Add(ReadOnlySpan<byte> key, ulong sequence, LogLocation location, long expires);
}
