using Xunit;

namespace Strata.Server.Tests;

/// <summary>Paths as they stand in the request line: nothing between the client and the store may turn one key into another.</summary>
public class KeyTests : ServerTests
{
    [Theory]
    [InlineData("/main/a/../b")]
    [InlineData("/main/../main/b")]
    [InlineData("/main/a/%2e%2e/b")]
    [InlineData("/main/a%2F..%2Fb")]
    [InlineData("/main/./b")]
    [InlineData("/main//b")]
    [InlineData("/main/a//b")]
    [InlineData("/main/a%2F%2Fb")]
    [InlineData("/main/%01b")]
    [InlineData("/main/a%0Ab")]
    public async Task A_path_that_is_no_key_is_refused(string path)
    {
        string answer = await PutAsync(path);
        Assert.StartsWith("HTTP/1.1 400", answer);
        Assert.Contains("<Code>InvalidArgument</Code>", answer);
        Assert.Empty(await Running.Store.EnumerateAsync().ToListAsync());
    }

    [Theory]
    [InlineData("/main/%zz")]
    [InlineData("/main/%f")]
    [InlineData("/main/%ff")]
    [InlineData("/main/%c3%28")]
    public async Task Malformed_escapes_are_refused(string path)
    {
        string answer = await PutAsync(path);
        Assert.StartsWith("HTTP/1.1 400", answer);
        Assert.Contains("<Code>InvalidURI</Code>", answer);
    }

    [Fact]
    public async Task A_key_that_is_too_long_says_so()
    {
        Assert.Contains("<Code>KeyTooLongError</Code>", await PutAsync("/main/" + new string('k', 1025)));
        Assert.StartsWith("HTTP/1.1 200", await PutAsync("/main/" + new string('k', 1024)));
    }

    [Theory]
    [InlineData("/main/a%2Fb", "a/b")]
    [InlineData("/main/a+b", "a+b")]
    [InlineData("/main/a%20b", "a b")]
    [InlineData("/main/folder/", "folder/")]
    [InlineData("/main/...", "...")]
    [InlineData("/main/%F0%9F%98%80", "\U0001F600")]
    [InlineData("/main/a%3Fb", "a?b")]
    [InlineData("http://HOST/main/absolute", "absolute")]
    public async Task Escapes_are_decoded_once(string path, string key)
    {
        Assert.StartsWith("HTTP/1.1 200", await PutAsync(path.Replace("HOST", Running.Server.Address.Authority, StringComparison.Ordinal)));
        Assert.Equal([key], (await Running.Store.EnumerateAsync().ToListAsync()).Select(i => i.Key.Value));
    }

    [Theory]
    [InlineData("//main/k")]
    [InlineData("/%2Fmain/k")]
    [InlineData("/../etc/passwd")]
    [InlineData("/_strata/../main/k")]
    [InlineData("/nowhere/k")]
    public async Task Other_buckets_do_not_exist(string path)
    {
        string answer = await PutAsync(path);
        Assert.StartsWith("HTTP/1.1 404", answer);
        Assert.Contains("<Code>NoSuchBucket</Code>", answer);
    }

    private Task<string> PutAsync(string path) => RawConnection.SendAsync(Running.Server.Address, $"PUT {path}", "Content-Length: 1\r\n", "x");
}
