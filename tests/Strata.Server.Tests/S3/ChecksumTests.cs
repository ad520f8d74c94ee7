using System.Net;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>A checksum that a client gave is kept, told to who asks for it, and goes along with the content.</summary>
public class ChecksumTests : ServerTests
{
    /// <summary>Published check values of "123456789", in Base64.</summary>
    public static TheoryData<string, string> Values => new()
    {
        { "CRC32", "y/Q5Jg==" },
        { "CRC32C", "4waSgw==" },
        { "CRC64NVME", "rosUhgp5mIg=" },
        { "SHA1", "98O8HYCOBHMq32eZZczDTKeuNEE=" },
        { "SHA256", "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=" },
    };

    [Theory]
    [MemberData(nameof(Values))]
    public async Task What_was_given_is_told_to_who_asks(string algorithm, string value)
    {
        string header = $"x-amz-checksum-{algorithm.ToLowerInvariant()}";
        using HttpResponseMessage put = await SendAsync("PUT", "main/k", (header, value));
        Assert.Equal(value, put.Headers.GetValues(header).Single());
        Assert.Equal("FULL_OBJECT", put.Headers.GetValues("x-amz-checksum-type").Single());
        foreach (string method in new[] { "GET", "HEAD" })
        {
            using HttpResponseMessage asked = await SendAsync(method, "main/k", ("x-amz-checksum-mode", "ENABLED"));
            Assert.Equal(value, asked.Headers.GetValues(header).Single());
            Assert.Equal("FULL_OBJECT", asked.Headers.GetValues("x-amz-checksum-type").Single());
            Assert.Single(asked.Headers, h => h.Key.StartsWith("x-amz-checksum-", StringComparison.OrdinalIgnoreCase) && h.Key != "x-amz-checksum-type");
            Assert.DoesNotContain(asked.Headers, h => h.Key.StartsWith("x-amz-m", StringComparison.OrdinalIgnoreCase));
            using HttpResponseMessage unasked = await SendAsync(method, "main/k");
            Assert.False(unasked.Headers.Contains(header));
        }

        using HttpResponseMessage attributes = await SendAsync("GET", "main/k?attributes", ("x-amz-object-attributes", "Checksum,ObjectSize"), ("x-amz-object-attributes", "ETag"));
        string xml = await attributes.Content.ReadAsStringAsync();
        Assert.Contains($"<Checksum><Checksum{algorithm}>{value}</Checksum{algorithm}><ChecksumType>FULL_OBJECT</ChecksumType></Checksum>", xml);
        Assert.Contains("<ObjectSize>9</ObjectSize>", xml);
        Assert.Contains("<ETag>25f9e794323b453885f5181f1b624d0b</ETag>", xml);
        Assert.DoesNotContain("StorageClass", xml);
    }

    [Theory]
    [MemberData(nameof(Values))]
    public async Task What_was_only_named_is_computed(string algorithm, string value)
    {
        foreach (string naming in new[] { "x-amz-sdk-checksum-algorithm", "x-amz-checksum-algorithm" })
        {
            using HttpResponseMessage put = await SendAsync("PUT", "main/k", (naming, algorithm));
            Assert.Equal(value, put.Headers.GetValues($"x-amz-checksum-{algorithm.ToLowerInvariant()}").Single());
            Assert.Equal(value, await ChecksumAsync("main/k", algorithm));
        }
    }

    [Fact]
    public async Task A_large_body_keeps_its_checksum_too()
    {
        // zlib.crc32 of 100,000 zeros.
        using HttpResponseMessage put = await SendAsync("PUT", "main/k", new byte[100_000], ("x-amz-sdk-checksum-algorithm", "CRC32"), ("x-amz-meta-color", "blue"));
        string value = Convert.ToBase64String(Crc32OfZeros(100_000));
        Assert.Equal(value, await ChecksumAsync("main/k", "CRC32"));
        BlobInfo info = (await Running.Store.StatAsync(BlobKey.Parse("k")))!;
        Assert.Equal("blue", info.Metadata["color"]);
    }

    [Fact]
    public async Task A_plain_object_has_no_metadata_of_ours()
    {
        using HttpResponseMessage put = await SendAsync("PUT", "main/k");
        Assert.Empty((await Running.Store.StatAsync(BlobKey.Parse("k")))!.Metadata);
        Assert.Equal("4waSgw==", await ChecksumAsync("main/k", "CRC32C"));
    }

    [Theory]
    [InlineData("x-amz-checksum-crc32", "y/Q5Jg==", "x-amz-checksum-sha1", "98O8HYCOBHMq32eZZczDTKeuNEE=", HttpStatusCode.BadRequest)]
    [InlineData("x-amz-checksum-crc32", "y/Q5Jg==", "x-amz-sdk-checksum-algorithm", "SHA1", HttpStatusCode.BadRequest)]
    [InlineData("x-amz-checksum-crc32", "y/Q5Jg==", "x-amz-sdk-checksum-algorithm", "ROT13", HttpStatusCode.BadRequest)]
    [InlineData("x-amz-checksum-crc32", "y/Q5Jg==", "x-amz-sdk-checksum-algorithm", "crc32", HttpStatusCode.OK)]
    [InlineData("x-amz-checksum-md6", "AAAA", "x-amz-acl", "private", HttpStatusCode.NotImplemented)]
    [InlineData("x-amz-acl", "public-read", "x-amz-storage-class", "STANDARD", HttpStatusCode.NotImplemented)]
    [InlineData("x-amz-acl", "bucket-owner-full-control", "x-amz-storage-class", "STANDARD", HttpStatusCode.OK)]
    [InlineData("x-amz-grant-read", "id=x", "x-amz-storage-class", "STANDARD", HttpStatusCode.NotImplemented)]
    [InlineData("x-amz-acl", "private", "x-amz-storage-class", "GLACIER", HttpStatusCode.NotImplemented)]
    public async Task What_contradicts_itself_or_is_unknown_is_refused(string first, string value, string second, string other, HttpStatusCode status)
    {
        using HttpResponseMessage put = await SendAsync("PUT", "main/k", (first, value), (second, other));
        Assert.Equal(status, put.StatusCode);
    }

