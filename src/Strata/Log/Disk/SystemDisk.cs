using Microsoft.Win32.SafeHandles;

namespace Strata;

/// <summary>A folder of the operating system.</summary>
internal sealed class SystemDisk(string path) : ILogDisk
{
    public string Path { get; } = System.IO.Path.GetFullPath(path);

    public long FreeBytes => new DriveInfo(Path).AvailableFreeSpace;

    public IEnumerable<string> List(string folder) =>
        Directory.Exists(PathOf(folder)) ? Directory.EnumerateFiles(PathOf(folder)).Select(f => System.IO.Path.GetFileName(f)) : [];

    public bool Exists(string name) => File.Exists(PathOf(name));

    public long LengthOf(string name) => new FileInfo(PathOf(name)).Length;

    public ILogFile Create(string name, long capacity)
    {
        string file = PathOf(name);
        SafeFileHandle handle = File.OpenHandle(file, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        try
        {
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(handle, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            var created = new SystemFile(name, handle);
            created.Allocate(capacity);
            return created;
        }
        catch
        {
            handle.Dispose();
            File.Delete(file);
            throw;
        }
    }

    public ILogFile Open(string name) =>
        new SystemFile(name, File.OpenHandle(PathOf(name), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete));

    public void Rename(string from, string to) => File.Move(PathOf(from), PathOf(to), overwrite: true);

    public void Delete(string name) => File.Delete(PathOf(name));

    public void CreateFolder(string name) => Directory.CreateDirectory(PathOf(name));

    public void SyncFolder(string name) => FileSync.FlushFolder(PathOf(name));

    private string PathOf(string name) => System.IO.Path.Combine(Path, name);
}
