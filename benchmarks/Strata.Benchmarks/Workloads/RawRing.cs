using Microsoft.Win32.SafeHandles;

namespace Strata.Benchmarks;

/// <summary>
/// The limit of a log: one file whose space was written before, so that a flush has no new blocks to record, and writes
/// that follow one another in it and begin anew at its end. No checksum, no key, nothing that finds anything again.
/// </summary>
internal sealed class RawRing : IDisposable
{
    private const int PieceLength = 1 << 20;
    private readonly SafeFileHandle _file;
    private readonly long _length;
    private long _at;

    /// <param name="path">Created.</param>
    /// <param name="length">Bytes, a multiple of what is written at once.</param>
    public RawRing(string path, long length)
    {
        // Other systems than Linux write through instead of flushing.
        _file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, OperatingSystem.IsLinux() ? FileOptions.None : FileOptions.WriteThrough);
        _length = length;
        byte[] bytes = Payload.Of(PieceLength);
        for (long at = 0; at < length; at += PieceLength) RandomAccess.Write(_file, bytes.AsSpan(0, (int)Math.Min(PieceLength, length - at)), at);
        Flush();
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        RandomAccess.Write(_file, bytes, _at);
        _at = (_at + bytes.Length) % _length;
    }

    /// <summary>As a log may that never holds what follows something lost: on the medium before the ring begins anew, the write-back begun early.</summary>
    public void WriteInOrder(ReadOnlySpan<byte> bytes)
    {
        long at = _at;
        Write(bytes);
        if (OperatingSystem.IsLinux()) SystemCalls.StartWriteBack(_file, at, bytes.Length);
        if (_at == 0) Flush();
    }

    public void WriteDurably(ReadOnlySpan<byte> bytes)
    {
        Write(bytes);
        Flush();
    }

    /// <summary>Reads as much as the buffer takes, which divides the length, and goes on there.</summary>
    public void Read(Span<byte> into)
    {
        Sink.Expect(RandomAccess.Read(_file, into, _at), into.Length);
        _at = (_at + into.Length) % _length;
    }

    public void Dispose() => _file.Dispose();

    private void Flush()
    {
        if (OperatingSystem.IsLinux()) SystemCalls.FlushFile(_file);
    }
}
