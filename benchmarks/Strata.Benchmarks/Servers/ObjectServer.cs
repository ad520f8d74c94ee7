using System.Diagnostics;

namespace Strata.Benchmarks;

/// <summary>An object store of others on loopback, in processes of its own: what the scripts of the backends' tests start and stop.</summary>
internal sealed class ObjectServer : IAsyncDisposable
{
    private readonly string _script;
    private readonly string _folder;

    private ObjectServer(string script, string folder, Uri address) => (_script, _folder, Address) = (script, folder, address);

    public Uri Address { get; }

    /// <summary>Ceph's gateway over one OSD in memory; its user's keys are <see cref="CephKeyId"/> and <see cref="CephSecret"/>.</summary>
    public static Task<ObjectServer> StartCephAsync() => StartAsync("ceph.sh");

    public const string CephKeyId = "strata-test-key";

    public const string CephSecret = "strata-test-secret";

    /// <summary>Azurite; its account is every emulator's.</summary>
    public static Task<ObjectServer> StartAzuriteAsync() => StartAsync("azurite.sh");

    public const string AzuriteAccount = "devstoreaccount1";

    public const string AzuriteKey = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    public async ValueTask DisposeAsync() => await RunAsync(_script, "stop", _folder);

    private static async Task<ObjectServer> StartAsync(string script)
    {
        string folder = Path.Combine(Path.GetTempPath(), $"strata-benchmark-{Guid.NewGuid():n}");
        await RunAsync(script, "install");
        await RunAsync(script, "start", folder, $"{Environment.ProcessId}");
        return new ObjectServer(script, folder, new Uri((await File.ReadAllTextAsync(Path.Combine(folder, "endpoint"))).Trim()));
    }

    private static async Task RunAsync(string script, params string[] arguments)
    {
        var start = new ProcessStartInfo("bash") { UseShellExecute = false, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "servers", script));
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        using Process process = Process.Start(start) ?? throw new InvalidOperationException("bash did not start.");
        string errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{script} {arguments[0]}: {errors}");
    }
}
