using Microsoft.Win32.SafeHandles;

namespace Strata;

/// <summary>
/// A folder of the operating system. What it creates is its owner's alone: files 0600, folders 0700 (on Windows the rights
/// of the folder above decide).
/// </summary>
internal sealed class SystemDisk(string path) : ILogDisk
{
    private const UnixFileMode OwnersFile = UnixFileMode.UserRead | UnixFileMode.UserWrite, OwnersFolder = OwnersFile | UnixFileMode.UserExecute;

    public string Path { get; } = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));

    public long FreeBytes => new DriveInfo(Path).AvailableFreeSpace;

    public IEnumerable<string> List(string folder)
    {
        string[] files;
        try
        {
            files = Directory.GetFiles(PathOf(folder));
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }

        return files.Select(f => System.IO.Path.GetFileName(f));
    }

    public bool Exists(string name) => File.Exists(PathOf(name));

    public long LengthOf(string name) => new FileInfo(PathOf(name)).Length;

    public ILogFile Create(string name, long capacity)
    {
        string file = PathOf(name);
        var created = new SystemFile(name, LinuxCalls.CanBeMade ? LinuxCalls.Open(file, isNew: true) : CreateByFramework(file));
        bool isWhole = false;
        try
        {
            created.Allocate(capacity);
            isWhole = true;
            return created;
        }
        finally
        {
            if (!isWhole) Discard(created);
        }
    }

    public ILogFile Open(string name) => new SystemFile(name, LinuxCalls.CanBeMade ? LinuxCalls.Open(PathOf(name), isNew: false) : OpenByFramework(PathOf(name)));

    public void Rename(string from, string to)
    {
        if (LinuxCalls.CanBeMade) LinuxCalls.Rename(PathOf(from), PathOf(to));
        else File.Move(PathOf(from), PathOf(to), overwrite: true);
    }

    public void Delete(string name)
    {
        if (LinuxCalls.CanBeMade)
        {
            LinuxCalls.Delete(PathOf(name));
            return;
        }

        try
        {
            File.Delete(PathOf(name));
        }
        catch (DirectoryNotFoundException)
        {
            // Nor is the file there.
        }
    }

    public void CreateFolder(string name)
    {
        string folder = PathOf(name);
        if (!Directory.Exists(Path)) CreateRoot();

        // One by one: .NET gives those above the last one rights for all.
        for (int end = name.IndexOf('/', StringComparison.Ordinal); end > 0; end = name.IndexOf('/', end + 1)) CreateOwn(PathOf(name[..end]));
        CreateOwn(folder);
    }

    public void SyncFolder(string name) => FileSync.FlushFolder(PathOf(name));

    private static SafeFileHandle CreateByFramework(string file)
    {
        if (OperatingSystem.IsWindows()) return File.OpenHandle(file, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);

        // Only a stream can have its mode from the first moment on.
        new FileStream(file, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnersFile }).Dispose();
        return OpenByFramework(file);
    }

    private static SafeFileHandle OpenByFramework(string file) => File.OpenHandle(file, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);

    private static void CreateOwn(string folder)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
        else Directory.CreateDirectory(folder, OwnersFolder);
    }

    /// <summary>Nobody else can sync the folders above.</summary>
    private void CreateRoot()
    {
        var above = new List<string>();
        for (string? folder = System.IO.Path.GetDirectoryName(Path); folder is not null; folder = System.IO.Path.GetDirectoryName(folder))
        {
            above.Add(folder);
            if (Directory.Exists(folder)) break;
        }

        CreateOwn(Path);
        foreach (string folder in above) FileSync.FlushFolder(folder);
    }

    private void Discard(SystemFile created)
    {
        created.Dispose();
        try
        {
            Delete(created.Name);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            // The caller is told of the failure that led here.
        }
    }

    private string PathOf(string name)
    {
        if (System.IO.Path.IsPathRooted(name) || name.Contains("..", StringComparison.Ordinal)) throw new ArgumentException($"'{name}' is not a name in the log's folder.", nameof(name));
        return name.Length == 0 ? Path : System.IO.Path.Combine(Path, name);
    }
}
