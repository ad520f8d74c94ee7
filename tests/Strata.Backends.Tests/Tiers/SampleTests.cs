using System.Diagnostics;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>The program that the README names runs over a real server.</summary>
[Collection(nameof(StrataS3Server))]
public sealed class SampleTests(StrataS3Server server)
{
    [Fact]
    public async Task Tiers_over_S3()
    {
        string bucket = await server.CreateBucketAsync();
        string folder = Directory.CreateTempSubdirectory("strata-sample-").FullName;
        string root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "Strata.slnx"))) root = Path.GetDirectoryName(root) ?? throw new InvalidOperationException("The repository is not above the tests.");
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false, WorkingDirectory = folder };
        foreach (string argument in (string[])["run", "--configuration", "Release", Path.Combine(root, "samples", "tiers-over-s3.cs"), $"s3://{bucket}?endpoint={server.Endpoint}&provider=strata", folder])
            start.ArgumentList.Add(argument);
        start.Environment["AWS_ACCESS_KEY_ID"] = server.KeyId;
        start.Environment["AWS_SECRET_ACCESS_KEY"] = server.Secret;
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string printed = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, printed + await errors);
        Assert.Contains("wrote user/123 to hot, warm, cold", printed, StringComparison.Ordinal);
        Assert.Contains("from hot", printed, StringComparison.Ordinal);
        Assert.Contains("a second creation: PreconditionFailed", printed, StringComparison.Ordinal);
        await server.RemoveBucketAsync(bucket);
        Directory.Delete(folder, recursive: true);
    }
}
