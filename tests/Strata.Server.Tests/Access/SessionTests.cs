using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Strata.Testing;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>Signing in to the page.</summary>
public class SessionTests : AccessTests
{
    private const string Session = "/_strata/v1/session";
    private const string Stores = "/_strata/v1/stores";

    [Fact]
    public async Task An_admin_key_signs_in_and_the_cookie_opens_the_administration_and_not_S3()
    {
        Assert.Contains("""{"required":true,"name":null}""", await SendAsync("GET", Session));
        string answer = await SignInAsync(Admin);
        Assert.Contains("""{"required":true,"name":"the admin"}""", answer);
        Assert.Contains("Cache-Control: no-store", answer);
        string cookie = CookieOf(answer);
        Assert.Contains("""{"required":true,"name":"the admin"}""", await SendAsync("GET", Session, cookie));
        Assert.StartsWith("HTTP/1.1 200", await SendAsync("GET", Stores, cookie));
        foreach (string path in (string[])["/", "/main", "/main/k"]) Assert.StartsWith("HTTP/1.1 403", await SendAsync("GET", path, cookie));
        Assert.StartsWith("HTTP/1.1 403", await SendAsync("PUT", "/main/k", cookie));
    }

    [Fact]
    public async Task The_cookie_is_for_the_browser_alone()
    {
        string set = (await SignInAsync(Admin)).Split("\r\n").Single(l => l.StartsWith("Set-Cookie:", StringComparison.OrdinalIgnoreCase));
        string[] attributes = [.. set[(set.IndexOf(':', StringComparison.Ordinal) + 1)..].Split(';').Select(a => a.Trim().ToLowerInvariant()).Order(StringComparer.Ordinal)];
        Assert.Equal(["httponly", "max-age=43200", "path=/", "samesite=strict"], attributes.Where(a => !a.StartsWith("strata-session=", StringComparison.Ordinal)));
        Assert.Equal(43, attributes.Single(a => a.StartsWith("strata-session=", StringComparison.Ordinal)).Length - "strata-session=".Length);
        Assert.NotEqual(set, (await SignInAsync(Admin)).Split("\r\n").Single(l => l.StartsWith("Set-Cookie:", StringComparison.OrdinalIgnoreCase)));

        string proxied = await SendAsync("POST", Session, $"Origin: https://{Address.Authority}\r\n", JsonSerializer.Serialize(new { id = Admin.Id, secret = Admin.Secret }));
        Assert.Contains("; secure", proxied);
        DefaultHttpContext secure = await PostAsync(IPAddress.Parse("192.168.1.4"), isHttps: true);
        Assert.Equal(200, secure.Response.StatusCode);
        Assert.Contains("secure", secure.Response.Headers.SetCookie.ToString(), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_secret_does_not_cross_the_network_as_it_is()
    {
        DefaultHttpContext plain = await PostAsync(IPAddress.Parse("192.168.1.4"), isHttps: false);
        Assert.Equal(403, plain.Response.StatusCode);
        Assert.Contains("TLS", BodyOf(plain));
        Assert.Equal(0, plain.Response.Headers.SetCookie.Count);
        Assert.Equal(200, (await PostAsync(IPAddress.IPv6Loopback, isHttps: false)).Response.StatusCode);
    }

    [Theory]
    [InlineData("ADMIN000", "wrong", 401)]
    [InlineData("ADMIN000", "", 401)]
    [InlineData("admin000", "the+admin/secret=", 401)]
    [InlineData("", "", 401)]
    [InlineData("WRITER00", "the writer's secret", 403)]
    public async Task Other_keys_do_not_sign_in(string id, string secret, int status)
    {
        string answer = await SendAsync("POST", Session, body: JsonSerializer.Serialize(new { id, secret }));
        Assert.StartsWith($"HTTP/1.1 {status} ", answer);
        Assert.DoesNotContain("Set-Cookie", answer);
        if (secret.Length > 0) Assert.DoesNotContain(secret, answer);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("""{"id":null,"secret":null}""")]
    [InlineData("""{"id":"ADMIN000"}""")]
    public async Task Nonsense_is_refused(string body) => Assert.StartsWith("HTTP/1.1 400", await SendAsync("POST", Session, body: body));

    [Fact]
    public async Task A_body_that_is_too_long_is_refused() =>
        Assert.StartsWith("HTTP/1.1 400", await SendAsync("POST", Session, body: $$"""{"id":"ADMIN000","secret":"{{new string('x', 10_000)}}"}"""));

    [Fact]
    public async Task Signing_out_ends_the_session()
    {
        string cookie = CookieOf(await SignInAsync(Admin)), other = CookieOf(await SignInAsync(Admin));
        string answer = await SendAsync("DELETE", Session, cookie);
        Assert.Contains("""{"required":true,"name":null}""", answer);
        Assert.Contains("strata-session=; max-age=0", answer);
        Assert.StartsWith("HTTP/1.1 401", await SendAsync("GET", Stores, cookie));
        Assert.StartsWith("HTTP/1.1 200", await SendAsync("GET", Stores, other));
    }

    [Fact]
    public async Task A_revoked_key_ends_its_sessions_and_what_they_listen_to()
    {
        AccessKey passing = Admin with { Id = "PASSING0" };
        Ring.TryAdd(passing);
        string cookie = CookieOf(await SignInAsync(passing));
        using RawConnection listening = await RawConnection.OpenAsync(Address);
        await listening.WriteAsync($"GET /_strata/v1/events HTTP/1.1\r\nHost: {Address.Authority}\r\nConnection: close\r\n{cookie}\r\n");
        await listening.ReadUntilAsync("event: stores");
        Ring.Remove(passing.Id);
        Assert.StartsWith("HTTP/1.1 401", await SendAsync("GET", Stores, cookie));
        await listening.ReadToEndAsync();
        Ring.TryAdd(passing with { Secret = "another secret" });
        Assert.StartsWith("HTTP/1.1 401", await SendAsync("GET", Stores, cookie));
    }

    [Fact]
    public async Task A_revoked_key_ends_what_its_signature_listens_to()
    {
        AccessKey passing = Admin with { Id = "PASSING1" };
        Ring.TryAdd(passing);
        SignedMessage message = Sign("GET", "/_strata/v1/events", key: passing);
        using RawConnection listening = await RawConnection.OpenAsync(Address);
        await listening.WriteAsync($"GET {message.Target} HTTP/1.1\r\nConnection: close\r\n{string.Concat(message.Headers.Select(h => $"{h.Name}: {h.Value}\r\n"))}\r\n");
        await listening.ReadUntilAsync("event: stores");
        Ring.Remove(passing.Id);
        await listening.ReadToEndAsync();
    }

    [Fact]
    public async Task The_first_key_ends_what_nobody_listens_to()
    {
        var ring = new AccessKeyRing();
        await using RunningServer server = await RunningServer.StartAsync(new StrataServerOptions { Access = ring });
        Uri address = server.Server.Address;
        using RawConnection listening = await RawConnection.OpenAsync(address);
        await listening.WriteAsync($"GET /_strata/v1/events HTTP/1.1\r\nHost: {address.Authority}\r\nConnection: close\r\n\r\n");
        await listening.ReadUntilAsync("event: stores");
        ring.TryAdd(Admin);
        await listening.ReadToEndAsync();
    }

    [Fact]
    public async Task A_page_of_another_origin_uses_no_session()
    {
        string cookie = CookieOf(await SignInAsync(Admin)), port = $"{Address.Port}";
        foreach (string headers in (string[])
        [
            "Origin: http://evil.example\r\n", "Origin: null\r\n", $"Origin: http://127.0.0.1:{Address.Port + 1}\r\n", $"Origin: http://localhost:{port}\r\n",
            $"Origin: http://{Address.Authority}.evil.example\r\n", $"Origin: file://{Address.Authority}\r\n",
            "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Dest: empty\r\n", "Sec-Fetch-Site: same-site\r\nSec-Fetch-Dest: image\r\n", "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Dest: iframe\r\n",
        ])
        {
            foreach ((string method, string path) in ((string, string)[])[("GET", Stores), ("DELETE", Stores + "/main/blob?key=k"), ("GET", Session), ("POST", Session), ("DELETE", Session)])
                Assert.StartsWith("HTTP/1.1 403", await SendAsync(method, path, cookie + headers));
        }

        foreach (string headers in (string[])[$"Origin: http://{Address.Authority}\r\n", $"Origin: https://{Address.Authority}\r\n", "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Dest: empty\r\n", "Sec-Fetch-Site: none\r\nSec-Fetch-Dest: document\r\n"])
            Assert.StartsWith("HTTP/1.1 200", await SendAsync("GET", Stores, cookie + headers));
    }

    [Fact]
    public async Task A_signed_in_page_may_link_to_a_download()
    {
        await Running.Store.PutBytesAsync(BlobKey.Parse("a/é \"x\".html"), "<script>"u8.ToArray());
        string answer = await SendAsync(
            "GET", $"{Stores}/main/blob?key={Uri.EscapeDataString("a/é \"x\".html")}", CookieOf(await SignInAsync(Admin)) + "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n");
        Assert.StartsWith("HTTP/1.1 200", answer);
        Assert.Contains("Content-Disposition: attachment; ", answer);
        Assert.Contains("filename*=UTF-8''%C3%A9%20%22x%22.html", answer);
        Assert.Contains("X-Content-Type-Options: nosniff", answer);
        Assert.Contains("Content-Security-Policy: default-src 'none'; sandbox", answer);
        Assert.Contains("Content-Type: application/octet-stream", answer);
    }

    [Fact]
    public async Task Guessing_is_slowed_down_and_ends_after_a_minute()
    {
        var clock = new FakeClock();
        await using RunningServer server = await RunningServer.StartAsync(Options, StoreContext.Default with { Clock = clock });
        string right = JsonSerializer.Serialize(new { id = Admin.Id, secret = Admin.Secret }), wrong = right.Replace("secret=", "secret", StringComparison.Ordinal);
        for (int i = 0; i < SessionEndpoints.MaxFailures; i++)
        {
            Assert.StartsWith("HTTP/1.1 200", await TryAsync(right));
            Assert.StartsWith("HTTP/1.1 401", await TryAsync(wrong));
        }

        string refused = await TryAsync(right);
        Assert.StartsWith("HTTP/1.1 429", refused);
        Assert.Contains("Retry-After: 60", refused);
        clock.Advance(TimeSpan.FromSeconds(61));
        Assert.StartsWith("HTTP/1.1 200", await TryAsync(right));

        Task<string> TryAsync(string body) => RawConnection.SendAsync(server.Server.Address, $"POST {Session}", $"Content-Length: {body.Length}\r\n", body);
    }

    [Fact]
    public void Sessions_end_after_twelve_hours_and_their_number_is_bounded()
    {
        var clock = new FakeClock();
        var sessions = new Sessions(Ring, clock);
        HttpRequest first = Begun(sessions);
        clock.Advance(TimeSpan.FromHours(11));
        Assert.Equal(Admin, sessions.Find(first));
        clock.Advance(TimeSpan.FromHours(1));
        Assert.Null(sessions.Find(first));

        HttpRequest oldest = Begun(sessions);
        for (int i = 1; i < Sessions.MaxSessions; i++) Begun(sessions);
        Assert.NotNull(sessions.Find(oldest));
        HttpRequest newest = Begun(sessions);
        Assert.Null(sessions.Find(oldest));
        Assert.NotNull(sessions.Find(newest));
    }

    private static HttpRequest Begun(Sessions sessions)
    {
        var http = new DefaultHttpContext();
        sessions.Begin(http, Admin);
        http.Request.Headers.Cookie = http.Response.Headers.SetCookie.ToString().Split(';')[0];
        return http.Request;
    }

    private async Task<DefaultHttpContext> PostAsync(IPAddress address, bool isHttps)
    {
        var http = new DefaultHttpContext
        {
            Request = { Method = "POST", Path = Session, IsHttps = isHttps, Body = new MemoryStream(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(new { id = Admin.Id, secret = Admin.Secret }))) },
            Response = { Body = new MemoryStream() },
        };
        http.Connection.RemoteIpAddress = address;
        RouteEndpoint post = Running.Server.Endpoints.OfType<RouteEndpoint>().First(
            e => e.RoutePattern.RawText == Session && e.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods.Contains("POST"));
        await post.RequestDelegate!(http);
        return http;
    }

    private static string BodyOf(DefaultHttpContext http) => Encoding.UTF8.GetString(((MemoryStream)http.Response.Body).ToArray());

    private Task<string> SignInAsync(AccessKey key) => SendAsync("POST", Session, body: JsonSerializer.Serialize(new { id = key.Id, secret = key.Secret }));

    private static string CookieOf(string answer) =>
        answer.Split("\r\n").Single(l => l.StartsWith("Set-Cookie:", StringComparison.OrdinalIgnoreCase))["Set-".Length..].Split(';')[0] + "\r\n";

    private Task<string> SendAsync(string method, string path, string headers = "", string body = "") =>
        RawConnection.SendAsync(Address, $"{method} {path}", $"{headers}Content-Length: {body.Length}\r\n", body);
}
