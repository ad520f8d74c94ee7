using Strata.Testing;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>
/// CONSISTENCY 5 over a real network: a request is kept back until its caller has given up and another change was acknowledged, and
/// then lands. Through the tiers nobody sees that, and in the end what was acknowledged is so.
/// </summary>
public abstract class DelayedWriteThroughTiersTests(IRemoteServer server) : IAsyncLifetime
{
    private static readonly BlobKey Key = BlobKey.Parse("dir/blob");
    private static readonly byte[] Before = [1, 2, 3], Late = [4, 5, 6, 7], Acknowledged = [8, 9];
    private readonly string _folder = Directory.CreateTempSubdirectory("strata-delayed-").FullName;
    private readonly FakeClock _clock = new(TimeProvider.System.GetUtcNow());
    private string _place = "";
    private TcpProxy _proxy = null!;
    private TieredBlobStore _store = null!;
    private IBlobStore _direct = null!;
    private volatile bool _isHolding = true;

    public async ValueTask InitializeAsync()
    {
        _place = await server.CreatePlaceAsync();
        _proxy = new TcpProxy(server.Endpoint);
        _direct = await server.OpenAsync(_place, new RemoteSettings());
        _store = await OpenAsync();
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await _store.DisposeAsync();
        await _direct.DisposeAsync();
        await _proxy.DisposeAsync();
        await server.RemovePlaceAsync(_place);
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_write_that_lands_behind_an_acknowledged_delete_is_deleted_again(bool isRestarted)
    {
        HeldRequests held = await LoseWriteAsync();
        Assert.Equal(DeleteStatus.Deleted, (await _store.DeleteAsync(Key)).Status);
        await held.ReleaseAsync();
        Assert.Equal(Late, await _direct.GetBytesAsync(Key));
        if (isRestarted)
        {
            await _store.DisposeAsync();
            _store = await OpenAsync();
        }

        Assert.False(_store.TryRead(Key, out _));
        Assert.Null(await _store.GetBytesAsync(Key));
        Assert.Null(await _direct.StatAsync(Key));
        await EndAsync();
        Assert.Null(await _store.GetBytesAsync(Key));
    }

    [Fact]
    public async Task A_write_that_lands_behind_an_acknowledged_write_is_covered_again()
    {
        HeldRequests held = await LoseWriteAsync();
        Assert.True((await _store.PutBytesAsync(Key, Acknowledged)).IsWritten);
        await held.ReleaseAsync();
        Assert.Equal(Late, await _direct.GetBytesAsync(Key));
        await EndAsync();
        Assert.Equal(Acknowledged, await _direct.GetBytesAsync(Key));
        Assert.Equal(Acknowledged, await _store.GetBytesAsync(Key));
        Assert.Equal(1, _store.GetDoubts().Repeated);
    }

    private async Task<HeldRequests> LoseWriteAsync()
    {
        Assert.True((await _store.PutBytesAsync(Key, Before)).IsWritten);
        HeldRequests held = _proxy.Hold(line => _isHolding && line.StartsWith("PUT", StringComparison.Ordinal));
        StorageException error = await Assert.ThrowsAsync<StorageException>(async () => await _store.PutBytesAsync(Key, Late)).WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(WriteOutcome.Unknown, error.Outcome);
        Assert.Equal(1, _store.GetDoubts().Keys);
        _isHolding = false;

        // The store's own clock is the machine's: what is changed from now on is later.
        _clock.Advance(TimeSpan.FromMinutes(1));
        return held;
    }

    private async Task EndAsync()
    {
        _clock.Advance(TimeSpan.FromMinutes(15));
        await Eventually.HoldsAsync(() => _store.GetDoubts().Keys == 0, () => $"the key stays in doubt: {_store.GetDoubts().LastError}");
    }

    private async Task<TieredBlobStore> OpenAsync() => await new TieredStoreBuilder()
        .AddTier("hot", "memory:?maxBytes=32MiB")
        .AddTier("warm", $"file:{_folder}/warm")
        .AddTier("cold", await server.OpenAsync(_place, new RemoteSettings { Proxy = _proxy.Address, MaxAttempts = 1, ProgressTimeout = TimeSpan.FromMilliseconds(500), ServerWorkTimeout = TimeSpan.FromMilliseconds(500) }))
        .WithState($"file:{_folder}/state")
        .WithOptions(new TieringOptions { FreshFor = TimeSpan.FromHours(1) })
        .WithContext(StoreContext.Default with { Clock = _clock })
        .OpenAsync();
}

[Collection(nameof(CephServer))]
public sealed class CephDelayedWriteThroughTiersTests(CephServer server) : DelayedWriteThroughTiersTests(server);

[Collection(nameof(StrataS3Server))]
public sealed class StrataDelayedWriteThroughTiersTests(StrataS3Server server) : DelayedWriteThroughTiersTests(server);

[Collection(nameof(AzuriteServer))]
public sealed class AzuriteDelayedWriteThroughTiersTests(AzuriteServer server) : DelayedWriteThroughTiersTests(server);
