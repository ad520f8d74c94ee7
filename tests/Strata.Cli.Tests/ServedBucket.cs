using System.Text.Json;
using Xunit;

namespace Strata.Cli.Tests;

/// <summary>A server of S3 for the tests of a class: a 'strata serve' whose bucket main is in memory, with access keys.</summary>
public sealed class ServedBucket : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private StrataProcess? _server;

    /// <summary>Where it serves.</summary>
    internal Uri Address => _server!.Address;

    /// <summary>The environment by which the tool comes to it as its administrator.</summary>
    internal IReadOnlyDictionary<string, string> Environment { get; private set; } = new Dictionary<string, string>();

    /// <summary>What no message may hold.</summary>
    internal string Secret => Environment["AWS_SECRET_ACCESS_KEY"];

    public async ValueTask InitializeAsync()
    {
        var server = new Dictionary<string, string> { ["STRATA_SEALING_KEY_FILE"] = _folder["sealing.key"], ["Strata__Stores__main__Url"] = "memory:?maxBytes=512MiB" };
        JsonElement key = (await StrataProcess.RunAsync(["access", "create", "--admin", "--data", _folder["data"], "--json"], null, server)).Exits(0).Json;
        _server = await StrataProcess.ServeAsync(_folder["data"], server);
        Environment = As(key.GetProperty("id").GetString()!, key.GetProperty("secret").GetString()!);
    }

    public ValueTask DisposeAsync()
    {
        _server?.Dispose();
        _folder.Dispose();
        return default;
    }

    /// <summary>A key that may do so much.</summary>
    internal async Task<IReadOnlyDictionary<string, string>> AllowAsync(string grant)
    {
        JsonElement key = (await StrataProcess.RunAsync("access", "create", "--allow", grant, "--data", _folder["data"], "--json")).Exits(0).Json;
        return As(key.GetProperty("id").GetString()!, key.GetProperty("secret").GetString()!);
    }

    /// <summary>The environment with other credentials; empty ones are none.</summary>
    internal IReadOnlyDictionary<string, string> As(string id, string secret) => new Dictionary<string, string>
    {
        ["AWS_ENDPOINT_URL"] = Address.ToString(),
        ["AWS_ACCESS_KEY_ID"] = id,
        ["AWS_SECRET_ACCESS_KEY"] = secret,
        ["AWS_EC2_METADATA_DISABLED"] = "true",
        ["AWS_CONFIG_FILE"] = _folder["none"],
        ["AWS_SHARED_CREDENTIALS_FILE"] = _folder["none"],
    };

    /// <summary>Runs the tool, and sees that it told no secret.</summary>
    internal Task<ToolResult> RunAsync(params string[] arguments) => RunAsAsync(Environment, arguments);

    /// <summary>Runs the tool with other credentials, and sees that it told no secret.</summary>
    internal async Task<ToolResult> RunAsAsync(IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        ToolResult result = await StrataProcess.RunAsync([.. arguments, "--data", _folder["client"]], null, environment);
        foreach (string secret in new[] { Secret, environment["AWS_SECRET_ACCESS_KEY"] })
        {
            if (secret != "") Assert.DoesNotContain(secret, result.Output + result.Error, StringComparison.Ordinal);
        }

        return result;
    }
}
