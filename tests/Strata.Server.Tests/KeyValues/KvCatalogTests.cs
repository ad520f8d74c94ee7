using System.Net;
using Strata.KvConnect;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>Which databases strangers reach, and how many they can make.</summary>
public sealed class KvCatalogTests
{
    private const string Everything = "a-token-of-everything";
    private static readonly byte[] Key = [2, 97, 0];

    [Theory]
    [InlineData("NO")]
    [InlineData("a")]
    [InlineData("-app")]
    [InlineData("a%2Fb%2F..")]
    [InlineData("%C3%A4pp")]
    public async Task A_name_that_no_database_can_have_is_not_found_by_any_call(string name)
    {
        await using RunningServer running = await StartAsync();
        foreach (string call in (string[])["", "/snapshot_read", "/atomic_write", "/watch"])
        {
            using HttpResponseMessage answer = await ClientOf(running, name).SendAsync(HttpMethod.Post, call, "{}"u8.ToArray());
            Assert.True(HttpStatusCode.NotFound == answer.StatusCode, $"/_kv/{name}{call} gave {answer.StatusCode}: a client would be told of a database that cannot be");
        }

        Assert.False(Directory.Exists(Path.Combine(running.Folder, "kv")));
    }

    [Fact]
    public async Task A_token_makes_as_many_databases_as_may_be_and_opens_those_that_are_there()
    {
        await using RunningServer running = await StartAsync(("Strata:Kv:configured", "memory:"));
        Assert.Equal(HttpStatusCode.OK, await SetAsync(running, "configured"));
        for (int n = 0; n < 3; n++) Assert.Equal(HttpStatusCode.OK, await SetAsync(running, $"made{n}"));
        Assert.Equal(HttpStatusCode.Forbidden, await SetAsync(running, "one-more"));
        using HttpResponseMessage refused = await ClientOf(running, "one-more").AskAsync();
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.Contains("3 already", await refused.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
        for (int n = 0; n < 3; n++) Assert.Equal(HttpStatusCode.OK, await SetAsync(running, $"made{n}"));

        // The command line, on this machine, is no stranger.
        using HttpResponseMessage own = await new WireClient(running.Http, "one-more", running.Token, "/_strata/v1/kv/").CallAsync(Protocol.AtomicWrite, WireClient.Set(Key));
        Assert.Equal(HttpStatusCode.OK, own.StatusCode);
        Assert.Equal(HttpStatusCode.OK, await SetAsync(running, "one-more"));
    }

    [Fact]
    public async Task Of_databases_that_are_asked_for_at_once_no_more_are_made_than_may_be()
    {
        // Who counts before the others have made theirs counts too few.
        await using RunningServer running = await StartAsync();
        HttpStatusCode[] answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(n => SetAsync(running, $"name{n}")));
        Assert.Equal(3, answers.Count(a => a == HttpStatusCode.OK));
        Assert.Equal(17, answers.Count(a => a == HttpStatusCode.Forbidden));
        Assert.Equal(3, Directory.GetDirectories(Path.Combine(running.Folder, "kv")).Length);
    }

    [Fact]
    public async Task A_wrong_setting_is_told_to_whoever_runs_the_server_and_for_good()
    {
        await using RunningServer running = await StartAsync(("Strata:Kv:app", "file:/nowhere/secret-place?durabilty=flush"));
        using HttpResponseMessage answer = await ClientOf(running, "app").CallAsync(Protocol.AtomicWrite, WireClient.Set(Key));
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        string text = await answer.Content.ReadAsStringAsync(Token);
        Assert.Contains("log", text, StringComparison.Ordinal);
        Assert.DoesNotContain("durabilty", text, StringComparison.Ordinal);
        using HttpResponseMessage told = await new WireClient(running.Http, "app", running.Token, "/_strata/v1/kv/").CallAsync(Protocol.AtomicWrite, WireClient.Set(Key));
        Assert.Contains("durabilty", await told.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, await SetAsync(running, "other"));
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static Task<RunningServer> StartAsync(params (string Name, string Value)[] settings) =>
        RunningServer.StartAsync(new StrataServerOptions { Listen = "127.0.0.1:0", KvTokens = [new KvToken(Everything)], MaxKvDatabases = 3 }, null, settings);

    private static WireClient ClientOf(RunningServer running, string name) => new(running.Http, name, Everything);

    private static async Task<HttpStatusCode> SetAsync(RunningServer running, string name)
    {
        using HttpResponseMessage answer = await ClientOf(running, name).CallAsync(Protocol.AtomicWrite, WireClient.Set(Key));
        return answer.StatusCode;
    }
}
