using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Strata;

/// <summary>
/// Flushes files and folders to the medium and reports when that fails, which .NET's own flush does not on Unix.
/// After a failure the file's unsynced bytes are in doubt: the caller refuses the write.
/// </summary>
internal static partial class FileSync
{
    private const int FullSync = 51; // F_FULLFSYNC: macOS's fsync alone does not reach the medium

    /// <summary>Flushes a file's data, and the metadata needed to read it.</summary>
    /// <exception cref="IOException">The medium did not take it.</exception>
    public static void Flush(SafeFileHandle file)
    {
        if (OperatingSystem.IsLinux()) Check(FDataSync(file), "fdatasync");
        else if (OperatingSystem.IsMacOS()) Check(FCntl(file, FullSync), "fcntl(F_FULLFSYNC)");
        else FlushWindows(file);
    }

    /// <summary>Flushes a folder's entries: creations, renames, removals. Windows does so by itself.</summary>
    /// <exception cref="IOException">The medium did not take it.</exception>
    public static void FlushFolder(string path)
    {
        if (OperatingSystem.IsWindows()) return;
        int descriptor = Open(path, 0);
        if (descriptor < 0) throw Failure("open", path);
        try
        {
            if (FSync(descriptor) != 0) throw Failure("fsync", path);
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    private static void FlushWindows(SafeFileHandle file)
    {
#pragma warning disable RS0030 // on Windows this call reports its failure
        RandomAccess.FlushToDisk(file);
#pragma warning restore RS0030
    }

    private static void Check(int result, string call)
    {
        if (result < 0) throw Failure(call, "file");
    }

    private static IOException Failure(string call, string what)
    {
        int error = Marshal.GetLastPInvokeError();
        return new IOException($"{call} of {what} failed: {Marshal.GetPInvokeErrorMessage(error)}", error);
    }

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int FDataSync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int FCntl(SafeFileHandle file, int command);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
