using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Strata.Testing;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>Who is refused again and again is told to slow down; others, and who has right credentials, are served.</summary>
public sealed class RefusalLimitTests : IAsyncLifetime
{
    private const int PerSecond = 4;
    private const string Stranger = "192.0.2.7", Neighbour = "192.0.2.8";
    private static readonly AccessKey Key = new() { Id = "ADMIN000", Secret = "the+admin/secret=", Grants = [AccessGrant.Everything] };
    private static readonly AccessKey Other = Key with { Id = "OTHER000", Secret = "the other secret" };

    private readonly FakeClock _clock = new(TimeProvider.System.GetUtcNow());
    private readonly Counted _counted = new();
    private readonly MemoryBlobStore _store = new(new MemoryBlobStoreOptions());
    private StrataServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        await _store.PutBytesAsync(BlobKey.Parse("k"), new byte[1]);
        var options = new StrataServerOptions { Listen = "127.0.0.1:0", Access = new AccessKeyRing(Key, Other), MaxRefusalsPerSecond = PerSecond };
        _server = await StrataServer.StartAsync(new Dictionary<string, IBlobStore> { ["main"] = _store }, options, _counted.Context with { Clock = _clock });
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _store.DisposeAsync();
        _counted.Dispose();
    }

    [Theory]
    [InlineData(null)]
    [InlineData("NOBODY00")]
    public async Task Strangers_are_told_to_slow_down_and_right_credentials_of_the_same_address_are_served(string? id)
    {
        SignedMessage? message = id is null ? null : Get(Key with { Id = id });
        for (int n = 0; n < PerSecond; n++) Assert.Equal(403, (await AskAsync(Stranger, message)).Status);
        (int status, string body, string? retry) = await AskAsync(Stranger, message);
        Assert.Equal((503, "1"), (status, retry));
        Assert.Contains("<Code>SlowDown</Code>", body);
        Assert.Equal(1, _counted["strata.server.refusals/authentication"]);

        Assert.Equal(200, (await AskAsync(Stranger, Get(Key))).Status);
        Assert.Equal(403, (await AskAsync(Neighbour, message)).Status);
        _clock.Advance(TimeSpan.FromSeconds(1.0 / PerSecond));
        Assert.Equal(403, (await AskAsync(Stranger, message)).Status);
        Assert.Equal(503, (await AskAsync(Stranger, message)).Status);
    }

    [Fact]
    public async Task A_right_guess_among_too_many_wrong_ones_is_not_told_from_them()
    {
        SignedMessage wrong = Get(Key with { Secret = "a guessed secret" });
        for (int n = 0; n < PerSecond; n++) Assert.Contains("SignatureDoesNotMatch", (await AskAsync(Stranger, wrong)).Body);
        (int, string, string?) refused = await AskAsync(Stranger, wrong);
        Assert.Equal(503, refused.Item1);
        Assert.Equal(refused, await AskAsync(Stranger, Get(Key)));

        Assert.True((await AskAsync(Stranger, Get(Other))).Status == 200, "another key at the address suffers from guesses at the first one");
        Assert.True((await AskAsync(Neighbour, Get(Key))).Status == 200, "a guesser locks the key's owner out");
        Assert.Equal(403, (await AskAsync(Stranger, null)).Status);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(200, (await AskAsync(Stranger, Get(Key))).Status);
    }

    [Fact]
    public async Task Old_addresses_are_no_guesses()
    {
        SignedMessage expired = SignedMessage.Presigned(Key, _server.Address, "GET", "/main/k", expires: 10, time: _clock.GetUtcNow().AddMinutes(-1));
        for (int n = 0; n < 10 * PerSecond; n++) Assert.Equal(n < PerSecond ? 403 : 503, (await AskAsync(Stranger, expired)).Status);
        Assert.Equal(200, (await AskAsync(Stranger, Get(Key))).Status);
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.0.2")]
    [InlineData("::1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("198.51.100.1")]
    public async Task This_machine_is_not_limited(string address)
    {
        SignedMessage wrong = Get(Key with { Secret = "a guessed secret" });
        for (int n = 0; n < 10 * PerSecond; n++)
        {
            Assert.Equal(403, (await AskAsync(address, null, "198.51.100.1")).Status);
            Assert.Equal(403, (await AskAsync(address, wrong, "198.51.100.1")).Status);
            Assert.Equal(401, (await AskAsync(address, null, "198.51.100.1", "/_strata/v1/stores")).Status);
        }

        Assert.Equal(0, _counted["strata.server.refusals/authentication"]);
    }

    [Fact]
    public async Task The_administration_is_under_the_same_limit()
    {
        const string Stores = "/_strata/v1/stores";
        for (int n = 0; n < PerSecond; n++) Assert.Equal(401, (await AskAsync(Stranger, null, path: Stores)).Status);
        (int status, string body, string? retry) = await AskAsync(Stranger, null, path: Stores);
        Assert.Equal((503, "1"), (status, retry));
        Assert.Contains("\"Unavailable\"", body);
        Assert.Equal(503, (await AskAsync(Stranger, null)).Status);
        SignedMessage wrong = SignedMessage.Of(Key with { Secret = "a guessed secret" }, _server.Address, "GET", Stores, time: _clock.GetUtcNow());
        for (int n = 0; n <= PerSecond; n++) Assert.Equal(n < PerSecond ? 401 : 503, (await AskAsync(Stranger, wrong, path: Stores)).Status);
        Assert.Equal(200, (await AskAsync(Stranger, SignedMessage.Of(Other, _server.Address, "GET", Stores, time: _clock.GetUtcNow()), path: Stores)).Status);
        Assert.Equal(503, (await AskAsync(Stranger, SignedMessage.Of(Key, _server.Address, "GET", Stores, time: _clock.GetUtcNow()), path: Stores)).Status);
    }

    [Fact]
    public async Task The_limit_can_be_turned_off()
    {
        var options = new StrataServerOptions { Listen = "127.0.0.1:0", Access = new AccessKeyRing(Key), MaxRefusalsPerSecond = 0 };
        await using StrataServer server = await StrataServer.StartAsync(new Dictionary<string, IBlobStore> { ["main"] = _store }, options);
        for (int n = 0; n < 500; n++) Assert.Equal(403, (await AskAsync(server, Stranger, null)).Status);
    }

    private SignedMessage Get(AccessKey key) => SignedMessage.Of(key, _server.Address, "GET", "/main/k", time: _clock.GetUtcNow());

    private Task<(int Status, string Body, string? RetryAfter)> AskAsync(string from, SignedMessage? message, string to = "198.51.100.1", string path = "/main/k") =>
        AskAsync(_server, from, message, to, path);

    /// <summary>Calls the endpoint as the web server would for a client of this address: a test has no other than loopback's.</summary>
    private static async Task<(int Status, string Body, string? RetryAfter)> AskAsync(
        StrataServer server, string from, SignedMessage? message, string to = "198.51.100.1", string path = "/main/k")
    {
        var http = new DefaultHttpContext { Response = { Body = new MemoryStream() } };
        http.Request.Method = "GET";
        http.Request.Path = path;
        string target = message?.Target ?? path;
        if (target.IndexOf('?', StringComparison.Ordinal) is int question and >= 0) http.Request.QueryString = new QueryString(target[question..]);
        http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = target;
        http.Request.Headers.Host = server.Address.Authority;
        foreach ((string name, string value) in message?.Headers ?? []) http.Request.Headers[name] = value;
        http.Connection.RemoteIpAddress = IPAddress.Parse(from);
        http.Connection.LocalIpAddress = IPAddress.Parse(to);
        RouteEndpoint endpoint = server.Endpoints.OfType<RouteEndpoint>().First(e => e.RoutePattern.RawText == (path == "/main/k" ? "/{**path}" : path)
            && e.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods.Contains("GET") != false);
        await endpoint.RequestDelegate!(http);
        http.Response.Body.Position = 0;
        string body = await new StreamReader(http.Response.Body).ReadToEndAsync();
        int requestId = body.IndexOf("<RequestId>", StringComparison.Ordinal);
        return (http.Response.StatusCode, requestId < 0 ? body : body[..requestId], http.Response.Headers.RetryAfter);
    }
}
