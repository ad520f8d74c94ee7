using Xunit;

namespace Strata.Cli.Tests;

/// <summary>A folder that is gone when the test is.</summary>
internal sealed class TempFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("strata-cli-").FullName;

    /// <summary>A path below it.</summary>
    public string this[string relative] => System.IO.Path.Combine(Path, relative);

    /// <summary>A file below it, of these bytes.</summary>
    public string Write(string relative, ReadOnlySpan<byte> bytes)
    {
        string path = this[relative];
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    /// <summary>As Assert.Equal, but quick and without megabytes in its message.</summary>
    public static void AssertHolds(string path, byte[] bytes) => Assert.True(File.ReadAllBytes(path).AsSpan().SequenceEqual(bytes), path);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
