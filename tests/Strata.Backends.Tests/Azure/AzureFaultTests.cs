using Azure.Storage.Blobs;
using Azure.Storage.Sas;
using Strata.Azure;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>What Azure says, and no other: the rest is <see cref="RemoteNetworkTests"/> and <see cref="RemoteFaultTests"/>.</summary>
[Collection(nameof(AzuriteServer))]
public sealed class AzureFaultTests(AzuriteServer server) : ProxiedStoreTests(server)
{
    private readonly AzuriteServer _server = server;

    [Theory]
    [InlineData("403 Forbidden", "AuthenticationFailed", StorageErrorKind.AccessDenied, false)]
    [InlineData("403 Forbidden", "AuthorizationPermissionMismatch", StorageErrorKind.AccessDenied, false)]
    [InlineData("404 Not Found", "ContainerNotFound", StorageErrorKind.Unavailable, false)]
    [InlineData("409 Conflict", "BlobArchived", StorageErrorKind.Unsupported, false)]
    [InlineData("409 Conflict", "BlobBeingRehydrated", StorageErrorKind.Unavailable, true)]
    [InlineData("412 Precondition Failed", "LeaseIdMissing", StorageErrorKind.Unavailable, true)]
    [InlineData("413 Too Large", "RequestBodyTooLarge", StorageErrorKind.TooLarge, false)]
    [InlineData("507 Insufficient Storage", "", StorageErrorKind.Full, false)]
    [InlineData("501 Not Implemented", "NotImplemented", StorageErrorKind.Unsupported, false)]
    public Task What_no_repetition_mends_is_told_at_once(string status, string code, StorageErrorKind kind, bool isTransient) =>
        AssertToldAtOnceAsync(status, code, kind, isTransient);

    [Fact]
    public async Task An_access_tier_cannot_be_told_by_a_server_that_is_gone()
    {
        Proxy.Refuse();
        Assert.True(Store.TryGetFacet(out IAccessTiers? tiers));
        StorageException error = await Assert.ThrowsAsync<StorageException>(async () => await tiers.GetTierAsync(Key));
        Assert.Equal((StorageErrorKind.Unavailable, true, WriteOutcome.NotApplied), (error.Kind, error.IsTransient, error.Outcome));
    }

    [Fact]
    public async Task A_signature_that_has_expired_is_access_denied_at_once_and_a_new_one_opens()
    {
        foreach (int minutes in (int[])[-5, 5])
        {
            string sas = _server.Client.GetBlobContainerClient(Place).GenerateSasUri(BlobContainerSasPermissions.All, TimeProvider.System.GetUtcNow().AddMinutes(minutes)).Query;
            await using AzureBlobStore store = AzureBlobStore.Open(_server.OptionsFor(Place) with { Endpoint = new Uri(Proxy.Address, AzuriteServer.Account), AccountKey = null, Sas = sas });
            int before = Proxy.Requests.Count;
            if (minutes > 0)
            {
                Assert.True((await store.PutBytesAsync(Key, Bytes(10))).IsWritten);
                continue;
            }

            StorageException error = await Assert.ThrowsAsync<StorageException>(async () => await store.PutBytesAsync(Key, Bytes(10), new WriteOptions { Condition = WriteCondition.IfAbsent }));
            Assert.Equal((StorageErrorKind.AccessDenied, WriteOutcome.NotApplied, 1), (error.Kind, error.Outcome, Proxy.Requests.Count - before));
            Assert.DoesNotContain("sig=", error.ToString(), StringComparison.Ordinal);
        }
    }
}
