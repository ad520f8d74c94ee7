using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>Every endpoint that is mapped, whichever is added later, refuses who shows no credentials, but for those listed here.</summary>
public class RouteTests : AccessTests
{
    private const string Stores = "/_strata/v1/stores";

    private static readonly string[] Open =
    [
        "GET /_strata/health",
        "GET /_strata/", "HEAD /_strata/",
        "GET /_strata/page.css", "HEAD /_strata/page.css",
        "GET /_strata/page.js", "HEAD /_strata/page.js",
        "GET /_strata/files.js", "HEAD /_strata/files.js",
        "GET /_strata/session.js", "HEAD /_strata/session.js",
        "GET /_strata/uploads.js", "HEAD /_strata/uploads.js",
        "GET /_strata/databases.js", "HEAD /_strata/databases.js",
        "GET /_strata/entry.js", "HEAD /_strata/entry.js",
        "GET /_strata/tiers.js", "HEAD /_strata/tiers.js",
        "GET /_strata/icon.svg", "HEAD /_strata/icon.svg",
        "GET /_strata/v1/session", "POST /_strata/v1/session", "DELETE /_strata/v1/session",
    ];

    [Fact]
    public async Task Only_the_listed_ones_answer_without_credentials()
    {
        (string Method, string Path)[] routes = [.. Routes()];
        Assert.True(routes.Length > Open.Length, "Nothing is mapped.");
        Assert.Empty(Open.Except(routes.Select(r => $"{r.Method} {r.Path}")));
        foreach ((string method, string path) in routes.Where(r => !Open.Contains($"{r.Method} {r.Path}")))
        {
            foreach (string credentials in (string[])["", "Authorization: Bearer \r\n", "Authorization: Bearer wrong\r\n", "Cookie: strata-session=AAAA\r\n", $"Cookie: strata-session={new string('A', 43)}\r\n"])
            {
                string answer = await SendAsync(method, path, credentials);
                bool isRefused = answer.StartsWith("HTTP/1.1 401", StringComparison.Ordinal) || answer.StartsWith("HTTP/1.1 403", StringComparison.Ordinal)
                    || (credentials.StartsWith("Authorization", StringComparison.Ordinal) && answer.Contains("InvalidArgument", StringComparison.Ordinal))
                    || (credentials.StartsWith("Authorization", StringComparison.Ordinal) && method == "HEAD" && answer.StartsWith("HTTP/1.1 400", StringComparison.Ordinal));
                Assert.True(isRefused, $"{method} {path} with '{credentials}' gave: {answer}");
                Assert.DoesNotContain("WWW-Authenticate", answer);
            }
        }
    }

    [Fact]
    public async Task What_is_open_says_nothing_of_what_is_stored()
    {
        await Running.Store.PutBytesAsync(BlobKey.Parse("a-key-to-look-for"), new byte[1]);
        foreach (string route in Open)
        {
            string answer = await SendAsync(route.Split(' ')[0], route.Split(' ')[1], "");
            Assert.DoesNotContain("a-key-to-look-for", answer);
            Assert.DoesNotContain("\"main\"", answer);
        }

        Assert.Contains("<!doctype html>", await SendAsync("GET", "/", "Accept: text/html\r\n"), StringComparison.OrdinalIgnoreCase);
        Assert.StartsWith("HTTP/1.1 403", await SendAsync("GET", "/main", "Accept: text/html\r\n"));
        Assert.StartsWith("HTTP/1.1 403", await SendAsync("PUT", "/", "Accept: text/html\r\n"));
    }

    [Fact]
    public async Task The_folders_token_opens_the_administration_and_not_S3()
    {
        Assert.StartsWith("HTTP/1.1 200", await SendAsync("GET", Stores, $"Authorization: Bearer {Running.Token}\r\n"));
        Assert.StartsWith("HTTP/1.1 401", await SendAsync("GET", Stores, $"Authorization: Bearer {Running.Token}x\r\n"));
        Assert.StartsWith("HTTP/1.1 401", await SendAsync("GET", Stores, $"Authorization: Bearer {Running.Token[..^1]}\r\n"));
        Assert.StartsWith("HTTP/1.1 401", await SendAsync("GET", Stores, $"Authorization: Basic {Running.Token}\r\n"));
        Assert.StartsWith("HTTP/1.1 400", await SendAsync("GET", "/main", $"Authorization: Bearer {Running.Token}\r\n"));
    }

