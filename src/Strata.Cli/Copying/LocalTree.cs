namespace Strata.Cli;

/// <summary>
/// A local folder as source or target of a recursive copy. Keys come from strangers: nothing is ever written outside the
/// folder, through a symbolic link inside it, or under a name that this system would take for another.
/// </summary>
internal sealed class LocalTree
{
    private static readonly char[] InvalidCharacters = Path.GetInvalidFileNameChars();
    private static readonly string[] Devices = ["CON", "PRN", "AUX", "NUL", "COM", "LPT"];

    private static readonly Comparer<string> KeyOrder = Comparer<string>.Create(BlobKey.CompareText);

    private readonly string _root;
    private readonly HashSet<string> _swept = new(StringComparer.Ordinal);

    public LocalTree(string folder) => _root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));

    /// <summary>A file or link that was found.</summary>
    /// <param name="Path">Where it is.</param>
    /// <param name="Relative">Its path below the folder, with <c>/</c>.</param>
    /// <param name="Length">Its bytes.</param>
    /// <param name="Fault">Why it is left out or cannot be read; else null.</param>
    /// <param name="IsSkipped">True if it is left out on purpose.</param>
    public readonly record struct Entry(string Path, string Relative, long Length, string? Fault = null, bool IsSkipped = false);

    /// <summary>All files below, in the order of the keys that their paths make. Symbolic links are named, not followed.</summary>
    public IEnumerable<Entry> Files()
    {
        var left = new Stack<(FileSystemInfo Found, string Relative)>();
        left.Push((new DirectoryInfo(_root), ""));
        while (left.TryPop(out (FileSystemInfo Found, string Relative) next))
        {
            string path = next.Found.FullName, relative = next.Relative;
            if (relative != "" && next.Found.LinkTarget is not null) yield return new Entry(path, relative, 0, "symbolic links are not followed", IsSkipped: true);
            else if (next.Found is FileInfo { Length: 0 } && SpecialFile.Is(path)) yield return new Entry(path, relative, 0, "it is a pipe, socket or device", IsSkipped: true);
            else if (next.Found is FileInfo && LocalFile.IsUnfinished(next.Found.Name)) yield return new Entry(path, relative, 0, "a copy that was stopped has left it", IsSkipped: true);
            else if (next.Found is FileInfo file) yield return new Entry(path, relative, file.Length);
            else if (TryRead((DirectoryInfo)next.Found, out FileSystemInfo[] entries) is { } fault) yield return new Entry(path, relative, 0, fault);
            else Push(relative == "" ? "" : relative + "/", entries);
        }

        // A folder stands where its keys do: 'a/' comes behind 'a.txt'.
        void Push(string folder, FileSystemInfo[] entries)
        {
            Array.Sort(Array.ConvertAll(entries, e => e is DirectoryInfo { LinkTarget: null } ? e.Name + "/" : e.Name), entries, KeyOrder);
            for (int i = entries.Length - 1; i >= 0; i--) left.Push((entries[i], folder + entries[i].Name));
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
        RemoveUnfinished(path);
        string[] segments = relative.Split('/');
        if (segments[0] == "") throw Impossible(key, "nothing of its name is left below the folder that was asked");
        for (int i = 0; i < segments.Length - 1; i++)
        {
            path = Path.Combine(path, RequireName(segments[i], key));
            if (new FileInfo(path) is { LinkTarget: not null }) throw Impossible(key, $"'{path}' is a symbolic link, which may lead out of the folder");
            if (File.Exists(path)) throw Impossible(key, $"'{path}' is a file already (from the key that ends there), so it cannot be a folder too");
            Directory.CreateDirectory(path);
            RemoveUnfinished(path);
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

    /// <summary>Removes what a copy that was killed has left in a folder; once a folder, before anything is written there.</summary>
    private void RemoveUnfinished(string folder)
    {
        lock (_swept)
        {
            if (!_swept.Add(folder) || !Directory.Exists(folder)) return;
            foreach (string path in Directory.GetFiles(folder).Where(f => LocalFile.IsUnfinished(Path.GetFileName(f)))) LocalFile.RemoveUnfinished(path);
        }
    }

    /// <returns>Why it cannot be read; null if it could.</returns>
    private static string? TryRead(DirectoryInfo folder, out FileSystemInfo[] entries)
    {
        try
        {
            entries = folder.GetFileSystemInfos();
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            entries = [];
            return Cli.Fault.Of(e).Message;
        }
    }

    private static CliException Impossible(string key, string why) => new(ExitCode.Failed, $"The key '{key}' cannot become a file: {why}.");
}
