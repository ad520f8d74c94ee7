using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>Access keys over the administration: what the command line uses while a server runs.</summary>
public sealed class AccessEndpointsTests : IAsyncLifetime
{
    private const string Path = "/_strata/v1/access";

    private readonly KeyFolder _folder = KeyFolder.Create();
    private readonly AccessKey _configured = new() { Id = "fixed", Secret = "configured-secret", Grants = [AccessGrant.Everything], IsConfigured = true };
    private StoreCatalog _catalog = null!;
    private StrataServer _server = null!;
    private HttpClient _http = null!;
    private AccessKeyRing _ring = null!;

    public async ValueTask InitializeAsync()
    {
        _ring = new AccessKeyRing(_configured);
        _catalog = await StoreCatalog.OpenAsync(StrataSettings.Read(new ConfigurationBuilder().Build(), _folder.Data));
        _server = await StrataServer.StartAsync(_catalog, new StrataServerOptions { Listen = "127.0.0.1:0", Access = _ring, SealingKeyFile = _folder.SealingKeyFile });
        _http = new HttpClient { BaseAddress = _server.Address };
        _http.DefaultRequestHeaders.Authorization = new("Bearer", _catalog.Folder.Token);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _server.DisposeAsync();
        await _catalog.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_key_is_made_listed_and_revoked_with_effect_at_once()
    {
        (HttpStatusCode status, JsonElement made, HttpResponseMessage answer) = await SendAsync("POST", Path, """{"grants":["read:main","list:*"],"name":"Ann"}""");
        Assert.Equal(HttpStatusCode.Created, status);
        Assert.True(answer.Headers.CacheControl!.NoStore, "A cache would keep a secret.");
        string id = made.GetProperty("id").GetString()!, secret = made.GetProperty("secret").GetString()!;
        Assert.Equal(secret, _ring.Find(id)!.Secret);
        Assert.Equal(id, Assert.Single(new AccessKeyFile(_folder.Data).Read()!.Keys).Id);

        string list = await _http.GetStringAsync(Path);
        Assert.DoesNotContain(secret, list);
        Assert.DoesNotContain(_configured.Secret, list);
        JsonElement[] keys = [.. JsonDocument.Parse(list).RootElement.EnumerateArray()];
        Assert.Equal([id, "fixed"], keys.Select(k => k.GetProperty("id").GetString()));
        Assert.Equal(["read:main", "list:*"], keys[0].GetProperty("grants").EnumerateArray().Select(g => g.GetString()));
        Assert.Equal("Ann", keys[0].GetProperty("name").GetString());
        Assert.False(keys[0].GetProperty("configured").GetBoolean());
        Assert.True(keys[1].GetProperty("configured").GetBoolean());

        Assert.Equal(HttpStatusCode.OK, (await SendAsync("DELETE", $"{Path}/{id}")).Status);
        Assert.Null(_ring.Find(id));
        Assert.Empty(new AccessKeyFile(_folder.Data).Read()!.Keys);
        (status, JsonElement again, _) = await SendAsync("DELETE", $"{Path}/{id}");
        Assert.Equal((HttpStatusCode.NotFound, "Missing"), (status, again.GetProperty("status").GetString()));
    }

    [Fact]
    public async Task A_key_of_the_configuration_is_not_revoked()
    {
        (HttpStatusCode status, JsonElement refused, _) = await SendAsync("DELETE", Path + "/fixed");
        Assert.Equal(HttpStatusCode.Conflict, status);
        Assert.Contains("configuration", refused.GetProperty("message").GetString());
        Assert.NotNull(_ring.Find("fixed"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("""{"grants":null}""")]
    [InlineData("""{"grants":[null]}""")]
    [InlineData("""{"grants":[]}""")]
    [InlineData("""{"name":"no grants"}""")]
    [InlineData("""{"grants":["all:*"],"secret":"mine-not-yours"}""")]
    [InlineData("""{"grants":["all:*"],"id":"../../etc"}""")]
    [InlineData("""{"grants":["all:*"],"id":"fixed"}""")]
    [InlineData("""{"grants":["fly:*"]}""")]
    [InlineData("""{"grants":["read:a\u0000"]}""")]
    public async Task A_request_that_makes_no_sense_makes_no_key(string body)
    {
        (HttpStatusCode status, JsonElement refused, _) = await SendAsync("POST", Path, body);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Equal("Argument", refused.GetProperty("kind").GetString());
        Assert.False(File.Exists(_folder.KeyFile));
    }

    [Fact]
    public async Task A_body_that_is_too_long_is_refused()
    {
        (HttpStatusCode status, _, _) = await SendAsync("POST", Path, $$"""{"grants":["all:*"],"name":"{{new string('x', 300_000)}}"}""");
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, status);
    }

    [Fact]
    public async Task A_lost_sealing_key_is_told_and_makes_no_key()
    {
        await SendAsync("POST", Path, """{"grants":["all:*"]}""");
        File.Delete(_folder.SealingKeyFile);
        (HttpStatusCode status, JsonElement refused, _) = await SendAsync("POST", Path, """{"grants":["all:*"]}""");
        Assert.Equal(HttpStatusCode.Conflict, status);
        Assert.Contains(_folder.SealingKeyFile, refused.GetProperty("message").GetString());
        Assert.Equal(2, _ring.Keys.Count);
    }

    [Fact]
    public void Every_endpoint_is_for_administrators()
    {
        RouteEndpoint[] endpoints = [.. _server.Endpoints.OfType<RouteEndpoint>().Where(e => e.RoutePattern.RawText!.StartsWith(Path, StringComparison.Ordinal))];
        Assert.Equal(3, endpoints.Length);
        Assert.All(endpoints, e => Assert.Equal(EndpointAccess.Admin, e.Metadata.OfType<EndpointAccess>().Single()));
    }

    [Fact]
    public async Task A_server_that_starts_again_knows_the_keys()
    {
        string id = (await SendAsync("POST", Path, """{"grants":["all:*"]}""")).Json.GetProperty("id").GetString()!;
        await _server.DisposeAsync();
        var ring = new AccessKeyRing();
        await using StrataServer again = await StrataServer.StartAsync(_catalog, new StrataServerOptions { Listen = "0.0.0.0:0", Access = ring, SealingKeyFile = _folder.SealingKeyFile });
        Assert.NotNull(ring.Find(id));
        Assert.Equal("127.0.0.1", DataFolder.FindOwner(_folder.Data)!.Address!.Host);
    }

    [Fact]
    public async Task A_damaged_file_or_a_missing_sealing_key_stops_the_start()
    {
        await SendAsync("POST", Path, """{"grants":["all:*"]}""");
        await _server.DisposeAsync();
        var options = new StrataServerOptions { Listen = "127.0.0.1:0", SealingKeyFile = _folder.SealingKeyFile };
        File.Move(_folder.SealingKeyFile, _folder.SealingKeyFile + ".away");
        await Assert.ThrowsAsync<StrataConfigurationException>(() => StrataServer.StartAsync(_catalog, options));
        File.Move(_folder.SealingKeyFile + ".away", _folder.SealingKeyFile);
        await File.AppendAllTextAsync(_folder.KeyFile, " ");
        Assert.Equal(StorageErrorKind.Corrupt, (await Assert.ThrowsAsync<StorageException>(() => StrataServer.StartAsync(_catalog, options))).Kind);
        await File.WriteAllTextAsync(_folder.KeyFile, "");
        await Assert.ThrowsAsync<StorageException>(() => StrataServer.StartAsync(_catalog, options));
    }

    private async Task<(HttpStatusCode Status, JsonElement Json, HttpResponseMessage Answer)> SendAsync(string method, string path, string? body = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json") };
        HttpResponseMessage answer = await _http.SendAsync(request);
        string text = await answer.Content.ReadAsStringAsync();
        return (answer.StatusCode, text.Length == 0 ? default : JsonDocument.Parse(text).RootElement, answer);
    }
}
