using System.Net;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>Ranges, conditions and overrides, answer by answer.</summary>
public class ReadTests : ServerTests
{
    private static readonly BlobKey Key = BlobKey.Parse("k");

    [Fact]
    public async Task What_others_stored_never_runs_with_this_origins_rights()
    {
        // A page opened from a store would else reach every store by script: on loopback all of them are open.
        using HttpResponseMessage answer = await SendAsync(HttpMethod.Get);
        Assert.Equal("sandbox", Assert.Single(answer.Headers.GetValues("Content-Security-Policy")));
        Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
    }

    [Theory]
    [InlineData("bytes=0-0", "0", "bytes 0-0/10")]
    [InlineData("bytes=3-", "3456789", "bytes 3-9/10")]
    [InlineData("bytes=8-100", "89", "bytes 8-9/10")]
    [InlineData("bytes=-3", "789", "bytes 7-9/10")]
    [InlineData("bytes=-100", "0123456789", "bytes 0-9/10")]
    [InlineData("bytes=1-99999999999999999999", "123456789", "bytes 1-9/10")]
    public async Task A_range_is_cut_out(string range, string content, string contentRange)
    {
        foreach (HttpMethod method in new[] { HttpMethod.Get, HttpMethod.Head })
        {
            using HttpResponseMessage answer = await SendAsync(method, ("Range", range));
            Assert.Equal(HttpStatusCode.PartialContent, answer.StatusCode);
            Assert.Equal(contentRange, answer.Content.Headers.ContentRange!.ToString());
            Assert.Equal(content.Length, answer.Content.Headers.ContentLength);
            if (method == HttpMethod.Get) Assert.Equal(content, await answer.Content.ReadAsStringAsync());
        }
    }

