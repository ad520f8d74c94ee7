using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>No endpoint answers a page of another origin, whichever is added later.</summary>
public class OriginGuardTests : ServerTests
{
    [Fact]
    public async Task Every_endpoint_refuses_a_foreign_host_and_origin()
    {
        Uri address = Running.Server.Address;
        List<(string Method, string Path)> routes = [.. Routes()];
        Assert.NotEmpty(routes);
        foreach ((string method, string path) in routes)
        {
            await RefusedAsync(method, path, $"Host: evil.example:{address.Port}\r\n");
            await RefusedAsync(method, path, $"Host: {address.Authority}\r\nOrigin: http://evil.example\r\n");
            await RefusedAsync(method, path, $"Host: {address.Authority}\r\nOrigin: null\r\n");
        }
    }

    [Theory]
    [InlineData("Host: localhost.evil.example:PORT\r\n")]
    [InlineData("Host: 127.0.0.1:1\r\n")]
    [InlineData("Host: 127.0.0.1\r\n")]
    [InlineData("Host: 10.0.0.1:PORT\r\n")]
    [InlineData("Host: main.localhost:PORT\r\n")]
    [InlineData("Host: localhost:PORT\r\nOrigin: http://localhost:1\r\n")]
    [InlineData("Host: localhost:PORT\r\nOrigin: http://localhost.evil.example:PORT\r\n")]
    [InlineData("Host: localhost:PORT\r\nOrigin: file://localhost:PORT\r\n")]
    public Task Names_that_look_like_ours_are_refused(string headers) => RefusedAsync("GET", "/main", headers.Replace("PORT", Port, StringComparison.Ordinal));

    [Theory]
    [InlineData("Host: localhost:PORT\r\n")]
    [InlineData("Host: LocalHost:PORT\r\n")]
    [InlineData("Host: 127.0.0.1:PORT\r\n")]
    [InlineData("Host: [::1]:PORT\r\n")]
    [InlineData("Host: localhost:PORT\r\nOrigin: http://localhost:PORT\r\n")]
    [InlineData("Host: 127.0.0.1:PORT\r\nOrigin: http://127.0.0.1:PORT\r\n")]
    [InlineData("Host: localhost:PORT\r\nAuthorization: Bearer token\r\n")]
    public async Task Our_own_names_are_served(string headers) =>
        Assert.StartsWith("HTTP/1.1 200", await SendAsync("GET", "/main", headers.Replace("PORT", Port, StringComparison.Ordinal)));

    [Theory]
    [InlineData("/main", "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: script\r\n")]
    [InlineData("/_strata/v1/events", "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n")]
    [InlineData("/main", "Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: empty\r\n")]
    [InlineData("/main", "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n")]
    public Task What_a_foreign_page_embeds_without_an_origin_is_refused(string path, string headers) =>
        RefusedAsync("GET", path, $"Host: localhost:{Port}\r\n{headers}");

    [Theory]
    [InlineData("Sec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n")]
    [InlineData("Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n")]
    [InlineData("Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n")]
    [InlineData("Origin: http://127.0.0.1:PORT\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n")]
    public async Task Our_own_pages_and_a_followed_link_are_served(string headers) =>
        Assert.StartsWith("HTTP/1.1 200", await SendAsync("GET", "/main", $"Host: localhost:{Port}\r\n{headers.Replace("PORT", Port, StringComparison.Ordinal)}"));

    [Fact]
    public async Task A_name_that_was_allowed_is_served()
    {
        await using RunningServer server = await RunningServer.StartAsync(new StrataServerOptions { AllowedHosts = ["strata.example"] });
        using RawConnection connection = await RawConnection.OpenAsync(server.Server.Address);
        await connection.WriteAsync("GET /main HTTP/1.1\r\nHost: strata.example\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200", await connection.ReadToEndAsync());
    }

    private string Port => $"{Running.Server.Address.Port}";

    [Theory]
    [InlineData("Host: s3.example\r\n", true)]
    [InlineData("Host: s3.example\r\nOrigin: https://s3.example\r\n", true)]
    [InlineData("Host: s3.example\r\nOrigin: https://evil.example\r\n", false)]
    [InlineData("Host: s3.example\r\nOrigin: null\r\n", false)]
    [InlineData("Host: s3.example\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Dest: script\r\n", false)]
    public async Task With_keys_any_name_will_do_but_pages_of_other_names_are_refused(string headers, bool isServed)
    {
        await using RunningServer server = await RunningServer.StartAsync(new StrataServerOptions { Access = Keys });
        Assert.Equal(isServed, IsServed(await RawAsync(server, headers)));
    }

    private static AccessKeyRing Keys => new(new AccessKey { Id = "abc", Secret = "12345678", Grants = [AccessGrant.Everything] });

    private static bool IsServed(string answer) => answer.StartsWith("HTTP/1.1 200", StringComparison.Ordinal);

    private static async Task<string> RawAsync(RunningServer server, string headers)
    {
        using RawConnection connection = await RawConnection.OpenAsync(server.Server.Address);
        await connection.WriteAsync($"GET /_strata/health HTTP/1.1\r\n{headers}Connection: close\r\n\r\n");
        return await connection.ReadToEndAsync();
    }

    private IEnumerable<(string Method, string Path)> Routes() =>
        from endpoint in Running.Server.Endpoints.OfType<RouteEndpoint>()
        let methods = endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? []
        from method in methods.Count > 0 ? methods : ["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH"]
        select (method, "/" + string.Join('/', endpoint.RoutePattern.PathSegments.Select(
            s => string.Concat(s.Parts.Select(p => p is Microsoft.AspNetCore.Routing.Patterns.RoutePatternLiteralPart literal ? literal.Content : "main")))));

    private async Task RefusedAsync(string method, string path, string headers)
    {
        string answer = await SendAsync(method, path, headers);
        Assert.True(answer.StartsWith("HTTP/1.1 403", StringComparison.Ordinal), $"{method} {path} with {headers} gave {answer}");
    }

    private async Task<string> SendAsync(string method, string path, string headers)
    {
        using RawConnection connection = await RawConnection.OpenAsync(Running.Server.Address);
        await connection.WriteAsync($"{method} {path} HTTP/1.1\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n");
        return await connection.ReadToEndAsync();
    }
}
