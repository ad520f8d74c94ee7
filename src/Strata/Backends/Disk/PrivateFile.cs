using System.Runtime.InteropServices;

namespace Strata;

/// <summary>Small files that hold secrets: mode 0600 from their first byte on, written whole or not at all, and durable before the call ends.</summary>
internal static partial class PrivateFile
{
    private const int Exists = 17; // EEXIST

    /// <summary>True if others than its user may do anything with an open file. Always false on Windows, where the folder's rights decide.</summary>
    public static bool IsOpenToOthers(FileStream file) =>
        !OperatingSystem.IsWindows() && (File.GetUnixFileMode(file.SafeFileHandle) & ~(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute)) != UnixFileMode.None;

    /// <summary>
    /// Writes a file, or replaces it: a crash leaves the old one or the new one. One caller at a time for each path.
    /// </summary>
    /// <exception cref="IOException">Nothing was replaced; or, if the folder's flush failed, it was and may not last.</exception>
    public static void Replace(string path, ReadOnlySpan<byte> bytes)
    {
        string temporary = path + ".new";
        File.Delete(temporary);
        try
        {
            Write(temporary, bytes);
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }

        FileSync.FlushFolder(Path.GetDirectoryName(path)!);
    }

    /// <summary>Writes a file that is not there yet; false, with nothing changed, if it is. Of many callers in many processes one wins.</summary>
    public static bool TryCreate(string path, ReadOnlySpan<byte> bytes)
    {
        string temporary = $"{path}.{Guid.NewGuid():n}";
        try
        {
            Write(temporary, bytes);
            if (!TryPublish(temporary, path)) return false;
        }
        finally
        {
            File.Delete(temporary);
        }

        FileSync.FlushFolder(Path.GetDirectoryName(path)!);
        return true;
    }

    private static void Write(string path, ReadOnlySpan<byte> bytes)
    {
        var create = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) create.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var file = new FileStream(path, create);
        file.Write(bytes);
        file.Flush();
        FileSync.Flush(file.SafeFileHandle);
    }

    private static bool TryPublish(string temporary, string path)
    {
        if (OperatingSystem.IsWindows())
        {
            if (File.Exists(path)) return false;
            File.Move(temporary, path);
            return true;
        }

        // A link, unlike .NET's move, cannot replace what another process has put there meanwhile.
        if (Link(temporary, path) == 0) return true;
        int error = Marshal.GetLastPInvokeError();
        if (error == Exists) return false;
        throw new IOException($"link to {path} failed: {Marshal.GetPInvokeErrorMessage(error)}", error);
    }

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string existing, string created);
}
