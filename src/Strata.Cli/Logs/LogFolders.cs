using System.CommandLine;

namespace Strata.Cli;

/// <summary>The folder that a command of <c>strata log</c> works on: a log's, or a data folder with several.</summary>
internal static class LogFolders
{
    /// <summary>The argument.</summary>
    public static Argument<string> Argument() => new("FOLDER")
    {
        Description = "The folder of a disk store (it has 'segments' in it), or a data folder: then of each disk store below.",
    };

    /// <summary>The logs at or below a folder.</summary>
    /// <exception cref="CliException">There is none.</exception>
    public static IReadOnlyList<string> Find(string path)
    {
        if (File.Exists(path)) throw CliException.Usage($"'{path}' is a file. Name the folder of a disk store, such as ./data/main/cold, or a data folder.");
        if (!Directory.Exists(path)) throw CliException.NotFound($"There is no folder '{path}'. Name the folder of a disk store, such as ./data/main/cold, or a data folder.");
        IReadOnlyList<string> found = LogFolder.Find(path);
        if (found.Count > 0) return found;
        string older = Directory.Exists(Path.Combine(path, "blobs")) ? " It looks like a disk store of the older format (a file for each blob), which has no log: copy it with the version that wrote it, 'strata cp -r'." : "";
        throw CliException.NotFound($"There is no log in '{path}': neither it nor a folder below has 'segments' in it.{older}");
    }

    /// <summary>The one log at or below a folder.</summary>
    /// <exception cref="CliException">There is none, or there are several; the message lists them.</exception>
    public static string FindOne(string path)
    {
        IReadOnlyList<string> found = Find(path);
        return found.Count == 1 ? found[0] : throw CliException.Usage($"There are {found.Count} logs in '{path}'; name one: {string.Join(", ", found)}");
    }

    /// <summary>Makes sure that nobody else works with a log.</summary>
    /// <exception cref="CliException">Somebody does.</exception>
    public static void RequireFree(string folder, string verb)
    {
        if (LogFolder.FindOwner(folder) is not { } owner) return;
        string who = owner.Address is { } address ? $"the server at {address} (process {owner.ProcessId})" : $"process {owner.ProcessId}";
        throw new CliException(ExitCode.Unavailable, $"'{folder}' is in use by {who}. Stop it first, then {verb}; 'strata log inspect' and 'strata log verify' work beside it.");
    }
}
