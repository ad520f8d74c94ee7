namespace Strata;

/// <summary>A log's folder that is looked at and never changed: beside its owner, or when it is damaged. Whatever would change it is refused.</summary>
internal sealed class ReadOnlyDisk(string path) : ILogDisk
{
    public string Path { get; } = System.IO.Path.GetFullPath(path);

    public long FreeBytes => 0;

    public IEnumerable<string> List(string folder) =>
        Directory.Exists(PathOf(folder)) ? [.. Directory.EnumerateFiles(PathOf(folder)).Select(f => System.IO.Path.GetFileName(f)).Order(StringComparer.Ordinal)] : [];

    public bool Exists(string name) => File.Exists(PathOf(name));

    public long LengthOf(string name) => new FileInfo(PathOf(name)).Length;

    public ILogFile Open(string name) => new ReadOnlyFile(name, File.OpenHandle(PathOf(name), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));

    public ILogFile Create(string name, long capacity) => throw ReadOnlyFile.Refused();

    public void Rename(string from, string to) => throw ReadOnlyFile.Refused();

    public void Delete(string name) => throw ReadOnlyFile.Refused();

    public void CreateFolder(string name) => throw ReadOnlyFile.Refused();

    public void SyncFolder(string name) => throw ReadOnlyFile.Refused();

    private string PathOf(string name) => System.IO.Path.Combine(Path, name);
}
