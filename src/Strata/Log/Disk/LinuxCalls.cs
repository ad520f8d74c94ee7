using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Strata;

/// <summary>
/// Linux's system calls for files, as the log needs them: an interrupted call is made again, a short one goes on, and a
/// failed one is an exception with the error number as its HResult, which <see cref="DiskErrors"/> understands.
/// </summary>
/// <remarks>
/// .NET's own calls hide what a log must know: its flush reports no failure, its write says that a file which may not grow
/// is an argument out of range, and its move copies where it cannot rename.
/// </remarks>
internal static unsafe partial class LinuxCalls
{
    private const int NotPermitted = 1, NoEntry = 2, Interrupted = 4, InputOutput = 5, AccessDenied = 13, ReadOnlyVolume = 30, NoCall = 38, NotSupported = 95;
    private const int ReadWrite = 2, CreateNew = 0x40 | 0x80, CloseOnExec = 0x80000, OwnerOnly = 0x180; // 0600
    private const int DoNotNeed = 4, WriteBack = 2, ReadOnlyPages = 1, SharedPages = 1;

    /// <summary>True where these calls can be made: a 64-bit process on Linux, since elsewhere offsets have another width.</summary>
    public static bool CanBeMade => OperatingSystem.IsLinux() && Environment.Is64BitProcess;

    /// <summary>Opens a file for reading and writing; a new one, which must not be there yet, is its owner's alone from the start.</summary>
    public static SafeFileHandle Open(string path, bool isNew)
    {
        while (true)
        {
            int descriptor = Open(path, isNew ? ReadWrite | CreateNew | CloseOnExec : ReadWrite | CloseOnExec, OwnerOnly);
            if (descriptor >= 0) return new SafeFileHandle(descriptor, ownsHandle: true);
            ThrowUnlessInterrupted("open", path);
        }
    }

