using Microsoft.Win32.SafeHandles;

namespace Strata;

/// <summary>A file of a <see cref="ReadOnlyDisk"/>.</summary>
internal sealed class ReadOnlyFile(string name, SafeFileHandle handle) : ILogFile
{
    public string Name { get; } = name;

    public long Length => RandomAccess.GetLength(handle);

    public static NotSupportedException Refused() => new("The log is only looked at.");

    public int Read(long offset, Span<byte> into)
    {
        int total = 0;
        while (total < into.Length && RandomAccess.Read(handle, into[total..], offset + total) is > 0 and int read) total += read;
        return total;
    }

    public LogMapping? Map(long length) => null;

    public void DropCache(long offset, long length)
    {
    }

    public void Write(long offset, ReadOnlySpan<byte> bytes) => throw Refused();

    public void Write(long offset, IReadOnlyList<ReadOnlyMemory<byte>> pieces) => throw Refused();

    public void Sync() => throw Refused();

    public void StartWriteBack(long offset, long length) => throw Refused();

    public void Allocate(long length) => throw Refused();

    public void Truncate(long length) => throw Refused();

    public void Dispose() => handle.Dispose();
}
