namespace Strata.Reliability;

/// <summary>A folder of this test's own, removed at its end.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public TemporaryFolder() => Directory.CreateDirectory(Path);

    public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), "strata-" + Guid.NewGuid().ToString("n"));

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
