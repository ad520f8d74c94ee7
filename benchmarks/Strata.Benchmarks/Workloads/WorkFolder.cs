namespace Strata.Benchmarks;

/// <summary>
/// A folder for one case, beside the program: the system's folder for temporary files may be in memory, where a flush
/// costs nothing. Deleted with all that is in it.
/// </summary>
internal sealed class WorkFolder : IDisposable
{
    public string Path { get; } = Directory.CreateDirectory(System.IO.Path.Combine(AppContext.BaseDirectory, "data", System.IO.Path.GetRandomFileName())).FullName;

    /// <summary>What the folder lies on, such as <c>ext4</c>.</summary>
    public static string FileSystem => new DriveInfo(AppContext.BaseDirectory).DriveFormat;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
