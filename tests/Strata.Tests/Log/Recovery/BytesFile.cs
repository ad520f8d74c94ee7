namespace Strata.Tests.Log;

/// <summary>A file that is an array.</summary>
internal sealed class BytesFile(byte[] bytes, int? length = null) : ILogFile
{
    public string Name => "bytes";

    public long Length => length ?? bytes.Length;

    /// <summary>The longest single read.</summary>
    public int LongestRead { get; private set; }

    public int Read(long offset, Span<byte> into)
    {
        LongestRead = Math.Max(LongestRead, into.Length);
        int count = (int)Math.Clamp(Length - offset, 0, into.Length);
        bytes.AsSpan((int)Math.Min(offset, Length), count).CopyTo(into);
        return count;
    }

    public void Write(long offset, ReadOnlySpan<byte> bytes) => throw new NotSupportedException();

    public void Write(long offset, IReadOnlyList<ReadOnlyMemory<byte>> pieces) => throw new NotSupportedException();

    public void Sync() => throw new NotSupportedException();

    public void StartWriteBack(long offset, long length) => throw new NotSupportedException();

    public void Allocate(long length) => throw new NotSupportedException();

    public void Truncate(long length) => throw new NotSupportedException();

    public void DropCache(long offset, long length) => throw new NotSupportedException();

    public LogMapping? Map(long length) => null;

    public void Dispose()
    {
    }
}
