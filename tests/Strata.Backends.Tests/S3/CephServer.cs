using System.Diagnostics;
using Strata.S3;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>A Ceph of one node: servers/ceph.sh installs, starts and stops it.</summary>
public sealed class CephServer : S3Server
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"strata-ceph-{Guid.NewGuid():n}");

    public override string KeyId => "strata-test-key";

    public override string Secret => "strata-test-secret";

    public override S3Provider Provider => S3Provider.Ceph;

    protected override async Task StartAsync()
    {
        await RunAsync("install");
        await RunAsync("start", _folder, Environment.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture));
        Endpoint = new Uri(await File.ReadAllTextAsync(Path.Combine(_folder, "endpoint")));
    }

    protected override Task StopAsync() => RunAsync("stop", _folder);

    private static async Task RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("bash") { RedirectStandardError = true, UseShellExecute = false };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "servers", "ceph.sh"));
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        using Process process = Process.Start(start)!;
        string errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"ceph.sh {arguments[0]}: {errors}");
    }
}