    [Theory]
    [InlineData("bytes=5-2")]
    [InlineData("bytes=a-b")]
    [InlineData("bytes=")]
    [InlineData("bytes=-")]
    [InlineData("bytes=0-1,3-4")]
    [InlineData("lines=0-1")]
    [InlineData("bytes=+1-2")]
    public async Task What_is_no_single_range_is_ignored(string range)
    {
        using HttpResponseMessage answer = await SendAsync(HttpMethod.Get, ("Range", range));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("0123456789", await answer.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("bytes=10-")]
    [InlineData("bytes=10-20")]
    [InlineData("bytes=-0")]
    [InlineData("bytes=99999999999999999999-")]
    public async Task A_range_behind_the_end_is_refused(string range)
    {
        using HttpResponseMessage answer = await SendAsync(HttpMethod.Get, ("Range", range));
        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, answer.StatusCode);
        Assert.Contains("<Code>InvalidRange</Code>", await answer.Content.ReadAsStringAsync());
        Assert.Equal("bytes */10", answer.Content.Headers.ContentRange!.ToString());
        using HttpResponseMessage head = await SendAsync(HttpMethod.Head, ("Range", range));
        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, head.StatusCode);
    }

    [Fact]
    public async Task Conditions_are_judged_in_their_order()
    {
        BlobInfo info = await PutAsync();
        string etag = $"\"{info.ETag}\"", before = info.Modified.AddMinutes(-1).ToString("r"), same = info.Modified.ToString("r");
        await AnswersAsync(200, ("If-Match", etag));
        await AnswersAsync(200, ("If-Match", "*"));
        await AnswersAsync(200, ("If-Match", $"\"x\", {etag}"));
        await AnswersAsync(412, ("If-Match", "\"x\""));
        await AnswersAsync(304, ("If-None-Match", etag));
        await AnswersAsync(304, ("If-None-Match", info.ETag));
        await AnswersAsync(304, ("If-None-Match", "W/" + etag));
        await AnswersAsync(304, ("If-None-Match", $"\"x\", {etag}"));
        await AnswersAsync(200, ("If-None-Match", "\"x\""));
        await AnswersAsync(304, ("If-Modified-Since", same));
        await AnswersAsync(200, ("If-Modified-Since", before));
        await AnswersAsync(200, ("If-Modified-Since", "never"));
        await AnswersAsync(412, ("If-Unmodified-Since", before));
        await AnswersAsync(200, ("If-Unmodified-Since", same));
        await AnswersAsync(200, ("If-Match", etag), ("If-Unmodified-Since", before));
        await AnswersAsync(200, ("If-None-Match", "\"x\""), ("If-Modified-Since", same));
        await AnswersAsync(412, ("If-Match", "\"x\""), ("If-None-Match", etag));
        await AnswersAsync(412, ("If-Match", ""));
        await AnswersAsync(412, ("If-Match", "\"\""));
        await AnswersAsync(200, ("If-None-Match", ""));
    }

    [Fact]
    public async Task A_range_of_another_state_gives_the_whole()
    {
        BlobInfo info = await PutAsync();
        using HttpResponseMessage same = await SendAsync(HttpMethod.Get, ("Range", "bytes=2-3"), ("If-Range", $"\"{info.ETag}\""));
        Assert.Equal("23", await same.Content.ReadAsStringAsync());
        using HttpResponseMessage other = await SendAsync(HttpMethod.Get, ("Range", "bytes=2-3"), ("If-Range", "\"older\""));
        Assert.Equal(HttpStatusCode.OK, other.StatusCode);
        Assert.Equal("0123456789", await other.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task The_query_overrides_headers()
    {
        await PutAsync();
        using HttpResponseMessage answer = await Http.GetAsync("main/k?response-content-type=text%2Fcsv&response-content-disposition=attachment%3B%20filename%3Da.csv&response-cache-control=no-store");
        Assert.Equal("text/csv", answer.Content.Headers.ContentType!.ToString());
        Assert.Equal("attachment; filename=a.csv", answer.Content.Headers.ContentDisposition!.ToString());
        Assert.True(answer.Headers.CacheControl!.NoStore);
        using HttpResponseMessage split = await Http.GetAsync("main/k?response-content-type=a%0D%0AX-Injected:1");
        Assert.Equal(HttpStatusCode.BadRequest, split.StatusCode);
    }

    [Fact]
    public async Task Metadata_that_a_header_cannot_carry_is_encoded_or_counted()
    {
        var metadata = new Dictionary<string, string> { ["plain"] = "a", ["text"] = "zwölf\r\nX-Injected: 1", ["not a token"] = "x", ["http:cache-control"] = "no-cache" };
        await Running.Store.PutBytesAsync(Key, new byte[1], new WriteOptions { Metadata = metadata, ContentType = "te\u00e4xt" });
        using HttpResponseMessage answer = await Http.GetAsync("main/k");
        Assert.Equal("a", answer.Headers.GetValues("x-amz-meta-plain").Single());
        Assert.Equal(metadata["text"], EncodedWords.Decode(answer.Headers.GetValues("x-amz-meta-text").Single()));
        Assert.Equal("1", answer.Headers.GetValues("x-amz-missing-meta").Single());
        Assert.True(answer.Headers.CacheControl!.NoCache);
        Assert.Equal("binary/octet-stream", answer.Content.Headers.ContentType!.ToString());
    }

    [Theory]
    [InlineData("=?UTF-8?B?w7w=?=", "ü")]
    [InlineData("=?utf-8?q?a=C3=BC_b?=", "aü b")]
    [InlineData("=?ISO-8859-1?Q?=FC?=", "ü")]
    [InlineData("x =?UTF-8?Q?a?= =?UTF-8?Q?b?= y", "x ab y")]
    [InlineData("=?UTF-8?B?!?=", "=?UTF-8?B?!?=")]
    [InlineData("=?what?B?w7w=?=", "=?what?B?w7w=?=")]
    [InlineData("=?=?=?", "=?=?=?")]
    public void Encoded_words_are_read(string text, string expected) => Assert.Equal(expected, EncodedWords.Decode(text));

    [Theory]
    [InlineData("=?UTF-8?B? ", "?=")]
    [InlineData("=?UTF-8?Q?a", "?=")]
    [InlineData("=?", "")]
    public void Words_that_never_end_cost_no_more_than_their_length(string word, string end)
    {
        string text = string.Concat(Enumerable.Repeat(word, 10_000)) + end;
        long before = GC.GetAllocatedBytesForCurrentThread();
        EncodedWords.Decode(text);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 50L * text.Length);
    }

    [Fact]
    public async Task What_a_header_cannot_carry_does_not_make_an_object_unreadable()
    {
        await Running.Store.PutBytesAsync(Key, new byte[1], new WriteOptions { ETag = "\u00e9\"tag" });
        foreach (HttpMethod method in new[] { HttpMethod.Get, HttpMethod.Head })
        {
            using HttpResponseMessage answer = await SendBareAsync(method);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        using HttpResponseMessage conditional = await SendAsync(HttpMethod.Get, ("If-None-Match", "*"));
        Assert.Equal(HttpStatusCode.NotModified, conditional.StatusCode);
    }

    [Fact]
    public async Task Metadata_is_taken_raw_and_encoded()
    {
        string answer = await RawConnection.SendAsync(
            Running.Server.Address, "PUT /main/k", "Content-Length: 1\r\nx-amz-meta-RAW: z\u00c3\u00bc\r\nx-amz-meta-enc: =?UTF-8?B?w7w=?=\r\nExpires: Thu, 01 Dec 1994 16:00:00 GMT\r\n", "x");
        Assert.StartsWith("HTTP/1.1 200", answer);
        BlobInfo info = (await Running.Store.StatAsync(Key))!;
        Assert.Equal("zü", info.Metadata["raw"]);
        Assert.Equal("ü", info.Metadata["enc"]);
        Assert.Null(info.Expires);
        using HttpResponseMessage head = await SendBareAsync(HttpMethod.Head);
        Assert.Equal("Thu, 01 Dec 1994 16:00:00 GMT", head.Content.Headers.GetValues("Expires").Single());
    }

    [Fact]
    public async Task Too_much_metadata_is_refused()
    {
        string answer = await RawConnection.SendAsync(Running.Server.Address, "PUT /main/k", $"Content-Length: 1\r\nx-amz-meta-a: {new string('x', 9000)}\r\n", "x");
        Assert.Contains("<Code>MetadataTooLarge</Code>", answer);
    }

    private async Task<BlobInfo> PutAsync() => (await Running.Store.PutBytesAsync(Key, "0123456789"u8.ToArray())).Info!;

    private async Task AnswersAsync(int status, params (string Name, string Value)[] headers)
    {
        foreach (HttpMethod method in new[] { HttpMethod.Get, HttpMethod.Head })
        {
            using HttpResponseMessage answer = await SendBareAsync(method, headers);
            Assert.Equal(status, (int)answer.StatusCode);
            if (status == 304) Assert.NotNull(answer.Headers.ETag);
        }
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, params (string Name, string Value)[] headers)
    {
        if (!await Running.Store.ExistsAsync(Key)) await PutAsync();
        return await SendBareAsync(method, headers);
    }

    private async Task<HttpResponseMessage> SendBareAsync(HttpMethod method, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, "main/k");
        foreach ((string name, string value) in headers) Assert.True(request.Headers.TryAddWithoutValidation(name, value));
        return await Http.SendAsync(request);
    }
}
