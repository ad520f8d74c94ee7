using System.Security.Cryptography;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>Bodies that are not what they were declared to be: nothing is written, and the error says why.</summary>
public class BodyTests : ServerTests
{
    private const string Unsigned = "x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\n";

    protected override StrataServerOptions Options => new() { MaxObjectBytes = 1 << 20, SlowGrace = TimeSpan.FromSeconds(1.1) };

    /// <summary>Kestrel cuts a connection whose client has closed its half, so there is nobody to tell.</summary>
    [Theory]
    [InlineData(100)]
    [InlineData(100_000)]
    public async Task A_client_that_ends_before_its_body_does_leaves_nothing(int declared)
    {
        using (RawConnection connection = await RawConnection.OpenAsync(Running.Server.Address))
        {
            await connection.WriteAsync($"PUT /main/k HTTP/1.1\r\nHost: {connection.Authority}\r\nContent-Length: {declared}\r\nExpect: 100-continue\r\n\r\n");
            await connection.ReadUntilAsync("100 Continue");
            await connection.WriteAsync("short");
        }

        // Disposal waits for requests under way.
        await Running.Server.DisposeAsync();
        Assert.Null(await Running.Store.StatAsync(BlobKey.Parse("k")));
    }

    [Fact]
    public async Task A_body_that_stops_coming_is_refused() =>
        await RefusedAsync(await PutAsync("Content-Length: 100\r\n", "short"), 400, "RequestTimeout");

    [Fact]
    public async Task What_follows_the_declared_length_is_not_the_object()
    {
        await PutAsync("Content-Length: 4\r\n", "1234567");
        Assert.Equal("1234"u8.ToArray(), await Running.Store.GetBytesAsync(BlobKey.Parse("k")));
    }

    [Fact]
    public async Task A_body_needs_a_length() => await RefusedAsync(await PutAsync("", ""), 411, "MissingContentLength");

    [Fact]
    public async Task An_object_beyond_the_limit_is_refused()
    {
        await RefusedAsync(await PutAsync($"Content-Length: {(1 << 20) + 1}\r\n", ""), 400, "EntityTooLarge");
        string large = new('x', (1 << 20) + 1);
        await RefusedAsync(await PutAsync("Transfer-Encoding: chunked\r\n", $"{large.Length:x}\r\n{large}"), 400, "EntityTooLarge");
    }

    [Theory]
    [InlineData("5\r\nhello\r\n0\r\n\r\n", 5)]
    [InlineData("5\r\nhello\r\n0\r\n", 5)]
    [InlineData("2;chunk-signature=ab\r\nhe\r\n3;chunk-signature=cd\r\nllo\r\n0;chunk-signature=ef\r\n\r\n", 5)]
    public async Task Chunks_are_joined(string body, int length)
    {
        string answer = await PutChunkedAsync(body, length);
        Assert.StartsWith("HTTP/1.1 200", answer);
        Assert.Equal("hello"u8.ToArray(), await Running.Store.GetBytesAsync(BlobKey.Parse("k")));
        Assert.Null((await Running.Store.StatAsync(BlobKey.Parse("k")))!.ContentEncoding);
    }

    [Theory]
    [InlineData("5\r\nhello\r\n0\r\n\r\n", 6, "IncompleteBody")]
    [InlineData("5\r\nhello\r\n0\r\n\r\n", 4, "IncompleteBody")]
    [InlineData("5\r\nhello\r\n", 5, "IncompleteBody")]
    [InlineData("5\r\nhel", 5, "IncompleteBody")]
    [InlineData("zz\r\nhello\r\n0\r\n\r\n", 5, "InvalidRequest")]
    [InlineData("-5\r\nhello\r\n0\r\n\r\n", 5, "InvalidRequest")]
    [InlineData("5\r\nhelloXX\r\n0\r\n\r\n", 5, "InvalidRequest")]
    [InlineData("5\r\nhello\r\n0\r\n\r\nmore", 5, "InvalidRequest")]
    [InlineData("5\r\nhello\r\n0\r\nnonsense\r\n\r\n", 5, "MalformedTrailerError")]
    public async Task Malformed_chunks_are_refused(string body, int length, string code) => await RefusedAsync(await PutChunkedAsync(body, length), 400, code);

