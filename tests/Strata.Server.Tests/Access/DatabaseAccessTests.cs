using Xunit;

namespace Strata.Server.Tests;

/// <summary>What the page asks of KV databases is for admin keys alone: there are no rights on single databases.</summary>
public sealed class DatabaseAccessTests : AccessTests
{
    private const string Root = "/_strata/v1/databases";

    protected override StrataServerOptions Options => base.Options with { KvTokens = [new KvToken("a-token-of-everything")] };

    [Theory]
    [InlineData("GET", "")]
    [InlineData("GET", "/app/queues")]
    [InlineData("GET", "/app/entries")]
    [InlineData("GET", "/app/entry?id=AmEA")]
    [InlineData("DELETE", "/app/entry?id=AmEA&versionstamp=00000000000000010000")]
    [InlineData("PUT", "/app/entry")]
    public async Task A_key_without_all_rights_and_a_token_of_a_database_see_nothing_of_them(string method, string path)
    {
        Kv kv = await Running.DatabaseAsync("app");
        await kv.SetAsync(["a"], "confidential");
        string body = method == "PUT" ? """{"key":"[\"new\"]","value":"1"}""" : "";
        string refused = await Sign(method, Root + path, body, key: Writer).SendAsync(Address);
        Assert.StartsWith("HTTP/1.1 403 ", refused, StringComparison.Ordinal);
        SignedMessage tokened = Sign(method, Root + path, body).With("Authorization", "Bearer a-token-of-everything");
        string unknown = await tokened.SendAsync(Address);
        Assert.StartsWith("HTTP/1.1 401 ", unknown, StringComparison.Ordinal);
        Assert.DoesNotContain("confidential", refused + unknown, StringComparison.Ordinal);
        Assert.DoesNotContain("\"app\"", refused + unknown, StringComparison.Ordinal);
        Assert.Equal(1, await kv.CountAsync(KvSelector.All));
        string served = await Sign(method, Root + path, body).SendAsync(Address);
        Assert.True(served.StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal) || served.StartsWith("HTTP/1.1 412 ", StringComparison.Ordinal), served);
    }
}
