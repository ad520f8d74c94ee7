namespace Strata.Tests;

/// <summary>The names on a <see cref="SimulatedDisk"/>: those that are seen, or those on the medium.</summary>
internal sealed class SimulatedNames
{
    public Dictionary<string, SimulatedContent> Files { get; } = new(StringComparer.Ordinal);

    /// <summary>The disk's own folder is not among them: it is always there.</summary>
    public HashSet<string> Folders { get; } = new(StringComparer.Ordinal);

    public static string FolderOf(string name) => name.Contains('/', StringComparison.Ordinal) ? name[..name.LastIndexOf('/')] : "";

    public SimulatedContent Find(string name)
    {
        if (Files.TryGetValue(name, out SimulatedContent? content)) return content;
        CheckFolder(FolderOf(name));
        throw new FileNotFoundException($"{name} is not there (simulated)", name) { HResult = 2 };
    }

    public void CheckFolder(string folder)
    {
        if (!IsThere(folder)) throw new DirectoryNotFoundException($"The folder {folder} is not there (simulated)") { HResult = 2 };
    }

    public SimulatedNames Copy()
    {
        var copy = new SimulatedNames();
        foreach ((string name, SimulatedContent content) in Files) copy.Files.Add(name, content);
        copy.Folders.UnionWith(Folders);
        return copy;
    }

    /// <summary>Takes out what lies in folders that are not there.</summary>
    public void RemoveLost()
    {
        foreach (string name in Files.Keys.Where(n => !IsThere(FolderOf(n))).ToArray()) Files.Remove(name);
        Folders.RemoveWhere(f => !IsThere(FolderOf(f)));
    }

    private bool IsThere(string folder) => folder.Length == 0 || (Folders.Contains(folder) && IsThere(FolderOf(folder)));

    /// <summary>A file that is created, renamed or removed, or, without any content, a folder that is created.</summary>
    internal sealed record Change(long Order, string Folder, string? From, string? To, SimulatedContent? Content)
    {
        public void Apply(SimulatedNames names)
        {
            if (From is not null) names.Files.Remove(From);
            if (To is null) return;
            if (Content is null) names.Folders.Add(To);
            else names.Files[To] = Content;
        }
    }
}