    [Theory]
    [InlineData("127.0.0.1", 200)]
    [InlineData("::1", 200)]
    [InlineData("::ffff:127.0.0.1", 200)]
    [InlineData("192.168.1.4", 401)]
    [InlineData("fe80::1", 401)]
    [InlineData(null, 401)]
    public async Task The_folders_token_works_from_this_machine_alone(string? address, int status)
    {
        var http = new DefaultHttpContext { Request = { Method = "GET", Path = Stores }, Response = { Body = new MemoryStream() } };
        http.Connection.RemoteIpAddress = address is null ? null : System.Net.IPAddress.Parse(address);
        http.Request.Headers.Authorization = $"Bearer {Running.Token}";
        await Running.Server.Endpoints.OfType<RouteEndpoint>().First(e => e.RoutePattern.RawText == Stores).RequestDelegate!(http);
        Assert.Equal(status, http.Response.StatusCode);
    }

    /// <summary>A server on one address of its machine is asked from that address; who pretended to be there would get no answer.</summary>
    [Fact]
    public async Task The_folders_token_works_from_the_servers_own_address()
    {
        var http = new DefaultHttpContext { Request = { Method = "GET", Path = Stores }, Response = { Body = new MemoryStream() } };
        http.Connection.RemoteIpAddress = http.Connection.LocalIpAddress = System.Net.IPAddress.Parse("192.168.1.4");
        http.Request.Headers.Authorization = $"Bearer {Running.Token}";
        await Running.Server.Endpoints.OfType<RouteEndpoint>().First(e => e.RoutePattern.RawText == Stores).RequestDelegate!(http);
        Assert.Equal(200, http.Response.StatusCode);
    }

    [Fact]
    public async Task A_signature_of_an_admin_key_opens_the_administration()
    {
        await ServedAsync(Sign("GET", Stores));
        await ServedAsync(SignedMessage.Presigned(Admin, Address, "GET", Stores));
        await StatusAsync(Sign("GET", Stores, key: Writer), 403);
        await StatusAsync(Sign("GET", Stores, key: Admin with { Secret = "wrong and long" }), 401);
        await ServedAsync(Sign("PUT", Stores + "/main/blob?key=k", "x"));
        Assert.NotNull(await Running.Store.StatAsync(BlobKey.Parse("k")));
    }

    [Fact]
    public async Task A_signed_body_that_was_replaced_changes_nothing()
    {
        await Running.Store.PutBytesAsync(BlobKey.Parse("kept"), new byte[1]);
        foreach ((string method, string path, string body, string replaced) in ((string, string, string, string)[])
        [
            ("PUT", "/blob?key=k", "aaaa", "aaab"),
            ("POST", "/blob?key=k", "\0\0\0\u0001a\0\0\0\0\0\0\0\u0002{}", "\0\0\0\u0001b\0\0\0\0\0\0\0\u0002{}"),
            ("POST", "/blob?key=k", "\0\0\0\u0003abc\0\0\0\0\0\0\0\u0002{}", "\0\0\0\u0001b\0\0\0\0\0\0\0\u0002{}cc"),
            ("POST", "/delete", "[\"other\"]", "[\"kept\"] "),
            ("POST", "/copy", """{"source":"kept","target":"j"}""", """{"source":"kept","target":"k"}"""),
            ("PATCH", "/blob?key=kept", """{"changes":{"set":["contentType"],"contentType":"a"}}""", """{"changes":{"set":["contentType"],"contentType":"b"}}"""),
        ])
        {
            SignedMessage message = Sign(method, $"{Stores}/main{path}", body);
            message.Body = replaced;
            await StatusAsync(message, 400);
            Assert.Null(await Running.Store.StatAsync(BlobKey.Parse("k")));
            Assert.Null((await Running.Store.StatAsync(BlobKey.Parse("kept")))!.ContentType);
            message.Body = body;
            await ServedAsync(message);
            await Running.Store.DeleteAsync(BlobKey.Parse("k"));
        }

        await StatusAsync(Sign("PUT", Stores + "/main/blob?key=k", "x").With("Content-Length", null).With("Transfer-Encoding", "chunked"), 401);
        await StatusAsync(Sign("PUT", Stores + "/main/blob?key=k", "x", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), 401);
    }

    [Fact]
    public async Task A_signed_body_that_was_taken_away_changes_nothing()
    {
        SignedMessage message = Sign("PUT", Stores + "/main/blob?key=k", "x").With("Content-Length", "0");
        message.Body = "";
        await StatusAsync(message, 401);
        await StatusAsync(message.With("Content-Length", null), 401);
        Assert.Null(await Running.Store.StatAsync(BlobKey.Parse("k")));
    }

    [Fact]
    public async Task Options_of_a_write_that_nobody_signed_are_refused()
    {
        string options = BlobWire.ToHeader(new WriteOptionsWire { ContentType = "text/html" }, BlobWire.Context.WriteOptionsWire);
        SignedMessage message = Sign("PUT", Stores + "/main/blob?key=k", "x");
        message.Headers.Add((BlobWire.OptionsHeader, options));
        await StatusAsync(message, 401);
        SignedMessage presigned = SignedMessage.Presigned(Admin, Address, "PUT", Stores + "/main/blob?key=k", body: "x");
        presigned.Headers.Add((BlobWire.OptionsHeader, options));
        await StatusAsync(presigned, 401);
        Assert.Null(await Running.Store.StatAsync(BlobKey.Parse("k")));
        await ServedAsync(Sign("PUT", Stores + "/main/blob?key=k", "x", headers: (BlobWire.OptionsHeader, options)));
        Assert.Equal("text/html", (await Running.Store.StatAsync(BlobKey.Parse("k")))!.ContentType);
    }

