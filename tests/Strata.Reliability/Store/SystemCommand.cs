using System.Diagnostics;

namespace Strata.Reliability;

/// <summary>A program of the system that must do what it is told.</summary>
internal static class SystemCommand
{
    public static async Task RunAsync(string command, params string[] arguments)
    {
        var start = new ProcessStartInfo(command, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        using Process process = Process.Start(start)!;
        Task<string> printed = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{command} {string.Join(' ', arguments)} failed: {await printed}{await errors}\nThis test needs root on Linux, loop devices, and what test.sh installs.");
    }
}
