using System.Diagnostics;
using System.Runtime.InteropServices;
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

    [Fact]
    public async Task A_trimmed_sample_runs_so_the_library_needs_no_reflection()
    {
        if (!OperatingSystem.IsLinux()) return;
        string output = Directory.CreateTempSubdirectory("strata-").FullName;
        try
        {
            string rid = RuntimeInformation.OSArchitecture == Architecture.Arm64 ? "linux-arm64" : "linux-x64";
            await DotnetAsync(
                "publish", Path.Combine(Repository.Root, "samples", "hello-tiers.cs"), "--configuration", "Release", "--runtime", rid,
                "--output", output, "--verbosity", "quiet", "-p:PublishTrimmed=true", "-p:SelfContained=true", "-p:TreatWarningsAsErrors=true");
            await RunAsync(Path.Combine(output, "hello-tiers"), Path.Combine(output, "data"));
        }
        finally
        {
            Directory.Delete(output, recursive: true);
        }
    }

    private static Task DotnetAsync(params string[] arguments) => RunAsync("dotnet", arguments);

    private static async Task RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, UseShellExecute = false, WorkingDirectory = Path.GetTempPath() };
        using Process process = Process.Start(start)!;
        using var enough = new CancellationTokenSource(TimeSpan.FromMinutes(10));
        string printed;
        try
        {
            printed = await process.StandardOutput.ReadToEndAsync(enough.Token);
            await process.WaitForExitAsync(enough.Token);
        }
        catch (OperationCanceledException e)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} did not end within 10 minutes.", e);
        }

        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}:\n{printed}");
    }
}
