using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>Tiering over HTTP, as the command line and the page use it.</summary>
public sealed class TieringEndpointsTests : IAsyncLifetime
{
    private const string Root = "/_strata/v1/stores/main/tiering";
    private ServedTiers _served = null!;

    public async ValueTask InitializeAsync()
    {
        _served = await ServedTiers.StartAsync();
        await _served.PutAsync("docs/a", "the first");
        await _served.PutAsync("docs/b", "the second");
    }

    public ValueTask DisposeAsync() => _served.DisposeAsync();

    [Fact]
    public async Task Figures_tell_tiers_runs_moves_and_costs()
    {
        JsonElement found = await _served.GetAsync(Root);
        Assert.Equal("main", found.GetProperty("store").GetString());
        Assert.Equal(["hot", "warm", "cold"], found.GetProperty("tiers").EnumerateArray().Select(t => t.GetProperty("name").GetString()));
        Assert.Equal(0, found.GetProperty("status").GetProperty("runs").GetInt64());
        Assert.Equal((0, 0), (found.GetProperty("moves").GetArrayLength(), found.GetProperty("pins").GetInt32()));
        Assert.Equal(JsonValueKind.Null, found.GetProperty("cost").ValueKind);

        JsonElement plain = await _served.GetAsync("/_strata/v1/stores/plain/tiering");
        Assert.Equal(1, plain.GetProperty("tiers").GetArrayLength());
        Assert.Equal(JsonValueKind.Null, plain.GetProperty("status").ValueKind);
    }

    [Fact]
    public async Task A_blob_is_promoted_explained_pinned_and_demoted()
    {
        Assert.Equal("cold", (await ExplainAsync("docs/a")).GetProperty("tier").GetString());
        Assert.Equal("Moved", await MoveAsync("promote", new { key = "docs/a" }));
        Assert.Equal("warm", (await ExplainAsync("docs/a")).GetProperty("tier").GetString());
        Assert.Equal("Moved", await MoveAsync("promote", new { key = "docs/a", tier = "hot" }));
        Assert.Equal("Unchanged", await MoveAsync("promote", new { key = "docs/a" }));
        Assert.Equal("Missing", await MoveAsync("promote", new { key = "docs/none" }));

        Assert.Equal("Moved", await MoveAsync("pin", new { key = "docs/b", tier = "warm" }));
        JsonElement pinned = await ExplainAsync("docs/b");
        Assert.Equal(("warm", "warm", "Pin"), (pinned.GetProperty("tier").GetString(), pinned.GetProperty("pin").GetString(), pinned.GetProperty("belongs").GetProperty("cause").GetString()));
        Assert.Contains("pinned", pinned.GetProperty("why").GetString());
        JsonElement pin = Assert.Single((await _served.GetAsync($"{Root}/pins")).EnumerateArray());
        Assert.Equal(("docs/b", "warm"), (pin.GetProperty("key").GetString(), pin.GetProperty("tier").GetString()));
        Assert.True((await PostAsync("unpin", new { key = "docs/b" })).GetProperty("wasPinned").GetBoolean());
        Assert.False((await PostAsync("unpin", new { key = "docs/b" })).GetProperty("wasPinned").GetBoolean());

        Assert.Equal("Moved", await MoveAsync("demote", new { key = "docs/a", tier = "cold" }));
        Assert.Equal(1, (await _served.GetAsync(Root)).GetProperty("tiers")[0].GetProperty("demotions").GetInt64());
        Assert.Equal(["cold"], (await ExplainAsync("docs/a")).GetProperty("tiers").EnumerateArray().Select(t => t.GetString()));
    }

    [Fact]
    public async Task A_run_and_what_keeps_tiers_in_order_answer_in_lines()
    {
        JsonElement dry = await ResultAsync("run", new { dryRun = true });
        Assert.True(dry.GetProperty("isDryRun").GetBoolean());
        Assert.Equal("Done", dry.GetProperty("end").GetString());
        Assert.False((await ResultAsync("run", new { })).GetProperty("isDryRun").GetBoolean());
        JsonElement status = (await _served.GetAsync(Root)).GetProperty("status");
        Assert.Equal((1, 1), (status.GetProperty("runs").GetInt64(), status.GetProperty("recent").GetArrayLength()));

        Assert.Equal(2, (await ResultAsync("bootstrap", new { tier = "warm" })).GetProperty("copied").GetInt64());
        Assert.True((await ResultAsync("scrub", new { readBytes = true })).GetProperty("isClean").GetBoolean());
        Assert.Equal(1, (await ResultAsync("invalidate", new { key = "docs/a" })).GetProperty("copies").GetInt64());
        Assert.Equal(1, (await ResultAsync("invalidate", new { prefix = "docs/" })).GetProperty("copies").GetInt64());
        Assert.Equal(2, (await ResultAsync("bootstrap", new { tier = "hot", from = "cold", by = "Modified" })).GetProperty("copied").GetInt64());
        Assert.Equal(2, (await ResultAsync("clear", new { tier = "hot" })).GetProperty("copies").GetInt64());
        Assert.Equal(0, (await ResultAsync("invalidate", new { all = true })).GetProperty("copies").GetInt64());
    }

