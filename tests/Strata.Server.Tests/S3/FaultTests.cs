using System.Net;
using Strata.Testing;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>What a store's failures look like to an S3 client.</summary>
public sealed class FaultTests : IAsyncLifetime
{
    private static readonly BlobKey Key = BlobKey.Parse("k");
    private readonly FaultStore _store = new(new MemoryBlobStore(new MemoryBlobStoreOptions { MaxBytes = 4 << 20 }));
    private StrataServer _server = null!;
    private HttpClient _http = null!;

    public async ValueTask InitializeAsync()
    {
        var stores = new Dictionary<string, IBlobStore> { ["main"] = _store };
        _server = await StrataServer.StartAsync(stores, new StrataServerOptions { Listen = "127.0.0.1:0" });
        _http = new HttpClient { BaseAddress = _server.Address };
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _server.DisposeAsync();
        await _store.DisposeAsync();
    }

    [Theory]
    [InlineData(StorageErrorKind.Unavailable, 503, "ServiceUnavailable")]
    [InlineData(StorageErrorKind.Timeout, 503, "ServiceUnavailable")]
    [InlineData(StorageErrorKind.Full, 507, "InsufficientStorage")]
    [InlineData(StorageErrorKind.Corrupt, 500, "InternalError")]
    [InlineData(StorageErrorKind.Unsupported, 501, "NotImplemented")]
    [InlineData(StorageErrorKind.AccessDenied, 403, "AccessDenied")]
    [InlineData(StorageErrorKind.TooLarge, 400, "EntityTooLarge")]
    [InlineData(StorageErrorKind.LengthMismatch, 400, "IncompleteBody")]
    [InlineData(StorageErrorKind.Changed, 409, "OperationAborted")]
    [InlineData(StorageErrorKind.Owned, 503, "ServiceUnavailable")]
    [InlineData(StorageErrorKind.Closed, 503, "ServiceUnavailable")]
    public async Task Each_kind_of_failure_has_its_code(StorageErrorKind kind, int status, string code)
    {
        _store.Inject(new StoreFault { Kind = kind });
        foreach (HttpMethod method in new[] { HttpMethod.Get, HttpMethod.Put, HttpMethod.Delete })
        {
            using var request = new HttpRequestMessage(method, "main/k") { Content = method == HttpMethod.Put ? new ByteArrayContent(new byte[1]) : null };
            using HttpResponseMessage answer = await _http.SendAsync(request);
            Assert.Equal(status, (int)answer.StatusCode);
            Assert.Contains($"<Code>{code}</Code>", await answer.Content.ReadAsStringAsync());
        }
    }

    [Fact]
    public async Task A_store_of_any_name_is_served()
    {
        await using var named = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "kälte" });
        await named.PutBytesAsync(Key, new byte[1]);
        await using StrataServer server = await StrataServer.StartAsync(
            new Dictionary<string, IBlobStore> { ["main"] = named }, new StrataServerOptions { Listen = "127.0.0.1:0" });
        Assert.Single(await _http.GetByteArrayAsync(new Uri(server.Address, "main/k")));
        using HttpResponseMessage answer = await _http.GetAsync(new Uri(server.Address, "_strata/v1/stores/main/blob?key=k"));
        Assert.Equal("k%C3%A4lte", answer.Headers.GetValues("Strata-Source").Single());
    }

    [Fact]
    public async Task What_nobody_foresaw_tells_nothing_of_the_inside()
    {
        _store.Inject(new StoreFault { Error = _ => new InvalidOperationException("a secret") });
        using HttpResponseMessage answer = await _http.GetAsync("main/k");
        Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);
        string body = await answer.Content.ReadAsStringAsync();
        Assert.Contains("<Code>InternalError</Code>", body);
        Assert.DoesNotContain("secret", body);
        Assert.DoesNotContain("   at ", body);
        Assert.Contains($"<RequestId>{answer.Headers.GetValues("x-amz-request-id").Single()}</RequestId>", body);
    }

    [Theory]
    [InlineData(StorageErrorKind.Unavailable)]
    [InlineData(StorageErrorKind.Full)]
    [InlineData(StorageErrorKind.AccessDenied)]
    [InlineData(StorageErrorKind.Corrupt)]
    [InlineData(StorageErrorKind.Owned)]
    [InlineData(StorageErrorKind.Changed)]
    public async Task An_S3_client_does_not_learn_where_the_data_folder_is_and_the_command_line_does(StorageErrorKind kind)
    {
        const string Folder = "/srv/strata/data";
        _store.Inject(new StoreFault { Error = _ => new StorageException(kind, $"Store 'main' cannot write 'k' in {Folder}.") });
        using HttpResponseMessage s3 = await _http.PutAsync("main/k", new ByteArrayContent(new byte[1]));
        Assert.DoesNotContain(Folder, await s3.Content.ReadAsStringAsync());
        using HttpResponseMessage bulk = await _http.PostAsync("main?delete", new StringContent("<Delete><Object><Key>k</Key></Object></Delete>"));
        Assert.DoesNotContain(Folder, await bulk.Content.ReadAsStringAsync());
        using HttpResponseMessage ours = await _http.PutAsync("_strata/v1/stores/main/blob?key=k", new ByteArrayContent(new byte[1]));
        Assert.Contains(Folder, await ours.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_failure_before_the_first_byte_is_an_answer_and_later_cuts_the_connection()
    {
        await _store.PutBytesAsync(Key, new byte[1 << 20]);
        _store.Inject(StoreFault.OnNth(StoreOperation.ReadStream, 1) with { Kind = StorageErrorKind.Corrupt });
        using HttpResponseMessage refused = await _http.GetAsync("main/k");
        Assert.Equal(HttpStatusCode.InternalServerError, refused.StatusCode);
        Assert.Null(refused.Headers.ETag);

        _store.Heal();
        _store.Inject(StoreFault.On(StoreOperation.ReadStream) with { Skip = 4, Kind = StorageErrorKind.Corrupt });
        await Assert.ThrowsAsync<HttpRequestException>(() => _http.GetByteArrayAsync("main/k"));
    }

    [Fact]
    public async Task A_store_without_room_says_so_and_keeps_nothing()
    {
        int filled = 0;
        while (await PutAsync($"fill/{filled}", 1 << 20) == 200) filled++;
        Assert.Equal(3, filled);
        Assert.Equal(507, await PutAsync("k", 1 << 20));
        Assert.Equal(400, await PutAsync("k", 5 << 20));
        Assert.Null(await _store.StatAsync(Key));
        Assert.Equal(404, await PutAsync("../nowhere/k", 20 << 20));
    }

    [Fact]
    public async Task A_failed_key_of_a_bulk_delete_has_its_own_error()
    {
        _store.Inject(StoreFault.On(StoreOperation.DeleteMany));
        using HttpResponseMessage answer = await _http.PostAsync("main?delete", new StringContent("<Delete><Object><Key>k</Key></Object></Delete>"));
        Assert.Contains("<Code>ServiceUnavailable</Code>", await answer.Content.ReadAsStringAsync());
    }

    private async Task<int> PutAsync(string key, int length)
    {
        using HttpResponseMessage answer = await _http.PutAsync($"main/{key}", new ByteArrayContent(new byte[length]));
        return (int)answer.StatusCode;
    }
}