    [Theory]
    [InlineData("/_strata/v1/x/../stores")]
    [InlineData("/_strata/v1/%2e/stores")]
    [InlineData("/main/../_strata/v1/stores")]
    public Task A_signature_is_good_for_the_path_that_was_sent_and_not_for_where_it_leads(string path) => StatusAsync(Sign("GET", path), 401);

    [Fact]
    public void An_endpoint_that_does_not_say_who_may_use_it_is_not_mapped()
    {
        Assert.Throws<InvalidOperationException>(() => AccessGuard.AccessOf([]));
        Assert.Throws<InvalidOperationException>(() => AccessGuard.AccessOf([EndpointAccess.Open, EndpointAccess.Admin]));
        Assert.All(Running.Server.Endpoints, e => AccessGuard.AccessOf(e.Metadata));
    }

    /// <summary>The server hands S3 what does not begin with a word of the other routes, and looks up no route for it.</summary>
    [Fact]
    public void All_routes_but_S3s_begin_with_one_of_two_words() =>
        Assert.All(
            Running.Server.Endpoints.OfType<RouteEndpoint>().Where(e => AccessGuard.AccessOf(e.Metadata) != EndpointAccess.Signed),
            e => Assert.StartsWith((AccessGuard.AccessOf(e.Metadata) == EndpointAccess.Database ? KvEndpoints.ClientPath : ServedStores.OwnPath) + "/", e.RoutePattern.RawText));

    /// <summary>S3 takes no token (400): what it opens is the administration's.</summary>
    [Theory]
    [InlineData("/_STRATA/v1/stores", 200)]
    [InlineData("/%5fstrata/v1/stores", 200)]
    [InlineData("/main/../_strata/v1/stores", 200)]
    [InlineData("/_strata/v1/nothing", 400)]
    [InlineData("/_stratagem", 400)]
    [InlineData("//_strata/v1/stores", 400)]
    public async Task A_path_leads_to_the_administration_however_it_is_written(string path, int status) =>
        Assert.StartsWith($"HTTP/1.1 {status} ", await SendAsync("GET", path, $"Authorization: Bearer {Running.Token}\r\n"));

    [Fact]
    public async Task Without_keys_nothing_is_asked()
    {
        await using RunningServer server = await RunningServer.StartAsync();
        Assert.Contains("ListAllMyBucketsResult", await server.Http.GetStringAsync("/"));
        Assert.Contains("\"required\":false", await server.Http.GetStringAsync("/_strata/v1/session"));
    }

    [Fact]
    public async Task The_first_key_closes_a_server_that_runs()
    {
        var ring = new AccessKeyRing();
        await using RunningServer server = await RunningServer.StartAsync(new StrataServerOptions { Access = ring });
        await server.Http.GetStringAsync("/main");
        ring.TryAdd(Admin);
        Assert.StartsWith("HTTP/1.1 403", await RawConnection.SendAsync(server.Server.Address, "GET /main"));
        ring.Remove(Admin.Id);
        Assert.StartsWith("HTTP/1.1 403", await RawConnection.SendAsync(server.Server.Address, "GET /main"));
        Assert.StartsWith("HTTP/1.1 401", await RawConnection.SendAsync(server.Server.Address, $"GET {Stores}"));
    }

    private async Task StatusAsync(SignedMessage message, int status)
    {
        string answer = await message.SendAsync(Address);
        Assert.True(answer.StartsWith($"HTTP/1.1 {status} ", StringComparison.Ordinal), $"{message.Method} {message.Target} was to give {status}, and gave: {answer}");
        Assert.DoesNotContain(Admin.Secret, answer);
    }

    private Task<string> SendAsync(string method, string path, string headers) => RawConnection.SendAsync(Address, $"{method} {path}", headers + "Content-Length: 0\r\n");

    private IEnumerable<(string Method, string Path)> Routes() =>
        from endpoint in Running.Server.Endpoints.OfType<RouteEndpoint>()
        let methods = endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? []
        from method in methods.Count > 0 ? methods : ["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH"]
        let path = "/" + string.Join('/', endpoint.RoutePattern.PathSegments.Select(s => string.Concat(s.Parts.Select(p => p is RoutePatternLiteralPart literal ? literal.Content : "main"))))
        select (method, endpoint.RoutePattern.RawText!.EndsWith('/') && path.Length > 1 ? path + "/" : path);
}
