using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Strata.Benchmarks;

/// <summary>What a flush is on Linux, its result checked. .NET's own does not report a failure there.</summary>
internal static partial class SystemCalls
{
    /// <summary>A folder, to be flushed.</summary>
    public static SafeFileHandle OpenFolder(string path)
    {
        SafeFileHandle handle = Open(path, 0);
        if (handle.IsInvalid) throw Failure("open");
        return handle;
    }

    public static void FlushFile(SafeFileHandle file)
    {
        if (FDataSync(file) < 0) throw Failure("fdatasync");
    }

    public static void FlushFolder(SafeFileHandle folder)
    {
        if (FSync(folder) < 0) throw Failure("fsync");
    }

    /// <summary>A hint: what is written goes to the medium from here on.</summary>
    public static void StartWriteBack(SafeFileHandle file, long offset, long length) => _ = SyncFileRange(file, offset, length, 2);

    private static IOException Failure(string call) => new($"{call} failed: {Marshal.GetLastPInvokeErrorMessage()}");

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int FDataSync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "sync_file_range")]
    private static partial int SyncFileRange(SafeFileHandle file, long offset, long length, uint flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(SafeFileHandle folder);
}
