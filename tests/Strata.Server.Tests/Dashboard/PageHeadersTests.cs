using System.Net;
using System.Net.Http.Headers;
using Xunit;

namespace Strata.Server.Tests;

public sealed class PageHeadersTests
{
    [Fact]
    public async Task A_browser_gets_the_page_at_the_root_and_a_client_of_S3_its_buckets()
    {
        await using ServedTiers served = await ServedTiers.StartAsync();
        using HttpResponseMessage page = await GetAsync(served, "/", "text/html,application/xhtml+xml");
        Assert.Equal("text/html", page.Content.Headers.ContentType!.MediaType);
        using HttpResponseMessage buckets = await GetAsync(served, "/", "*/*");
        Assert.Contains("ListAllMyBucketsResult", await buckets.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("/_strata/", "text/html")]
    [InlineData("/_strata/page.js", "text/javascript")]
    [InlineData("/_strata/files.js", "text/javascript")]
    [InlineData("/_strata/uploads.js", "text/javascript")]
    [InlineData("/_strata/databases.js", "text/javascript")]
    [InlineData("/_strata/entry.js", "text/javascript")]
    [InlineData("/_strata/tiers.js", "text/javascript")]
    [InlineData("/_strata/session.js", "text/javascript")]
    [InlineData("/_strata/page.css", "text/css")]
    [InlineData("/_strata/icon.svg", "image/svg+xml")]
    public async Task Each_part_has_a_strict_policy_and_is_asked_for_again_cheaply(string path, string type)
    {
        await using ServedTiers served = await ServedTiers.StartAsync();
        using HttpResponseMessage part = await GetAsync(served, path, "text/html");
        Assert.Equal(HttpStatusCode.OK, part.StatusCode);
        Assert.Equal(type, part.Content.Headers.ContentType!.MediaType);
        string policy = Assert.Single(part.Headers.GetValues("Content-Security-Policy"));
        Assert.StartsWith("default-src 'none';", policy);
        Assert.DoesNotContain("unsafe", policy);
        Assert.Equal("nosniff", Assert.Single(part.Headers.GetValues("X-Content-Type-Options")));

        using var again = new HttpRequestMessage(HttpMethod.Get, path);
        again.Headers.IfNoneMatch.Add(part.Headers.ETag!);
        using HttpResponseMessage unchanged = await served.Http.SendAsync(again);
        Assert.Equal(HttpStatusCode.NotModified, unchanged.StatusCode);
    }

    [Fact]
    public async Task The_page_names_nothing_of_another_host_and_holds_no_inline_script_or_style()
    {
        await using ServedTiers served = await ServedTiers.StartAsync();
        foreach (string path in (string[])["/_strata/", "/_strata/page.js", "/_strata/files.js", "/_strata/uploads.js", "/_strata/databases.js", "/_strata/entry.js", "/_strata/tiers.js", "/_strata/session.js", "/_strata/page.css"])
        {
            string text = (await served.Http.GetStringAsync(path)).Replace("http://www.w3.org/2000/svg", "", StringComparison.Ordinal);
            Assert.DoesNotContain("http://", text);
            Assert.DoesNotContain("https://", text);
            Assert.DoesNotContain("url(", text);
            Assert.DoesNotContain("innerHTML", text);
            Assert.DoesNotContain("<style", text);
            Assert.DoesNotContain(" style=", text);
            Assert.DoesNotContain("onclick=", text);
        }
    }

    private static async Task<HttpResponseMessage> GetAsync(ServedTiers served, string path, string accept)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        foreach (string type in accept.Split(',')) request.Headers.Accept.Add(MediaTypeWithQualityHeaderValue.Parse(type));
        return await served.Http.SendAsync(request);
    }
}
