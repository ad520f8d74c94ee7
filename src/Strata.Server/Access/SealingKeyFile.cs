namespace Strata.Server;

/// <summary>Where the sealing key of a data folder lies, and whether it may lie there.</summary>
internal sealed class SealingKeyFile
{
    /// <summary>The setting that names the file, for messages.</summary>
    public const string Setting = "Strata:Access:SealingKeyFile";

    /// <summary>The environment variable that names the file where the setting does not.</summary>
    public const string Variable = "STRATA_SEALING_KEY_FILE";

    private const int MaxBytes = 4096;

    private readonly string _dataFolder;

    /// <param name="configured">The file that the settings name, or null.</param>
    /// <param name="dataFolder">The folder in which it may not lie.</param>
    public SealingKeyFile(string? configured, string dataFolder)
    {
        Path = System.IO.Path.GetFullPath(configured ?? (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named ? named : DefaultPath()));
        _dataFolder = dataFolder;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The key that secrets were sealed with.</summary>
    /// <exception cref="StrataConfigurationException">It is missing, another one, damaged, or lies where it may not.</exception>
    public SealingKey Find(string id)
    {
        string remedy = $"Put the file of sealing key {id} there, or name it with {Setting} or {Variable}; if it is lost, remove "
            + $"{System.IO.Path.Combine(_dataFolder, AccessKeyFile.Name)} and make new keys with 'strata access create' before the server starts again.";
        SealingKey key = Read() ?? throw Fault($"there is no file {Path}, and the access keys were sealed with the sealing key {id}. {remedy}");
        return key.Id == id ? key : throw Fault($"{Path} holds the sealing key {key.Id}, and the access keys were sealed with {id}. {remedy}");
    }

    /// <summary>The key in the file, which is made if it is missing.</summary>
    /// <exception cref="StrataConfigurationException">It is damaged, cannot be made, or lies where it may not.</exception>
    public SealingKey FindOrCreate()
    {
        if (Read() is { } found) return found;
        var made = SealingKey.Create();
        try
        {
            CreateFolder();
            if (PrivateFile.TryCreate(Path, made.Format())) return made;
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            throw Fault($"{Path} cannot be made: {e.Message} Name another file with {Setting} or {Variable}.", e);
        }

        // Another process, with a data folder of its own, was quicker.
        return Read() ?? throw Fault($"{Path} has just been removed again.");
    }

    /// <summary>The key in the file; null if there is no file.</summary>
    private SealingKey? Read()
    {
        RequireOutside();
        try
        {
            using var file = new FileStream(Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (PrivateFile.IsOpenToOthers(file)) throw Fault($"{Path} can be read or changed by other users. Make it yours alone: chmod 600 {Path}");
            if (file.Length > MaxBytes) throw Fault($"{Path} is of no use: it is no sealing key.");
            byte[] bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            return SealingKey.Parse(bytes);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (InvalidDataException e)
        {
            throw Fault($"{Path} is of no use: {e.Message}. Restore it from where you keep a copy of it.", e);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            throw Fault($"{Path} cannot be read: {e.Message}", e);
        }
    }

    private void RequireOutside()
    {
        StringComparison comparison = OperatingSystem.IsLinux() ? StringComparison.Ordinal : StringComparison.OrdinalIgnoreCase;
        string folder = RealPath(_dataFolder) + System.IO.Path.DirectorySeparatorChar;
        if (RealPath(Path).StartsWith(folder, comparison))
            throw Fault($"{Path} lies in the data folder {_dataFolder}, where a backup of the folder would take it along with what it seals. Name a file elsewhere.");
    }

    private void CreateFolder()
    {
        string folder = System.IO.Path.GetDirectoryName(Path)!;
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
        else Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private static string DefaultPath()
    {
        // $XDG_CONFIG_HOME or ~/.config on Linux, ~/Library/Application Support on macOS, %APPDATA% on Windows.
        string folder = Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        return folder.Length > 0
            ? System.IO.Path.Combine(folder, "strata", "sealing.key")
            : throw Fault($"the process has no home folder to look for its sealing key in. Name the file with {Setting} or {Variable}.");
    }

    /// <summary>The path without symbolic links, also where its last parts do not exist yet.</summary>
    private static string RealPath(string path)
    {
        string full = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));
        if (System.IO.Path.GetDirectoryName(full) is not { } parent) return full;
        string real = System.IO.Path.Combine(RealPath(parent), System.IO.Path.GetFileName(full));
        try
        {
            return new FileInfo(real).ResolveLinkTarget(returnFinalTarget: true) is { } target ? RealPath(target.FullName) : real;
        }
        catch (IOException)
        {
            // What does not exist is no link; a circle of links will not open either.
            return real;
        }
    }

    private static StrataConfigurationException Fault(string message, Exception? inner = null) => new(Setting, message, inner);
}