    [Fact]
    public async Task An_export_comes_whole_and_can_be_given_back()
    {
        string file = await _served.Http.GetStringAsync($"{Root}/export");
        Assert.Equal(4, file.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Equal(2, (await LastAsync(await _served.Http.PostAsync($"{Root}/import", new StringContent(file)))).GetProperty("result").GetProperty("unchanged").GetInt64());

        using HttpResponseMessage cut = await _served.Http.PostAsync($"{Root}/import", new StringContent(file[..^20]));
        Assert.Equal(HttpStatusCode.InternalServerError, cut.StatusCode);
        Assert.Contains("export", (await cut.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("message").GetString());
    }

    [Theory]
    [InlineData("promote", """{"key":"docs/a","tier":"lukewarm"}""", "hot, warm, cold")]
    [InlineData("demote", """{"key":"docs/a","tier":"lukewarm"}""", "hot, warm, cold")]
    [InlineData("pin", """{"key":"docs/a","tier":"lukewarm"}""", "hot, warm, cold")]
    [InlineData("clear", """{"tier":"lukewarm"}""", "hot, warm, cold")]
    [InlineData("bootstrap", """{"tier":"lukewarm"}""", "hot, warm, cold")]
    [InlineData("clear", """{"tier":"cold"}""", "origin")]
    [InlineData("promote", """{"key":"docs/a","keepInSource":true}""", "demote")]
    [InlineData("promote", """{"tier":"hot"}""", "key")]
    [InlineData("pin", """{"key":"docs/a"}""", "tier")]
    [InlineData("pin", """{"key":"a//b","tier":"hot"}""", "empty segment")]
    [InlineData("run", """{"dry_run":true}""", "dry_run")]
    [InlineData("run", """{"maxOperations":0}""", "MaxOperations")]
    [InlineData("run", "null", "null")]
    [InlineData("run", "{", "")]
    [InlineData("invalidate", "{}", "key")]
    [InlineData("invalidate", """{"key":"docs/a","all":true}""", "One of")]
    [InlineData("scrub", """{"maxKeys":0}""", "MaxKeys")]
    public async Task What_is_wrong_is_said_and_changes_nothing(string operation, string body, string says)
    {
        using HttpResponseMessage answer = await _served.Http.PostAsync($"{Root}/{operation}", new StringContent(body, Encoding.UTF8, "application/json"));
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains(says, (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("message").GetString());
        Assert.Equal(0, (await _served.GetAsync($"{Root}/pins")).GetArrayLength());
        Assert.Equal("cold", (await ExplainAsync("docs/a")).GetProperty("tier").GetString());
    }

    [Fact]
    public async Task What_is_not_there_is_404_and_a_store_without_tiers_501()
    {
        Assert.Equal(HttpStatusCode.NotFound, (await _served.Http.GetAsync($"{Root}/explain?key=none")).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await _served.Http.GetAsync($"{Root}/explain")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await _served.Http.GetAsync("/_strata/v1/stores/none/tiering")).StatusCode);
        Assert.Equal(HttpStatusCode.NotImplemented, (await _served.Http.PostAsync("/_strata/v1/stores/plain/tiering/run", new StringContent("{}"))).StatusCode);
        Assert.Equal(HttpStatusCode.NotImplemented, (await _served.Http.GetAsync("/_strata/v1/stores/plain/tiering/export")).StatusCode);
    }

    [Fact]
    public async Task A_body_that_is_too_long_is_refused()
    {
        using HttpResponseMessage answer = await _served.Http.PostAsync($"{Root}/pin", new StringContent($$"""{"key":"{{new string('k', 128 << 10)}}","tier":"hot"}"""));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
    }

    [Theory]
    [InlineData("Origin", "https://evil.example")]
    [InlineData("Sec-Fetch-Site", "cross-site")]
    public async Task A_page_of_somebody_else_changes_nothing(string header, string value)
    {
        foreach (string operation in (string[])["promote", "demote", "pin", "unpin", "run", "bootstrap", "clear", "invalidate", "scrub", "import"])
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"{Root}/{operation}") { Content = new StringContent("""{"key":"docs/a","tier":"hot"}""") };
            request.Headers.Add(header, value);
            using HttpResponseMessage answer = await _served.Http.SendAsync(request);
            Assert.True(answer.StatusCode == HttpStatusCode.Forbidden, $"{operation} answered {answer.StatusCode}.");
        }

        Assert.Equal(0, (await _served.GetAsync($"{Root}/pins")).GetArrayLength());
    }

    private Task<JsonElement> ExplainAsync(string key) => _served.GetAsync($"{Root}/explain?key={Uri.EscapeDataString(key)}");

    private async Task<string?> MoveAsync(string operation, object body) => (await PostAsync(operation, body)).GetProperty("status").GetString();

    private async Task<JsonElement> PostAsync(string operation, object body)
    {
        using HttpResponseMessage answer = await _served.Http.PostAsJsonAsync($"{Root}/{operation}", body);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }

    private async Task<JsonElement> ResultAsync(string operation, object body) => (await LastAsync(await _served.Http.PostAsJsonAsync($"{Root}/{operation}", body))).GetProperty("result");

    private static async Task<JsonElement> LastAsync(HttpResponseMessage answer)
    {
        using (answer)
        {
            string text = await answer.Content.ReadAsStringAsync();
            Assert.True(answer.IsSuccessStatusCode, text);
            return JsonDocument.Parse(text.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]).RootElement;
        }
    }
}