    /// <summary>Writes all bytes, or throws: then some of them may be written.</summary>
    public static void Write(SafeFileHandle file, string name, long offset, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* first = bytes)
        {
            int done = 0;
            while (done < bytes.Length)
            {
                nint written = PWrite(file, first + done, bytes.Length - done, offset + done);
                if (written > 0) done += (int)written;
                else ThrowUnlessInterrupted(written, "pwrite", name);
            }
        }
    }

    /// <summary>Writes all pieces one behind the other, or throws. The pieces are used up.</summary>
    public static void Write(SafeFileHandle file, string name, long offset, Span<Piece> pieces)
    {
        fixed (Piece* first = pieces)
        {
            int done = 0;
            while (true)
            {
                while (done < pieces.Length && pieces[done].Length == 0) done++;
                if (done == pieces.Length) return;
                nint written = PWriteV(file, first + done, pieces.Length - done, offset);
                if (written <= 0)
                {
                    ThrowUnlessInterrupted(written, "pwritev", name);
                    continue;
                }

                offset += written;
                for (int i = done; written > 0; i++) written -= pieces[i].Skip(written);
            }
        }
    }

    /// <summary>Reads until the buffer is full or the file ends.</summary>
    /// <returns>How many bytes there were.</returns>
    public static int Read(SafeFileHandle file, string name, long offset, Span<byte> into)
    {
        fixed (byte* first = into)
        {
            int done = 0;
            while (done < into.Length)
            {
                nint read = PRead(file, first + done, into.Length - done, offset + done);
                if (read == 0) break;
                if (read > 0) done += (int)read;
                else ThrowUnlessInterrupted("pread", name);
            }

            return done;
        }
    }

    /// <summary>Reserves the file's blocks up to a length, and makes it that long if it is shorter.</summary>
    /// <returns>False where the volume cannot reserve.</returns>
    public static bool TryAllocate(SafeFileHandle file, string name, long length)
    {
        // Not posix_fallocate: where the volume cannot reserve, that one writes to every block, which races with writers.
        while (FAllocate(file, 0, 0, length) != 0)
        {
            if (Marshal.GetLastPInvokeError() is NotSupported or NoCall) return false;
            ThrowUnlessInterrupted("fallocate", name);
        }

        return true;
    }

    public static void Truncate(SafeFileHandle file, string name, long length)
    {
        while (FTruncate(file, length) != 0) ThrowUnlessInterrupted("ftruncate", name);
    }

    /// <summary>A hint, which does not fail: what the medium refuses shows at the sync.</summary>
    public static void StartWriteBack(SafeFileHandle file, long offset, long length) => _ = SyncFileRange(file, offset, length, WriteBack);

    /// <summary>A hint, which does not fail.</summary>
    public static void DropCache(SafeFileHandle file, long offset, long length) => _ = FAdvise(file, offset, length, DoNotNeed);

    /// <summary>Maps a file's first bytes for reading; null where the system has no room for a mapping, or the volume none at all.</summary>
    public static LogMapping? Map(SafeFileHandle file, long length)
    {
        nint address = MMap(0, (nuint)length, ReadOnlyPages, SharedPages, file, 0);
        return address == -1 ? null : new LogMapping((byte*)address, (int)length, () => _ = MUnmap(address, (nuint)length));
    }

    public static void Rename(string from, string to)
    {
        while (RenamePath(from, to) != 0) ThrowUnlessInterrupted("rename", from);
    }

    /// <summary>Removes a file; that there is none is no error.</summary>
    public static void Delete(string path)
    {
        while (Unlink(path) != 0)
        {
            if (Marshal.GetLastPInvokeError() == NoEntry) return;
            ThrowUnlessInterrupted("unlink", path);
        }
    }

    private static void ThrowUnlessInterrupted(nint result, string call, string name)
    {
        // Nothing written and no error: to try for ever would hide it.
        if (result == 0) throw Failure(InputOutput, call, name);
        ThrowUnlessInterrupted(call, name);
    }

    private static void ThrowUnlessInterrupted(string call, string name)
    {
        int error = Marshal.GetLastPInvokeError();
        if (error != Interrupted) throw Failure(error, call, name);
    }

    private static Exception Failure(int error, string call, string name)
    {
        string message = $"{call} of {name} failed: {Marshal.GetPInvokeErrorMessage(error)}";
        return error switch
        {
            NoEntry when Directory.Exists(Path.GetDirectoryName(name)) => new FileNotFoundException(message, name) { HResult = error },
            NoEntry => new DirectoryNotFoundException(message) { HResult = error },
            NotPermitted or AccessDenied or ReadOnlyVolume => new UnauthorizedAccessException(message) { HResult = error },
            _ => new IOException(message, error),
        };
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "pwrite", SetLastError = true)]
    private static partial nint PWrite(SafeFileHandle file, byte* bytes, nint count, long offset);

    [LibraryImport("libc", EntryPoint = "pwritev", SetLastError = true)]
    private static partial nint PWriteV(SafeFileHandle file, Piece* pieces, int count, long offset);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    private static partial nint PRead(SafeFileHandle file, byte* into, nint count, long offset);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int FAllocate(SafeFileHandle file, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    private static partial int FTruncate(SafeFileHandle file, long length);

    [LibraryImport("libc", EntryPoint = "sync_file_range")]
    private static partial int SyncFileRange(SafeFileHandle file, long offset, long length, uint flags);

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    private static partial int FAdvise(SafeFileHandle file, long offset, long length, int advice);

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint MMap(nint address, nuint length, int protection, int flags, SafeFileHandle file, long offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int MUnmap(nint address, nuint length);

    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RenamePath(string from, string to);

    [LibraryImport("libc", EntryPoint = "unlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Unlink(string path);

    /// <summary>Pinned bytes to write: the system's <c>iovec</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Piece(void* bytes, int length)
    {
        private byte* _bytes = (byte*)bytes;
        private nint _length = length;

        public readonly nint Length => _length;

        /// <summary>Leaves out what is written already, as far as it is of this piece.</summary>
        /// <returns>How much that was.</returns>
        public nint Skip(nint written)
        {
            nint some = Math.Min(written, _length);
            _bytes += some;
            _length -= some;
            return some;
        }
    }
}
