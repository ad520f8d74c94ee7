using Strata.Azure;

namespace Strata.Benchmarks;

/// <summary><see cref="AzureBlobStore"/> against Azure.Storage.Blobs, over Azurite.</summary>
internal sealed class AzureStore : ObjectStoreCase
{
    private const string Container = "main";
    private const int Page = 5_000;

    public override string Name => "azure-store";

    public override string Summary => "AzureBlobStore against Azure.Storage.Blobs doing the same work, over Azurite: 1 KiB by 1 and 16 callers, 64 MiB up and down, a list of 100,000";

    public override async Task RunAsync(Contest contest)
    {
        await using ObjectServer azurite = await ObjectServer.StartAzuriteAsync();
        await AzureSdkCalls.ClientOf(azurite.Address, Container).CreateAsync();
        var options = new AzureBlobStoreOptions { Container = Container, Endpoint = azurite.Address, Account = ObjectServer.AzuriteAccount, AccountKey = ObjectServer.AzuriteKey };
        await using var ours = new StoreCalls(AzureBlobStore.Open(options), Page);
        await using var blind = new StoreCalls(AzureBlobStore.Open(options with { LooksBeforeWriting = false }), Page);
        await using var sdk = new AzureSdkCalls(azurite.Address, Container);
        await CompareAsync(contest, "Azurite", ours, blind, sdk);
    }
}
