namespace Strata;

/// <summary>
/// A file of an <see cref="ILogDisk"/>. All calls block, and any thread may make them; <see cref="Allocate"/> and
/// <see cref="Truncate"/> one at a time. Failures are as there.
/// </summary>
internal interface ILogFile : IDisposable
{
    /// <summary>The name that it was opened by.</summary>
    string Name { get; }

    /// <summary>Bytes.</summary>
    long Length { get; }

    /// <summary>Writes all bytes, or throws: then any part of them may be written. Allocates nothing.</summary>
    void Write(long offset, ReadOnlySpan<byte> bytes);

    /// <summary>Writes pieces one behind the other, or throws: then any part of them may be written. Allocates nothing.</summary>
    void Write(long offset, IReadOnlyList<ReadOnlyMemory<byte>> pieces);

    /// <summary>Reads until the buffer is full or the file ends.</summary>
    /// <returns>How many bytes there were.</returns>
    int Read(long offset, Span<byte> into);

    /// <summary>
    /// Puts on the medium what was written before the call, and the metadata needed to read it. After a failure that is in
    /// doubt: the system may have dropped it, though it is still read, and the next call says nothing of it.
    /// </summary>
    void Sync();

    /// <summary>Lets the system begin to write some bytes back; it waits for nothing but a full queue of the medium, and promises nothing.</summary>
    void StartWriteBack(long offset, long length);

    /// <summary>Makes the file at least so long, its space reserved and read as zeros; an error leaves its length as it was.</summary>
    void Allocate(long length);

    /// <summary>Makes the file at most so long. Not while it is mapped beyond that: a read there ends the process.</summary>
    void Truncate(long length);

    /// <summary>Says that some bytes will not be read again soon. Those not yet on the medium stay.</summary>
    void DropCache(long offset, long length);

    /// <summary>A mapping of the file's first bytes, for reading; null where there can be none, and the caller reads by <see cref="Read"/>.</summary>
    /// <param name="length">Bytes, at most the file's length.</param>
    LogMapping? Map(long length);
}
