using System.Diagnostics;

namespace Strata.Reliability;

/// <summary>A disk of 1 MiB, in memory, mounted for one test.</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public SmallDisk() => Run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", Path);

    public string Path => _folder.Path;

    public void Dispose()
    {
        Run("umount", "-l", Path);
        _folder.Dispose();
    }

    private static void Run(string command, params string[] arguments)
    {
        using Process process = Process.Start(command, arguments);
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{command} {string.Join(' ', arguments)} failed: this test must run as root on Linux");
    }
}
