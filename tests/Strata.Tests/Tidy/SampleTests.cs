using System.Diagnostics;
using Xunit;

namespace Strata.Tests;

/// <summary>The programs that the README names compile, and the first one runs.</summary>
public sealed class SampleTests
{
    [Fact]
    public async Task Every_sample_compiles_and_the_first_one_runs()
    {
        string[] samples = Directory.GetFiles(Path.Combine(Repository.Root, "samples"), "*.cs");
        Assert.NotEmpty(samples);
        foreach (string sample in samples) await DotnetAsync("build", sample, "--configuration", "Release", "--verbosity", "quiet");
        await DotnetAsync("run", "--configuration", "Release", "--no-build", Path.Combine(Repository.Root, "samples", "hello-tiers.cs"));
    }

    private static async Task DotnetAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true, UseShellExecute = false, WorkingDirectory = Path.GetTempPath() };
        using Process process = Process.Start(start)!;
        string printed = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"dotnet {string.Join(' ', arguments)}:\n{printed}");
    }
}
