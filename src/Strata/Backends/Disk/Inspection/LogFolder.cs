using System.Globalization;

namespace Strata;

/// <summary>What files a log's folder has, and which folders have a log.</summary>
internal sealed class LogFolder
{
    private const int Depth = 4;

    private LogFolder(ReadOnlyDisk disk) => Disk = disk;

    public ReadOnlyDisk Disk { get; }

    /// <summary>Incarnations of the segments, rising; those too that a compacted one has replaced.</summary>
    public List<uint> Segments { get; } = [];

    /// <summary>Files to be recycled, and their bytes.</summary>
    public int Spares { get; private set; }

    public long SpareBytes { get; private set; }

    /// <summary>What was under way when its process ended, or is now.</summary>
    public int Unfinished { get; private set; }

    public int ValueFiles { get; private set; }

    public long ValueFileBytes { get; private set; }

    /// <summary>Bytes of all files of segments, hints and values.</summary>
    public long Bytes { get; private set; }

    /// <summary>The folders at or below a folder that have a log, in order.</summary>
    /// <exception cref="IOException">A folder cannot be read.</exception>
    public static IReadOnlyList<string> Find(string path)
    {
        var found = new List<string>();
        Find(Path.GetFullPath(path), Depth, found);
        return found;
    }

    /// <summary>Who owns a log's folder: the process that serves the data folder that it is in, before the owner of the log's folder itself.</summary>
    public static FolderOwner? FindOwner(string path)
    {
        FolderOwner? owner = null;
        string? folder = Path.GetFullPath(path);
        for (int i = 0; i <= Depth && folder is not null; i++, folder = Path.GetDirectoryName(folder))
        {
            try
            {
                if (FolderLock.Find(folder) is not { } found) continue;
                if (found.Address is not null) return found;
                owner ??= found;
            }
            catch (StorageException)
            {
                // Another user's folder. Whoever must have it for himself learns so from its lock.
            }
        }

        return owner;
    }

    /// <summary>Lists a log's folder.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static LogFolder Read(string path)
    {
        var folder = new LogFolder(new ReadOnlyDisk(path));
        foreach (string name in folder.Disk.List(LogSegmentFiles.Folder)) folder.AddSegmentFile(name, folder.LengthOf($"{LogSegmentFiles.Folder}/{name}"));
        foreach (string name in folder.Disk.List(ValueFile.Folder).Where(n => ValueFile.NumberIn(n) is not null))
        {
            long length = folder.LengthOf($"{ValueFile.Folder}/{name}");
            folder.ValueFiles++;
            folder.ValueFileBytes += length;
            folder.Bytes += length;
        }

        return folder;
    }

    private static void Find(string folder, int depth, List<string> found)
    {
        if (Directory.Exists(Path.Combine(folder, LogSegmentFiles.Folder)))
        {
            found.Add(folder);
            return;
        }

        if (depth == 0) return;
        foreach (string below in Directory.EnumerateDirectories(folder).Order(StringComparer.Ordinal))
        {
            if (!File.GetAttributes(below).HasFlag(FileAttributes.ReparsePoint)) Find(below, depth - 1, found);
        }
    }

    /// <summary>Beside an owner a file may go between two looks.</summary>
    private long LengthOf(string name)
    {
        try
        {
            return Disk.LengthOf(name);
        }
        catch (FileNotFoundException)
        {
            return 0;
        }
    }

    private void AddSegmentFile(string name, long length)
    {
        Bytes += length;
        if (name.EndsWith(".tmp", StringComparison.Ordinal))
        {
            Unfinished++;
        }
        else if (name.StartsWith("spare-", StringComparison.Ordinal))
        {
            Spares++;
            SpareBytes += length;
        }
        else if (name.Length == 12 && name.EndsWith(".seg", StringComparison.Ordinal) && uint.TryParse(name.AsSpan(0, 8), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint incarnation))
        {
            Segments.Add(incarnation);
        }
    }
}