    [Fact]
    public async Task Chunks_need_their_decoded_length() =>
        await RefusedAsync(await PutAsync($"{Unsigned}Content-Length: 15\r\n", "5\r\nhello\r\n0\r\n\r\n"), 411, "MissingContentLength");

    [Theory]
    [InlineData("crc32", "y/Q5Jg==")]
    [InlineData("crc32c", "4waSgw==")]
    [InlineData("crc64nvme", "rosUhgp5mIg=")]
    [InlineData("sha1", "98O8HYCOBHMq32eZZczDTKeuNEE=")]
    [InlineData("sha256", "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=")]
    public async Task Checksums_are_verified_in_headers_and_trailers(string algorithm, string digest)
    {
        const string Content = "123456789";
        string header = $"x-amz-checksum-{algorithm}";
        string confirmed = await PutAsync($"{header}: {digest}\r\nContent-Length: 9\r\n", Content);
        Assert.StartsWith("HTTP/1.1 200", confirmed);
        Assert.Contains($"{header}: {digest}", confirmed);

        string body = $"9\r\n{Content}\r\n0\r\n{header}:{digest}\r\n\r\n";
        Assert.StartsWith("HTTP/1.1 200", await PutChunkedAsync(body, 9, $"x-amz-trailer: {header}\r\n"));
        await Running.Store.DeleteAsync(BlobKey.Parse("k"));

        await RefusedAsync(await PutAsync($"{header}: {digest}\r\nContent-Length: 9\r\n", "123456780"), 400, "BadDigest");
        await RefusedAsync(await PutChunkedAsync(body.Replace(Content, "123456780", StringComparison.Ordinal), 9, $"x-amz-trailer: {header}\r\n"), 400, "BadDigest");
        await RefusedAsync(await PutAsync($"{header}: AAA=\r\nContent-Length: 9\r\n", Content), 400, "InvalidRequest");
        await RefusedAsync(await PutChunkedAsync($"9\r\n{Content}\r\n0\r\n\r\n", 9, $"x-amz-trailer: {header}\r\n"), 400, "MalformedTrailerError");
    }

    [Fact]
    public async Task Md5_and_the_signed_digest_are_verified()
    {
        string md5 = Convert.ToBase64String(MD5.HashData("hello"u8)), sha256 = Convert.ToHexStringLower(SHA256.HashData("hello"u8));
        Assert.StartsWith("HTTP/1.1 200", await PutAsync($"Content-MD5: {md5}\r\nx-amz-content-sha256: {sha256}\r\nContent-Length: 5\r\n", "hello"));
        await Running.Store.DeleteAsync(BlobKey.Parse("k"));
        await RefusedAsync(await PutAsync($"Content-MD5: {md5}\r\nContent-Length: 5\r\n", "hellO"), 400, "BadDigest");
        await RefusedAsync(await PutAsync("Content-MD5: nonsense\r\nContent-Length: 5\r\n", "hello"), 400, "InvalidDigest");
        await RefusedAsync(await PutAsync($"x-amz-content-sha256: {sha256}\r\nContent-Length: 5\r\n", "hellO"), 400, "XAmzContentSHA256Mismatch");
    }

    [Fact]
    public async Task An_unknown_checksum_is_refused() =>
        await RefusedAsync(await PutAsync("x-amz-checksum-xxhash: AAAA\r\nContent-Length: 1\r\n", "x"), 501, "NotImplemented");

    private Task<string> PutAsync(string headers, string body) => RawConnection.SendAsync(Running.Server.Address, "PUT /main/k", headers, body);

    private Task<string> PutChunkedAsync(string body, int length, string headers = "") =>
        PutAsync($"{Unsigned}Content-Encoding: aws-chunked\r\nx-amz-decoded-content-length: {length}\r\nContent-Length: {body.Length}\r\n{headers}", body);

    private async Task RefusedAsync(string answer, int status, string code)
    {
        Assert.StartsWith($"HTTP/1.1 {status}", answer);
        Assert.Contains($"<Code>{code}</Code>", answer);
        Assert.DoesNotContain("   at ", answer);
        Assert.Null(await Running.Store.StatAsync(BlobKey.Parse("k")));
    }
}
