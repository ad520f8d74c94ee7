using System.Security.Cryptography;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>The real curl.</summary>
public class CurlTests : ServerTests
{
    [Fact]
    public async Task Uploads_reads_ranges_and_asks_for_headers()
    {
        byte[] bytes = RandomNumberGenerator.GetBytes(200_000);
        string source = Path.Combine(Running.Folder, "source"), back = Path.Combine(Running.Folder, "back");
        await File.WriteAllBytesAsync(source, bytes);
        string url = new Uri(Running.Server.Address, "main/from-curl").ToString();

        Assert.Contains("HTTP/1.1 200", (await CurlAsync("-T", source, url, "-i", "-H", "x-amz-meta-who: curl")));
        await CurlAsync(url, "-o", back);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(back));
        await CurlAsync(url, "-o", back, "-r", "100-199");
        Assert.Equal(bytes[100..200], await File.ReadAllBytesAsync(back));
        await CurlAsync(url, "-o", back, "-r", "-7");
        Assert.Equal(bytes[^7..], await File.ReadAllBytesAsync(back));

        string head = await CurlAsync("-I", url);
        Assert.Contains("Content-Length: 200000", head);
        Assert.Contains("x-amz-meta-who: curl", head);
        Assert.Contains("x-amz-request-id:", head);
        Assert.Contains("x-strata-tier: ", await CurlAsync(url, "-o", back, "-D", "-"));
    }

    [Fact]
    public async Task Uploads_by_chunks_without_a_length()
    {
        byte[] bytes = RandomNumberGenerator.GetBytes(500_000);
        string source = Path.Combine(Running.Folder, "source");
        await File.WriteAllBytesAsync(source, bytes);
        await CurlAsync("-T", source, new Uri(Running.Server.Address, "main/chunked").ToString(), "-H", "Transfer-Encoding: chunked");
        Assert.Equal(bytes, await Running.Store.GetBytesAsync(BlobKey.Parse("chunked")));
    }

    private static async Task<string> CurlAsync(params string[] arguments) => (await CommandRun.OfAsync("curl", ["-sS", "--max-time", "30", .. arguments])).Successful;
}
