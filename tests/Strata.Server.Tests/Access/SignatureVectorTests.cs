using System.IO.Pipelines;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Strata.Testing;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>The examples that AWS publishes with Signature Version 4 for S3.</summary>
public class SignatureVectorTests
{
    private const string Empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    private const string Credential = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request";
    private const string Timestamp = "20130524T000000Z";

    private static readonly AccessKey Key = new() { Id = "AKIAIOSFODNN7EXAMPLE", Secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", Grants = [AccessGrant.Everything] };

    [Theory]
    [InlineData("GET", "/test.txt", "range: bytes=0-9", Empty, "7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")]
    [InlineData("PUT", "/test$file.text", "date: Fri, 24 May 2013 00:00:00 GMT|x-amz-storage-class: REDUCED_REDUNDANCY", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072", "9e0e90d9c76de8fa5b200d8c849cd5b8dc7a3be3951ddb7f6a76b4158342019d", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")]
    [InlineData("GET", "/?lifecycle", "", Empty, "9766c798316ff2757b517bc739a67f6213b4ab36dd5da2f94eaebf79c77395ca", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")]
    [InlineData("GET", "/?max-keys=2&prefix=J", "", Empty, "df57d21db20da04d7fa30298dd4488ba3a2b47ca3a489c74750e0f1e7df1b9b7", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")]
    public void Signed_headers(string method, string target, string headers, string payload, string canonical, string signature)
    {
        DefaultHttpContext http = Request(method, target, [.. headers.Split('|', StringSplitOptions.RemoveEmptyEntries), $"x-amz-content-sha256: {payload}", $"x-amz-date: {Timestamp}"]);
        Authorize(http, signature);
        Assert.Equal(canonical, CanonicalDigest(http, payload));
        Assert.Equal(Key.Id, Verifier().Verify(http).Principal.Name);

        Authorize(http, signature[..^1] + (signature[^1] == '0' ? '1' : '0'));
        Assert.Equal("SignatureDoesNotMatch", Assert.Throws<S3Exception>(() => Verifier().Verify(http)).Error.Code);
    }

    [Fact]
    public void A_presigned_address()
    {
        const string Target = "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
            + "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
        DefaultHttpContext http = Request("GET", Target, []);
        Assert.Equal("3bfa292879f6447bbcda7001decf97f4a54dc650c8942174ae0a9121cf58ad04", CanonicalDigest(http, "UNSIGNED-PAYLOAD"));
        Assert.Equal(Key.Id, Verifier().Verify(http).Principal.Name);
        Assert.Equal("Request has expired.", Assert.Throws<S3Exception>(() => Verifier(TimeSpan.FromSeconds(86_401)).Verify(http)).Message);
    }

    private static readonly string[] Chunks =
        ["ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648", "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497", "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"];

    private static readonly string[] ChunksBeforeTrailer =
        ["b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2", "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7", "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"];

    [Fact]
    public async Task An_upload_in_signed_chunks()
    {
        DefaultHttpContext http = Upload("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", [], "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
        ChunkSignatures signatures = Verifier().Verify(http).Chunks!;
        Assert.Equal(new string('a', 66_560), await DecodedAsync(signatures, Body(Chunks, "\r\n")));
    }

    [Fact]
    public async Task An_upload_in_signed_chunks_with_a_signed_trailer()
    {
        const string Trailer = "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n";
        Assert.Equal(new string('a', 66_560), await DecodedAsync(Seed(), Body(ChunksBeforeTrailer, Trailer)));
        await MismatchAsync(Trailer.Replace("sOO8", "sOO9", StringComparison.Ordinal));
        await MismatchAsync(Trailer.Replace("2e435", "2e436", StringComparison.Ordinal));
        await MismatchAsync(Trailer.Replace("crc32c:", "crc32:", StringComparison.Ordinal));
        await MismatchAsync("x-amz-checksum-crc32c:sOO8/Q==\r\n\r\n");
        await MismatchAsync("\r\n");
        await MismatchAsync("x-amz-meta-more:1\r\n" + Trailer);

        static ChunkSignatures Seed() => Verifier().Verify(
            Upload("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", ["x-amz-trailer: x-amz-checksum-crc32c"], "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e")).Chunks!;

        static async Task MismatchAsync(string trailer) =>
            Assert.Equal("SignatureDoesNotMatch", (await Assert.ThrowsAsync<S3Exception>(() => DecodedAsync(Seed(), Body(ChunksBeforeTrailer, trailer)))).Error.Code);
    }

    private static DefaultHttpContext Upload(string payload, string[] headers, string signature)
    {
        DefaultHttpContext http = Request("PUT", "/examplebucket/chunkObject.txt",
        [
            "content-encoding: aws-chunked", $"x-amz-content-sha256: {payload}", $"x-amz-date: {Timestamp}", "x-amz-decoded-content-length: 66560", "x-amz-storage-class: REDUCED_REDUNDANCY", .. headers,
            .. payload.EndsWith("TRAILER", StringComparison.Ordinal) ? (string[])[] : ["content-length: 66824"],
        ], host: "s3.amazonaws.com");
        Authorize(http, signature);
        return http;
    }

    private static byte[] Body(string[] signatures, string end) => Encoding.ASCII.GetBytes(
        $"10000;chunk-signature={signatures[0]}\r\n{new string('a', 65_536)}\r\n400;chunk-signature={signatures[1]}\r\n{new string('a', 1024)}\r\n0;chunk-signature={signatures[2]}\r\n{end}");

    private static async Task<string> DecodedAsync(ChunkSignatures signatures, byte[] body)
    {
        using (signatures)
        {
            await using var stream = new AwsChunkedStream(PipeReader.Create(new MemoryStream(body)), signatures);
            using var decoded = new MemoryStream();
            await stream.CopyToAsync(decoded);
            return Encoding.ASCII.GetString(decoded.ToArray());
        }
    }

    private static DefaultHttpContext Request(string method, string target, string[] headers, string host = "examplebucket.s3.amazonaws.com")
    {
        var http = new DefaultHttpContext();
        IHttpRequestFeature request = http.Features.GetRequiredFeature<IHttpRequestFeature>();
        string[] parts = target.Split('?', 2);
        (request.Method, request.RawTarget, request.Path, request.QueryString) = (method, target, parts[0], parts.Length > 1 ? "?" + parts[1] : "");
        request.Headers.Host = host;
        foreach (string header in headers) request.Headers[header.Split(':', 2)[0]] = header.Split(':', 2)[1].Trim();
        return http;
    }

    private static void Authorize(DefaultHttpContext http, string signature)
    {
        http.Request.Headers.Remove("Authorization");
        string signed = string.Join(';', http.Request.Headers.Keys.Select(k => k.ToLowerInvariant()).Order(StringComparer.Ordinal));
        http.Request.Headers.Authorization = $"AWS4-HMAC-SHA256 Credential={Credential},SignedHeaders={signed},Signature={signature}";
    }

    private static string CanonicalDigest(HttpContext http, string payload)
    {
        var text = new CanonicalText(new byte[16]);
        try
        {
            CanonicalRequest.Write(http, SignatureClaim.Of(http.Request), payload, ref text);
            return Convert.ToHexStringLower(SHA256.HashData(text.Written));
        }
        finally
        {
            text.Dispose();
        }
    }

    private static SignatureV4 Verifier(TimeSpan later = default) => new(new AccessKeyRing(Key), new FakeClock(new DateTimeOffset(2013, 5, 24, 0, 0, 0, TimeSpan.Zero) + later));
}
