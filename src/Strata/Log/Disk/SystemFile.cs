using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Strata;

/// <summary>A file of the operating system: system calls on Linux; elsewhere what .NET has for them.</summary>
internal sealed unsafe partial class SystemFile(string name, SafeFileHandle handle) : ILogFile
{
    private const int NotSupported = 95, InvalidArgument = 22, Interrupted = 4, WriteBackOnly = 2, DontNeed = 4, ReadOnlyPages = 1, Shared = 1;

    public string Name { get; } = name;

    public long Length => RandomAccess.GetLength(handle);

    public void Write(long offset, ReadOnlySpan<byte> bytes) => RandomAccess.Write(handle, bytes, offset);

    public void Write(long offset, IReadOnlyList<ReadOnlyMemory<byte>> pieces) => RandomAccess.Write(handle, pieces, offset);

    public int Read(long offset, Span<byte> into)
    {
        int read = 0;
        while (read < into.Length)
        {
            int some = RandomAccess.Read(handle, into[read..], offset + read);
            if (some == 0) break;
            read += some;
        }

        return read;
    }

    public void Sync() => FileSync.Flush(handle);

    public void StartWriteBack(long offset, long length)
    {
        // A hint: a failure shows at the sync.
        if (OperatingSystem.IsLinux()) _ = SyncFileRange(handle, offset, length, WriteBackOnly);
    }

    public void Allocate(long length)
    {
        if (Length >= length) return;
        if (OperatingSystem.IsLinux())
        {
            int error;
            do error = PosixFAllocate(handle, 0, length);
            while (error == Interrupted);
            if (error == 0) return;
            if (error is not (NotSupported or InvalidArgument)) throw new IOException($"posix_fallocate of {Name} failed: {Marshal.GetPInvokeErrorMessage(error)}", error);
        }

        SetLength(length);
    }

    public void Truncate(long length) => SetLength(length);

    public void DropCache(long offset, long length)
    {
        if (OperatingSystem.IsLinux()) _ = PosixFAdvise(handle, offset, length, DontNeed);
    }

    public LogMapping? Map(long length)
    {
        if (length is <= 0 or > int.MaxValue) return null;
        if (!OperatingSystem.IsLinux()) return MapByFramework(length);
        nint at = MMap(0, (nuint)length, ReadOnlyPages, Shared, handle, 0);
        return at == -1 ? null : new LogMapping((byte*)at, length, () => _ = MUnmap(at, (nuint)length));
    }

    public void Dispose() => handle.Dispose();

    private static LogMapping? Mapped(MemoryMappedFile file, MemoryMappedViewAccessor view, long length)
    {
        byte* at = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref at);
        return new LogMapping(at, length, () =>
        {
            view.SafeMemoryMappedViewHandle.ReleasePointer();
            view.Dispose();
            file.Dispose();
        });
    }

    private LogMapping? MapByFramework(long length)
    {
        var file = MemoryMappedFile.CreateFromFile(handle, null, length, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        return Mapped(file, file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read), length);
    }

    private void SetLength(long length) => RandomAccess.SetLength(handle, length);

    [LibraryImport("libc", EntryPoint = "posix_fallocate")]
    private static partial int PosixFAllocate(SafeFileHandle file, long offset, long length);

    [LibraryImport("libc", EntryPoint = "sync_file_range")]
    private static partial int SyncFileRange(SafeFileHandle file, long offset, long length, uint flags);

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    private static partial int PosixFAdvise(SafeFileHandle file, long offset, long length, int advice);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint MMap(nint address, nuint length, int protection, int flags, SafeFileHandle file, long offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int MUnmap(nint address, nuint length);
}
