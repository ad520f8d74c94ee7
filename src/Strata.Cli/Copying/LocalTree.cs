namespace Strata.Cli;

/// <summary>
/// A local folder as source or target of a recursive copy. Keys come from strangers: nothing is ever written outside the
/// folder, through a symbolic link inside it, or under a name that this system would take for another.
/// </summary>
internal sealed class LocalTree
{
    private static readonly char[] InvalidCharacters = Path.GetInvalidFileNameChars();
    private static readonly string[] Devices = ["CON", "PRN", "AUX", "NUL", "COM", "LPT"];

    private readonly string _root;

    public LocalTree(string folder) => _root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));

    /// <summary>A file or link that was found.</summary>
    /// <param name="Path">Where it is.</param>
    /// <param name="Relative">Its path below the folder, with <c>/</c>.</param>
    /// <param name="Length">Its bytes.</param>
    /// <param name="Fault">Why it is left out or cannot be read; else null.</param>
    /// <param name="IsSkipped">True if it is left out on purpose.</param>
    public readonly record struct Entry(string Path, string Relative, long Length, string? Fault = null, bool IsSkipped = false);

    /// <summary>All files below, folder by folder, in the order of their names. Symbolic links are named, not followed.</summary>
    public IEnumerable<Entry> Files()
    {
        var folders = new Stack<(string Path, string Relative)>();
        folders.Push((_root, ""));
        while (folders.TryPop(out (string Path, string Relative) folder))
        {
            FileSystemInfo[] entries;
            string? fault = null;
            try
            {
                entries = new DirectoryInfo(folder.Path).GetFileSystemInfos();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                entries = [];
                fault = Cli.Fault.Of(e).Message;
            }

            if (fault is not null) yield return new Entry(folder.Path, folder.Relative, 0, fault);
            Array.Sort(entries, static (a, b) => string.CompareOrdinal(a.Name, b.Name));
            foreach (FileSystemInfo entry in entries)
            {
                string relative = folder.Relative + entry.Name;
                if (entry.LinkTarget is not null) yield return new Entry(entry.FullName, relative, 0, "symbolic links are not followed", IsSkipped: true);
                else if (entry is FileInfo { Length: 0 } && SpecialFile.Is(entry.FullName)) yield return new Entry(entry.FullName, relative, 0, "it is a pipe, socket or device", IsSkipped: true);
                else if (entry is FileInfo file) yield return new Entry(file.FullName, relative, file.Length);
                else folders.Push((entry.FullName, relative + "/"));
            }
        }
    }

    /// <summary>Prepares the place of a file below the folder, and makes the folders on the way.</summary>
    /// <param name="relative">A key's rest behind the prefix that was asked.</param>
    /// <param name="key">The key, for messages.</param>
    /// <returns>The file's full path; null if the key is a folder marker, whose folder is there now.</returns>
    /// <exception cref="CliException">The key cannot be a file here; the message says why.</exception>
    public string? Prepare(string relative, string key)
    {
        string path = _root;
        string[] segments = relative.Split('/');
        if (segments[0] == "") throw Impossible(key, "nothing of its name is left below the folder that was asked");
        for (int i = 0; i < segments.Length - 1; i++)
        {
            path = Path.Combine(path, RequireName(segments[i], key));
            if (new FileInfo(path) is { LinkTarget: not null }) throw Impossible(key, $"'{path}' is a symbolic link, which may lead out of the folder");
            if (File.Exists(path)) throw Impossible(key, $"'{path}' is a file already (from the key that ends there), so it cannot be a folder too");
            Directory.CreateDirectory(path);
        }

        if (segments[^1] == "") return null;
        path = Path.Combine(path, RequireName(segments[^1], key));
        return Directory.Exists(path) && new FileInfo(path).LinkTarget is null
            ? throw Impossible(key, $"'{path}' is a folder already (from keys that go on there), so it cannot be a file too")
            : path;
    }

    /// <summary>Refuses a key's segment that is no file name on this system.</summary>
    public static string RequireName(string name, string key)
    {
        if (name is "" or "." or "..") throw Impossible(key, $"'{name}' is no file name");
        if (name.IndexOfAny(InvalidCharacters) is >= 0 and var at) throw Impossible(key, $"a file name here may not hold '{name[at]}'");
        if (OperatingSystem.IsWindows())
        {
            if (name[^1] is '.' or ' ') throw Impossible(key, $"'{name}' ends with a dot or space, which Windows drops");
            string stem = name.Split('.')[0].TrimEnd().ToUpperInvariant();
            if (Devices.Contains(stem.TrimEnd('0', '1', '2', '3', '4', '5', '6', '7', '8', '9'))) throw Impossible(key, $"'{name}' names a device");
        }

        return name;
    }

    private static CliException Impossible(string key, string why) => new(ExitCode.Failed, $"The key '{key}' cannot become a file: {why}.");
}
