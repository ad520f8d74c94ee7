using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Xunit;

namespace Strata.Server.Tests;

public sealed class AdminTests
{
    private const string Main = "/_strata/v1/stores/main";

    [Fact]
    public async Task Health_answers_ok()
    {
        await using ServedTiers served = await ServedTiers.StartAsync();
        Assert.Equal("""{"status":"ok"}""", await served.Http.GetStringAsync("/_strata/health"));
    }

    [Fact]
    public async Task Stores_show_each_tier_and_a_store_without_tiers_shows_one()
    {
        await using ServedTiers served = await ServedTiers.StartAsync();
        await served.PutAsync("a");
        await served.ReadAsync("a");
        await served.HoldAsync("a", "hot");
        await served.ReadAsync("a");
        Assert.Null(await served.Main.ReadAsync(BlobKey.Parse("nothing")));

        JsonElement stores = await served.GetAsync("/_strata/v1/stores");
        Assert.Equal(["main", "plain"], stores.EnumerateArray().Select(s => s.GetProperty("name").GetString()));
        JsonElement main = stores[0];
        Assert.Equal("""{"hits":2,"misses":1}""", main.GetProperty("reads").GetRawText());
        Assert.Equal(["hot", "warm", "cold"], main.GetProperty("tiers").EnumerateArray().Select(t => t.GetProperty("name").GetString()));
        JsonElement hot = main.GetProperty("tiers")[0];
        Assert.Equal(1, hot.GetProperty("hits").GetInt64());
        Assert.Equal(1, hot.GetProperty("promotions").GetInt64());
        Assert.Equal(256 << 10, hot.GetProperty("maxBytes").GetInt64());
        Assert.False(hot.GetProperty("isOrigin").GetBoolean());
        Assert.True(main.GetProperty("tiers")[2].GetProperty("isOrigin").GetBoolean());
        JsonElement plain = Assert.Single(stores[1].GetProperty("tiers").EnumerateArray());
        Assert.Equal("plain", plain.GetProperty("name").GetString());
        Assert.Equal(0, plain.GetProperty("blobs").GetInt64());
    }

    [Fact]
    public async Task Listings_have_prefix_delimiter_and_pages()
    {
        await using ServedTiers served = await ServedTiers.StartAsync();
        foreach (string key in (string[])["docs/a", "docs/b", "docs/c/d", "other"]) await served.PutAsync(key);

        JsonElement first = await served.GetAsync($"{Main}/blobs?prefix=docs/&delimiter=/&limit=2");
        Assert.Equal(["docs/a", "docs/b"], Keys(first));
        Assert.Equal(0, first.GetProperty("prefixes").GetArrayLength());
        string token = first.GetProperty("token").GetString()!;
        JsonElement second = await served.GetAsync($"{Main}/blobs?prefix=docs/&delimiter=/&limit=2&token={token}");
        Assert.Empty(Keys(second));
        Assert.Equal("docs/c/", second.GetProperty("prefixes")[0].GetString());
        Assert.Equal(JsonValueKind.Null, second.GetProperty("token").ValueKind);
        Assert.Equal(["other"], Keys(await served.GetAsync($"{Main}/blobs?startAfter=docs/c/d&prefix=&delimiter=&token=")));
    }

    [Fact]
    public async Task Locate_tells_the_blob_and_its_tiers()
    {
        await using ServedTiers served = await ServedTiers.StartAsync();
        await served.PutAsync("päth/a b", options: new WriteOptions { ContentType = "text/plain", Metadata = new Dictionary<string, string> { ["by"] = "Zoë" } });

        JsonElement before = await served.GetAsync($"{Main}/locate?key={Uri.EscapeDataString("päth/a b")}");
        Assert.Equal(["cold"], before.GetProperty("tiers").EnumerateArray().Select(t => t.GetString()));
        await served.ReadAsync("päth/a b");
        await served.HoldAsync("päth/a b", "hot");
        JsonElement after = await served.GetAsync($"{Main}/locate?key={Uri.EscapeDataString("päth/a b")}");
        Assert.Contains("hot", after.GetProperty("tiers").EnumerateArray().Select(t => t.GetString()));
        JsonElement info = after.GetProperty("info");
        Assert.Equal("päth/a b", info.GetProperty("key").GetString());
        Assert.Equal(10, info.GetProperty("length").GetInt64());
        Assert.Equal("text/plain", info.GetProperty("contentType").GetString());
        Assert.Equal("Zoë", info.GetProperty("metadata").GetProperty("by").GetString());
        Assert.Equal(16, info.GetProperty("version").GetString()!.Length);
        Assert.Equal(8, info.GetProperty("checksum").GetString()!.Length);
    }

    [Theory]
    [InlineData("/blobs?limit=0", "limit")]
    [InlineData("/blobs?limit=10001", "limit")]
    [InlineData("/blobs?limit=-1", "limit")]
    [InlineData("/blobs?limit=ten", "limit")]
    [InlineData("/blobs?limit=1&limit=2", "limit")]
    [InlineData("/blobs?token=nonsense", "token")]
    [InlineData("/blobs?prefix=a&prefix=b", "prefix")]
    [InlineData("/locate", "key")]
    [InlineData("/locate?key=", "key")]
    [InlineData("/locate?key=a/../b", "..")]
    [InlineData("/locate?key=a%00b", "control")]
    public async Task Bad_input_is_refused_and_the_message_names_it(string request, string named)
    {
        await using ServedTiers served = await ServedTiers.StartAsync();
        JsonElement error = await FailureAsync(served, Main + request, HttpStatusCode.BadRequest, "Argument");
        Assert.Contains(named, error.GetProperty("message").GetString());
    }

    [Fact]
    public async Task A_prefix_longer_than_any_key_is_refused()
    {
        await using ServedTiers served = await ServedTiers.StartAsync();
        await FailureAsync(served, $"{Main}/blobs?prefix={new string('x', BlobKey.MaxBytes + 1)}", HttpStatusCode.BadRequest, "Argument");
    }

    [Fact]
    public async Task What_is_not_there_is_a_404_that_says_so()
    {
        await using ServedTiers served = await ServedTiers.StartAsync();
        await FailureAsync(served, "/_strata/v1/stores/other/blobs", HttpStatusCode.NotFound, "UnknownStore");
        await FailureAsync(served, "/_strata/v1/stores/other/locate?key=a", HttpStatusCode.NotFound, "UnknownStore");
        await FailureAsync(served, $"{Main}/locate?key=a", HttpStatusCode.NotFound, "Missing");
    }

    private static IEnumerable<string?> Keys(JsonElement page) => page.GetProperty("items").EnumerateArray().Select(i => i.GetProperty("key").GetString());

    private static async Task<JsonElement> FailureAsync(ServedTiers served, string request, HttpStatusCode status, string kind)
    {
        using HttpResponseMessage response = await served.Http.GetAsync(request);
        Assert.Equal(status, response.StatusCode);
        JsonElement error = await response.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal(kind, error.GetProperty("kind").GetString());
        return error;
    }
}
