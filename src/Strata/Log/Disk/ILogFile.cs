namespace Strata;

/// <summary>A file of a <see cref="ILogDisk"/>. All calls block; one that fails throws <see cref="IOException"/>.</summary>
internal interface ILogFile : IDisposable
{
    string Name { get; }

    long Length { get; }

    /// <summary>Writes all bytes, or throws: then any part of them may be written.</summary>
    void Write(long offset, ReadOnlySpan<byte> bytes);

    /// <summary>Writes pieces one behind the other.</summary>
    void Write(long offset, IReadOnlyList<ReadOnlyMemory<byte>> pieces);

    /// <summary>Reads until the buffer is full or the file ends.</summary>
    int Read(long offset, Span<byte> into);

    /// <summary>Puts the file's bytes on the medium, and the metadata needed to read them. After a failure what was not yet there is in doubt.</summary>
    void Sync();

    /// <summary>Lets the system begin to write some bytes back, without waiting.</summary>
    void StartWriteBack(long offset, long length);

    /// <summary>Makes the file at least so long, its space reserved.</summary>
    void Allocate(long length);

    void Truncate(long length);

    /// <summary>Says that some bytes will not be read again soon.</summary>
    void DropCache(long offset, long length);

    /// <summary>A mapping for reading, of the file's first bytes; null where it cannot be mapped.</summary>
    LogMapping? Map(long length);
}
