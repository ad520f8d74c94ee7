using System.Net;
using System.Net.Http.Headers;
using Strata.Testing;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>More uploads at once than the server takes: those under way go on, the next one is told to come again.</summary>
public sealed class UploadLimitTests : IAsyncLifetime
{
    private readonly Counted _counted = new();
    private readonly LatencyStore _store = new(new MemoryBlobStore(new MemoryBlobStoreOptions()));
    private StrataServer _server = null!;
    private HttpClient _http = null!;

    public async ValueTask InitializeAsync()
    {
        var stores = new Dictionary<string, IBlobStore> { ["main"] = _store };
        _server = await StrataServer.StartAsync(stores, new StrataServerOptions { Listen = "127.0.0.1:0", MaxUploads = 2, MaxUploadsPerClient = 2 }, _counted.Context);
        _http = new HttpClient { BaseAddress = _server.Address };
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _server.DisposeAsync();
        await _store.DisposeAsync();
        _counted.Dispose();
    }

    [Theory]
    [InlineData("main/c")]
    [InlineData("_strata/v1/stores/main/blob?key=c")]
    public async Task One_upload_too_many_is_refused_before_its_body_is_read_and_taken_once_there_is_room(string path)
    {
        using StoreGate gate = _store.Hold(StoreOperation.Write);
        Task<HttpResponseMessage> first = _http.PutAsync("main/a", new ByteArrayContent(new byte[10]));
        Task<HttpResponseMessage> second = _http.PutAsync("_strata/v1/stores/main/blob?key=b", new ByteArrayContent(new byte[10]));
        await gate.WaitForArrivalAsync(2);

        using RawConnection third = await RawConnection.OpenAsync(_server.Address);
        await third.WriteAsync($"PUT /{path} HTTP/1.1\r\nHost: {third.Authority}\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n");
        string refused = await third.ReadUntilAsync("\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 503", refused);
        Assert.Contains("Retry-After: 1\r\n", refused);
        Assert.DoesNotContain("100 Continue", refused);
        Assert.Equal(1, _counted["strata.server.refusals/uploads"]);

        // What has no body takes no place.
        using HttpResponseMessage list = await _http.GetAsync("main");
        Assert.Equal(HttpStatusCode.OK, list.StatusCode);

        gate.Open();
        foreach (Task<HttpResponseMessage> upload in new[] { first, second })
        {
            using HttpResponseMessage answer = await upload;
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        using HttpResponseMessage again = await _http.PutAsync(path, new ByteArrayContent(new byte[10]));
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
    }

    [Fact]
    public async Task An_S3_client_is_told_to_slow_down_in_S3s_words()
    {
        using StoreGate gate = _store.Hold(StoreOperation.Write);
        Task<HttpResponseMessage>[] uploads = [.. Enumerable.Range(0, 2).Select(n => _http.PutAsync($"main/{n}", new ByteArrayContent(new byte[10])))];
        await gate.WaitForArrivalAsync(2);
        using HttpResponseMessage refused = await _http.PutAsync("main/c", new ByteArrayContent(new byte[10]));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.Equal(RetryConditionHeaderValue.Parse("1"), refused.Headers.RetryAfter);
        Assert.Contains("<Code>SlowDown</Code>", await refused.Content.ReadAsStringAsync());
        gate.Open();
        foreach (HttpResponseMessage answer in await Task.WhenAll(uploads)) answer.Dispose();
    }

    [Fact]
    public async Task An_upload_that_fails_or_is_given_up_gives_its_place_back()
    {
        for (int n = 0; n < 3; n++)
        {
            using HttpResponseMessage nowhere = await _http.PutAsync("nowhere/k", new ByteArrayContent(new byte[10]));
            Assert.Equal(HttpStatusCode.NotFound, nowhere.StatusCode);
            using RawConnection broken = await RawConnection.OpenAsync(_server.Address);
            await broken.WriteAsync($"PUT /main/k HTTP/1.1\r\nHost: {broken.Authority}\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n");
            await broken.ReadUntilAsync("100 Continue");
        }

        await Eventually.HoldsAsync(async () =>
        {
            using HttpResponseMessage answer = await _http.PutAsync("main/k", new ByteArrayContent(new byte[10]));
            return answer.StatusCode == HttpStatusCode.OK;
        });
    }
}
