using Strata.Azure;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>How a container is found and entered: by addresses, options and the environment.</summary>
public sealed class AzureAccountTests
{
    private const string Key = "a2V5LW9mLXRoZS1hY2NvdW50";

    [Fact]
    public async Task An_address_opens_a_store()
    {
        var registry = new StoreUrlRegistry();
        registry.RegisterAzure();
        await using IBlobStore store = await registry.OpenAsync("azure://things/a/b?account=mine&accessTier=cool&blockSize=1MiB&singleWriter=true");
        Assert.True(Assert.IsType<AzureBlobStore>(store).Capabilities.IsSingleWriter);
        Assert.Equal(("a/b/", AccessTier.Cool, 1 << 20), (((AzureBlobStore)store).Options.Prefix, ((AzureBlobStore)store).Options.AccessTier, ((AzureBlobStore)store).Options.BlockSize));
    }

    [Theory]
    [InlineData("azure://?account=a", "names no container")]
    [InlineData("azure://Things?account=a", "no container's name")]
    [InlineData("azure://things?account=a&accessTier=warm", "accessTier=warm")]
    [InlineData("azure://things?account=a&key=secret", "the option 'key'")]
    [InlineData("azure://things?account=a&endpoint=https://h/?sig=secret", "with a query")]
    public async Task A_wrong_address_says_what_is_wrong_and_no_secret(string url, string what)
    {
        var registry = new StoreUrlRegistry();
        registry.RegisterAzure();
        Exception error = await Assert.ThrowsAnyAsync<Exception>(async () => await registry.OpenAsync(url));
        Assert.Contains(what, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_environment_says_what_the_options_leave_open()
    {
        AzureAccount account = Of(new AzureBlobStoreOptions { Container = "abc" }, ("AZURE_STORAGE_CONNECTION_STRING", $"AccountName=mine;AccountKey={Key};EndpointSuffix=core.example"));
        Assert.Equal(("https://mine.blob.core.example/", "mine"), (account.Endpoint.ToString(), account.Key!.AccountName));
        account = Of(new AzureBlobStoreOptions { Container = "abc", Account = "other" }, ("AZURE_STORAGE_KEY", Key));
        Assert.Equal(("https://other.blob.core.windows.net/", "other"), (account.Endpoint.ToString(), account.Key!.AccountName));
        account = Of(new AzureBlobStoreOptions { Container = "abc" }, ("AZURE_STORAGE_ACCOUNT", "mine"), ("AZURE_STORAGE_SAS_TOKEN", "?sv=1&sig=x"));
        Assert.Equal((null, "sv=1&sig=x"), (account.Key, account.Sas));
        account = Of(new AzureBlobStoreOptions { Container = "abc", ConnectionString = "UseDevelopmentStorage=true" });
        Assert.Equal("http://127.0.0.1:10000/devstoreaccount1", account.Endpoint.ToString());
        Assert.DoesNotContain(Key, Of(new AzureBlobStoreOptions { Container = "abc", Account = "a", AccountKey = Key }).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void No_account_is_an_error_that_says_what_to_set()
    {
        ArgumentException error = Assert.Throws<ArgumentException>(() => Of(new AzureBlobStoreOptions { Container = "abc" }));
        Assert.Contains("AZURE_STORAGE_ACCOUNT", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Of(new AzureBlobStoreOptions { Container = "abc", Account = "a", AccountKey = "no base 64!" }));
        Assert.Throws<ArgumentException>(() => Of(new AzureBlobStoreOptions { Container = "abc", ConnectionString = "nonsense" }));
    }

    private static AzureAccount Of(AzureBlobStoreOptions options, params (string Name, string Value)[] environment) =>
        AzureAccount.Of(options, name => environment.FirstOrDefault(e => e.Name == name).Value);
}