    [Fact]
    public async Task A_copy_has_the_checksum_of_its_source_or_the_one_it_asks_for()
    {
        using HttpResponseMessage put = await SendAsync("PUT", "main/k", ("x-amz-checksum-sha1", "98O8HYCOBHMq32eZZczDTKeuNEE="), ("x-amz-meta-a", "1"));
        foreach (string target in new[] { "main/copy", "other/copy" })
        {
            using HttpResponseMessage copied = await SendAsync("PUT", target, [], ("x-amz-copy-source", "/main/k"));
            Assert.Contains("<ChecksumSHA1>98O8HYCOBHMq32eZZczDTKeuNEE=</ChecksumSHA1>", await copied.Content.ReadAsStringAsync());
            Assert.Equal("98O8HYCOBHMq32eZZczDTKeuNEE=", await ChecksumAsync(target, "SHA1"));

            using HttpResponseMessage replaced = await SendAsync("PUT", target, [], ("x-amz-copy-source", "/main/k"), ("x-amz-metadata-directive", "REPLACE"), ("x-amz-meta-b", "2"));
            Assert.Equal("98O8HYCOBHMq32eZZczDTKeuNEE=", await ChecksumAsync(target, "SHA1"));
            using HttpResponseMessage head = await SendAsync("HEAD", target);
            Assert.Equal("2", head.Headers.GetValues("x-amz-meta-b").Single());
            Assert.False(head.Headers.Contains("x-amz-meta-a"));

            using HttpResponseMessage computed = await SendAsync("PUT", target, [], ("x-amz-copy-source", "/main/k"), ("x-amz-checksum-algorithm", "CRC64NVME"));
            Assert.Equal(HttpStatusCode.OK, computed.StatusCode);
            Assert.Equal("rosUhgp5mIg=", await ChecksumAsync(target, "CRC64NVME"));
            using HttpResponseMessage kept = await SendAsync("HEAD", target);
            Assert.Equal("1", kept.Headers.GetValues("x-amz-meta-a").Single());
        }

        using HttpResponseMessage self = await SendAsync("PUT", "main/k", [], ("x-amz-copy-source", "main/k?versionId=null"), ("x-amz-checksum-algorithm", "SHA256"));
        Assert.Equal(HttpStatusCode.OK, self.StatusCode);
        Assert.Equal("FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=", await ChecksumAsync("main/k", "SHA256"));
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("CRC32 FULL_OBJECT AAAA")]
    [InlineData("CRC32 COMPOSITE y/Q5Jg==")]
    [InlineData("CRC32 FULL_OBJECT y/Q5Jg==\r\nX-Injected: 1")]
    [InlineData("CRC32 COMPOSITE y/Q5Jg==-\r\nX: 1")]
    public async Task What_others_wrote_where_a_checksum_is_kept_is_none(string kept)
    {
        await Running.Store.PutBytesAsync(BlobKey.Parse("k"), "123456789"u8.ToArray(), new WriteOptions { Metadata = new Dictionary<string, string> { ["s3:checksum"] = kept } });
        Assert.Equal("4waSgw==", await ChecksumAsync("main/k", "CRC32C"));
    }

    [Fact]
    public async Task No_header_names_what_is_reserved()
    {
        string answer = await RawConnection.SendAsync(Running.Server.Address, "PUT /main/k", "Content-Length: 0\r\nx-amz-meta-s3:tags: a\r\nx-amz-meta-s3%3Atags: b\r\n");
        Assert.StartsWith("HTTP/1.1 ", answer);
        Assert.DoesNotContain("s3:tags", (await Running.Store.StatAsync(BlobKey.Parse("k")))?.Metadata.Keys ?? []);
    }

    private async Task<string> ChecksumAsync(string path, string algorithm)
    {
        using HttpResponseMessage head = await SendAsync("HEAD", path, ("x-amz-checksum-mode", "ENABLED"));
        return head.Headers.TryGetValues($"x-amz-checksum-{algorithm.ToLowerInvariant()}", out IEnumerable<string>? values) ? values.Single() : "none";
    }

    /// <summary>Bit by bit, as the standard defines it.</summary>
    private static byte[] Crc32OfZeros(int count)
    {
        uint crc = uint.MaxValue;
        for (long bit = 0; bit < count * 8L; bit++) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320 : crc >> 1;
        crc = ~crc;
        return [(byte)(crc >> 24), (byte)(crc >> 16), (byte)(crc >> 8), (byte)crc];
    }

    private Task<HttpResponseMessage> SendAsync(string method, string path, params (string Name, string Value)[] headers) =>
        SendAsync(method, path, method == "PUT" ? "123456789"u8.ToArray() : null, headers);

    private async Task<HttpResponseMessage> SendAsync(string method, string path, byte[]? body, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = body is null ? null : new ByteArrayContent(body) };
        foreach ((string name, string value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return await Http.SendAsync(request);
    }
}
