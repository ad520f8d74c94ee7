using Xunit;

namespace Strata.Backends.Tests;

[Collection(nameof(AzuriteServer))]
public sealed class AzuriteToolTests(AzuriteServer server) : ToolTests
{
    private string _container = "";

    protected override string Nowhere => $"azure://no-such-container/a?endpoint={server.Endpoint}";

    protected override IReadOnlyDictionary<string, string> Environment => With(AzuriteServer.AccountKey);

    protected override IReadOnlyDictionary<string, string> Wrong => With(Convert.ToBase64String(new byte[64]));

    public override async ValueTask InitializeAsync() => _container = await server.CreateContainerAsync();

    public override async ValueTask DisposeAsync()
    {
        await server.RemoveContainerAsync(_container);
        await base.DisposeAsync();
    }

    protected override string At(string key) => $"azure://{_container}/{key}?endpoint={server.Endpoint}";

    private static Dictionary<string, string> With(string key) => new() { ["AZURE_STORAGE_ACCOUNT"] = AzuriteServer.Account, ["AZURE_STORAGE_KEY"] = key };
}
