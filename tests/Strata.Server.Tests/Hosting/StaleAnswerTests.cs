using System.Text;
using Strata.Testing;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>A copy that is served because the origin is out is told as such, over S3 and over HTTP; nothing else is.</summary>
public sealed class StaleAnswerTests : IAsyncLifetime
{
    private static readonly TimeSpan FreshFor = TimeSpan.FromSeconds(10);
    private readonly FakeClock _clock = new();
    private FaultStore _origin = null!;
    private TieredBlobStore _store = null!;
    private StrataServer _server = null!;
    private HttpClient _http = null!;

    public async ValueTask InitializeAsync()
    {
        StoreContext context = StoreContext.Default with { Clock = _clock };
        _origin = new FaultStore(new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "cold" }, context));
        var hot = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "hot", Evicts = true }, context);
        var options = new TieringOptions { FreshFor = FreshFor, FailSafeFor = TimeSpan.FromHours(1) };
        _store = new TieredBlobStore([new Tier { Name = "hot", Store = hot }, new Tier { Name = "cold", Store = _origin }], options, context);
        _server = await StrataServer.StartAsync(new Dictionary<string, IBlobStore> { ["main"] = _store }, new StrataServerOptions { Listen = "127.0.0.1:0" }, context);
        _http = new HttpClient { BaseAddress = _server.Address };
        Assert.True((await _store.PutBytesAsync(BlobKey.Parse("k"), Encoding.UTF8.GetBytes("value"))).IsWritten);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _server.DisposeAsync();
        await _store.DisposeAsync();
    }

    [Theory]
    [InlineData("GET", "main/k")]
    [InlineData("HEAD", "main/k")]
    [InlineData("GET", "_strata/v1/stores/main/blob?key=k")]
    [InlineData("HEAD", "_strata/v1/stores/main/blob?key=k")]
    public async Task Its_age_is_told_and_whose_word_it_is(string method, string path)
    {
        Assert.Equal((200, null, null), await AskAsync(method, path));
        _clock.Advance(FreshFor + TimeSpan.FromSeconds(32.5));
        _origin.Inject(StoreFault.On(StoreOperation.Read, StoreOperation.Stat));
        Assert.Equal((200, "42", "strata; hit; detail=stale"), await AskAsync(method, path));
        _origin.Heal();
        _clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal((200, null, null), await AskAsync(method, path));
    }

    [Fact]
    public async Task An_answer_without_the_bytes_tells_it_too()
    {
        string etag = (await _store.StatAsync(BlobKey.Parse("k")))!.ETag;
        _clock.Advance(FreshFor);
        _origin.Inject(StoreFault.On(StoreOperation.Read, StoreOperation.Stat));
        foreach (string path in new[] { "main/k", "_strata/v1/stores/main/blob?key=k" })
            Assert.Equal((304, "10", "strata; hit; detail=stale"), await AskAsync("GET", path, etag));
    }

    private async Task<(int Status, string? Age, string? CacheStatus)> AskAsync(string method, string path, string? unless = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (unless is not null) request.Headers.TryAddWithoutValidation("If-None-Match", $"\"{unless}\"");
        using HttpResponseMessage answer = await _http.SendAsync(request);
        return ((int)answer.StatusCode, ValueOf("Age"), ValueOf("Cache-Status"));

        string? ValueOf(string name) => answer.Headers.TryGetValues(name, out IEnumerable<string>? values) ? string.Join(", ", values) : null;
    }
}
