using System.Net;
using System.Xml.Linq;
using Xunit;

namespace Strata.Server.Tests;

public class ListTests : ServerTests
{
    private static readonly XNamespace S3 = "http://s3.amazonaws.com/doc/2006-03-01/";

    [Fact]
    public async Task No_keys_asked_for_means_none()
    {
        await PutAsync("a");
        XElement list = await ListAsync("list-type=2&max-keys=0");
        Assert.Empty(list.Elements(S3 + "Contents"));
        Assert.Equal("false", list.Element(S3 + "IsTruncated")!.Value);
        Assert.Equal("0", list.Element(S3 + "MaxKeys")!.Value);
    }

    [Fact]
    public async Task A_page_has_at_most_a_thousand_keys()
    {
        await PutAsync([.. Enumerable.Range(0, 1001).Select(i => $"{i:d4}")]);
        XElement list = await ListAsync("list-type=2&max-keys=5000");
        Assert.Equal(1000, list.Elements(S3 + "Contents").Count());
        Assert.Equal("1000", list.Element(S3 + "KeyCount")!.Value);
        XElement rest = await ListAsync("list-type=2&continuation-token=" + Uri.EscapeDataString(list.Element(S3 + "NextContinuationToken")!.Value));
        Assert.Equal("1000", rest.Element(S3 + "Contents")!.Element(S3 + "Key")!.Value);
        XElement marked = await ListAsync("");
        Assert.Equal("0999", marked.Element(S3 + "NextMarker")!.Value);
    }

    [Fact]
    public async Task Names_are_escaped_as_asked()
    {
        await PutAsync("a&<b> \"c\"/ü+", "z");
        Assert.Equal(["a&<b> \"c\"/ü+", "z"], Keys(await ListAsync("list-type=2")));
        XElement encoded = await ListAsync("list-type=2&encoding-type=url&delimiter=%2F&prefix=" + Uri.EscapeDataString("a&"));
        Assert.Equal("url", encoded.Element(S3 + "EncodingType")!.Value);
        Assert.Equal("a%26%3Cb%3E%20%22c%22/", encoded.Element(S3 + "CommonPrefixes")!.Element(S3 + "Prefix")!.Value);
        Assert.Equal("a%26", encoded.Element(S3 + "Prefix")!.Value);
    }

    [Fact]
    public async Task Begins_behind_a_key_and_shows_the_owner_if_asked()
    {
        await PutAsync("a", "b", "c");
        Assert.Equal(["b", "c"], Keys(await ListAsync("list-type=2&start-after=a")));
        Assert.Equal(["c"], Keys(await ListAsync("marker=b")));
        Assert.Null((await ListAsync("list-type=2")).Element(S3 + "Contents")!.Element(S3 + "Owner"));
        Assert.NotNull((await ListAsync("list-type=2&fetch-owner=true")).Element(S3 + "Contents")!.Element(S3 + "Owner"));
        Assert.NotNull((await ListAsync("")).Element(S3 + "Contents")!.Element(S3 + "Owner"));
    }

    [Theory]
    [InlineData("list-type=2&max-keys=-1")]
    [InlineData("list-type=2&max-keys=many")]
    [InlineData("list-type=3")]
    [InlineData("list-type=2&continuation-token=forged")]
    [InlineData("list-type=2&encoding-type=base64")]
    public async Task Bad_parameters_are_refused(string query)
    {
        using HttpResponseMessage answer = await Http.GetAsync("main?" + query);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("<Code>InvalidArgument</Code>", await answer.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("GET", "main?inventory")]
    [InlineData("PUT", "main?policy")]
    [InlineData("GET", "main/k?torrent")]
    [InlineData("GET", "main/k?versionId=3")]
    [InlineData("GET", "main/k?tagging&versionId=3")]
    [InlineData("PUT", "main/k?partNumber=1")]
    [InlineData("POST", "main")]
    [InlineData("PUT", "new-bucket")]
    [InlineData("DELETE", "main")]
    public async Task What_is_not_implemented_says_so(string method, string path)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = method is "GET" ? null : new ByteArrayContent([]) };
        using HttpResponseMessage answer = await Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.NotImplemented, answer.StatusCode);
        string body = await answer.Content.ReadAsStringAsync();
        Assert.Contains("<Code>NotImplemented</Code>", body);
        Assert.Contains($"<RequestId>{answer.Headers.GetValues("x-amz-request-id").Single()}</RequestId>", body);
    }

    [Fact]
    public async Task Headers_that_would_be_ignored_are_refused()
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, "main/k") { Content = new ByteArrayContent([1]) };
        request.Headers.Add("x-amz-server-side-encryption", "AES256");
        using HttpResponseMessage answer = await Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.NotImplemented, answer.StatusCode);
    }

    [Theory]
    [InlineData("PUT", "If-Match: \r\n")]
    [InlineData("PUT", "If-Match: \"\"\r\n")]
    [InlineData("PUT", "If-None-Match:\r\n")]
    [InlineData("DELETE", "If-Match: ,\r\n")]
    public async Task A_condition_that_names_nothing_is_no_unconditional_write(string method, string header)
    {
        await PutAsync("k");
        string answer = await RawConnection.SendAsync(Running.Server.Address, $"{method} /main/k", $"Content-Length: 0\r\n{header}");
        Assert.StartsWith("HTTP/1.1 400", answer);
        Assert.Contains("<Code>InvalidArgument</Code>", answer);
        Assert.Equal(1, (await Running.Store.StatAsync(BlobKey.Parse("k")))?.Length);
    }

    private static IEnumerable<string> Keys(XElement list) => list.Elements(S3 + "Contents").Select(c => c.Element(S3 + "Key")!.Value);

    private async Task<XElement> ListAsync(string query) => XElement.Parse(await Http.GetStringAsync("main?" + query));

    private async Task PutAsync(params string[] keys)
    {
        foreach (string key in keys) await Running.Store.PutBytesAsync(BlobKey.Parse(key), new byte[1]);
    }
}
