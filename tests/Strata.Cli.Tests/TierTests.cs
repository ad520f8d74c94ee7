using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Xunit;

namespace Strata.Cli.Tests;

/// <summary>tier, on a folder of one's own and by way of the server that owns it: the same words, and the same results.</summary>
public sealed class TierTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly string _data;
    private readonly string _config;

    public TierTests()
    {
        _data = _folder["data"];
        _config = _folder.Write("strata.json", Encoding.UTF8.GetBytes(
            $$$"""
            {"Strata":{"Stores":{"main":{
              "Tiers":[{"Name":"warm","Url":"file:{{{_folder["warm"]}}}"},{"Name":"cold","Url":"file:{{{_folder["cold"]}}}"}],
              "Tiering":{"Prices":{"warm":{"PerGibMonth":0.1},"cold":{"PerGibMonth":0.02} } }
            } } } }
            """));
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_blob_is_explained_moved_and_pinned(bool isServed)
    {
        await PutAsync("docs/a", "docs/b");
        using StrataProcess? server = await ServeAsync(isServed);

        JsonElement found = (await TierAsync("explain", "main/docs/a", "--json")).Exits(0).Json;
        Assert.Equal(("docs/a", "warm"), (found.GetProperty("key").GetString(), found.GetProperty("tier").GetString()));
        Assert.NotEmpty(found.GetProperty("why").GetString()!);
        Assert.Contains("belongs in warm", (await TierAsync("explain", "main/docs/a")).Exits(0).Output);
        (await TierAsync("explain", "main/docs/none")).Fails(ExitCode.NotFound, "main/docs/none");

        Assert.Equal("Moved", (await TierAsync("demote", "main/docs/a", "--json")).Exits(0).Json.GetProperty("status").GetString());
        Assert.Equal(["cold"], await TiersOfAsync("docs/a"));
        Assert.Contains("slowest", (await TierAsync("demote", "main/docs/a")).Exits(0).Output);
        (await TierAsync("promote", "main/docs/a", "warm")).Exits(0);
        Assert.Equal(["warm", "cold"], await TiersOfAsync("docs/a"));
        (await TierAsync("promote", "main/docs/none")).Fails(ExitCode.NotFound, "main/docs/none");

        JsonElement pinned = (await TierAsync("pin", "main/docs/b", "cold", "--json")).Exits(0).Json;
        Assert.Equal(("main", "docs/b", "Moved", "cold"), (Text(pinned, "store"), Text(pinned, "key"), Text(pinned, "status"), Text(pinned, "pin")));
        Assert.Contains("no blob of it yet", (await TierAsync("pin", "main/later", "warm")).Exits(0).Output);
        Assert.Equal(["cold  docs/b", "warm  later"], (await TierAsync("pins", "main")).Exits(0).Lines);
        Assert.Equal(["docs/b", "later"], (await TierAsync("pins", "main", "--json")).Exits(0).JsonLines.Select(p => Text(p, "key")));
        Assert.True((await TierAsync("unpin", "main/docs/b", "--json")).Exits(0).Json.GetProperty("wasPinned").GetBoolean());
        Assert.Contains("was not pinned", (await TierAsync("unpin", "main/docs/b")).Exits(0).Output);
        if (server is not null) await server.StopAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Runs_and_what_keeps_tiers_in_order(bool isServed)
    {
        await PutAsync("docs/a", "docs/b", "other");
        using StrataProcess? server = await ServeAsync(isServed);

        JsonElement status = (await TierAsync("status", "--json")).Exits(0).Json;
        Assert.Equal(["warm", "cold"], status.GetProperty("tiers").EnumerateArray().Select(t => Text(t, "name")));
        Assert.Equal([3, 3], status.GetProperty("tiers").EnumerateArray().Select(t => t.GetProperty("blobs").GetInt64()));
        Assert.Equal(2, status.GetProperty("cost").GetProperty("tiers").GetArrayLength());
        string table = (await TierAsync("status", "main")).Exits(0).Output;
        Assert.All(["warm", "cold", "last run", "a month"], s => Assert.Contains(s, table));

        Assert.True((await TierAsync("run", "main", "--dry-run", "--json")).Exits(0).Json.GetProperty("isDryRun").GetBoolean());
        JsonElement ran = (await TierAsync("run", "main", "--max-operations", "10", "--max-bytes", "1MiB", "--json")).Exits(0).Json;
        Assert.Equal("Done", Text(ran, "end"));
        Assert.Empty((await TierAsync("moves", "main")).Exits(0).Output);

        Assert.Equal(1, (await TierAsync("invalidate", "main/docs/a", "--json")).Exits(0).Json.GetProperty("copies").GetInt64());
        Assert.Equal(1, (await TierAsync("invalidate", "-r", "--yes", "main/docs", "--json")).Exits(0).Json.GetProperty("copies").GetInt64());
        Assert.Equal(1, (await TierAsync("clear", "main", "warm", "--yes", "--json")).Exits(0).Json.GetProperty("copies").GetInt64());
        JsonElement filled = (await TierAsync("bootstrap", "main", "warm", "--prefix", "docs/", "--by", "modified", "--json")).Exits(0).Json;
        Assert.Equal(("cold", 2), (Text(filled, "from"), filled.GetProperty("copied").GetInt64()));
        JsonElement scrubbed = (await TierAsync("scrub", "main", "--read-bytes", "--read-origin", "--json")).Exits(0).Json;
        Assert.Equal((3, 2, true), (scrubbed.GetProperty("keys").GetInt64(), scrubbed.GetProperty("copies").GetInt64(), scrubbed.GetProperty("isClean").GetBoolean()));

        ToolResult exported = (await TierAsync("export", "main")).Exits(0);
        Assert.Equal(5, exported.Lines.Length);
        Assert.Contains("3 blobs", exported.Error);
        string file = _folder.Write("export.jsonl", exported.OutputBytes);
        Assert.Equal((3, 3), (Import(await TierAsync("import", "main", file, "--json"), "blobs"), Import(await TierAsync("import", "main", file, "--json"), "unchanged")));
        foreach (string[] piped in (string[][])[[], ["-"]])
            Assert.Equal(3, Import(await StrataProcess.RunAsync(["tier", "import", "main", .. piped, "--json", "--data", _data, "--config", _config], exported.OutputBytes), "unchanged"));
        string cut = _folder.Write("cut.jsonl", exported.OutputBytes.AsSpan(..^20));
        (await TierAsync("import", "main", cut)).Fails(ExitCode.Failed, "Nothing was imported");
        if (server is not null) await server.StopAsync();

        static long Import(ToolResult result, string what) => result.Exits(0).Json.GetProperty(what).GetInt64();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_tier_that_is_not_there_is_told_with_those_that_are(bool isServed)
    {
        await PutAsync("a");
        using StrataProcess? server = await ServeAsync(isServed);
        foreach (string[] line in (string[][])[["promote", "main/a", "hot"], ["demote", "main/a", "hot"], ["pin", "main/a", "hot"], ["clear", "main", "hot", "--yes"], ["bootstrap", "main", "hot"]])
            (await TierAsync(line)).Fails(ExitCode.Usage, "'hot'", "warm, cold");
        (await TierAsync("bootstrap", "main", "warm", "--from", "hot")).Fails(ExitCode.Usage, "'hot'");
        (await TierAsync("clear", "main", "cold", "--yes")).Fails(ExitCode.Usage, "origin");
        (await TierAsync("status", "other")).Fails(ExitCode.NotFound, "'other'", "main");
        (await TierAsync("clear", "main", "warm")).Fails(ExitCode.Usage, "--yes");
        (await TierAsync("invalidate", "-r", "main")).Fails(ExitCode.Usage, "--yes");
        if (server is not null) await server.StopAsync();
    }

    [Theory]
    [InlineData("names a key", "run", "main/a")]
    [InlineData("explain", "status", "main/a")]
    [InlineData("--max-operations", "run", "main", "--max-operations", "0")]
    [InlineData("--max-bytes", "run", "main", "--max-bytes", "much")]
    [InlineData("--list", "run", "main", "--list", "-1")]
    [InlineData("--by", "bootstrap", "main", "warm", "--by", "size")]
    [InlineData("--limit", "bootstrap", "main", "warm", "--limit", "0")]
    [InlineData("--parallel", "bootstrap", "main", "warm", "--parallel", "65")]
    [InlineData("--since", "bootstrap", "main", "warm", "--since", "soon")]
    [InlineData("--max-keys", "scrub", "main", "--max-keys", "0")]
    [InlineData("--rate", "scrub", "main", "--rate", "0")]
    [InlineData("names no key", "explain", "main")]
    [InlineData("names no key", "invalidate", "main")]
    [InlineData("'frob'", "frob")]
    [InlineData("--frob", "status", "--frob")]
    public async Task Wrong_usage_is_exit_code_2_and_says_what_is_wrong(string says, params string[] line) =>
        (await StrataProcess.RunAsync(["tier", .. line, "--data", Directory.CreateDirectory(_data).FullName])).Fails(ExitCode.Usage, says);

    [Fact]
    public async Task What_is_read_while_the_origin_is_out_is_said_to_be_as_old_as_it_is()
    {
        var origin = await StrataProcess.ServeAsync(_folder["origin"], new Dictionary<string, string> { ["Strata__Stores__main__Url"] = "memory:" });
        string config = _folder.Write("front.json", Encoding.UTF8.GetBytes(
            $$$"""
            {"Strata":{"Stores":{"main":{
              "Tiers":[{"Name":"warm","Url":"file:{{{_folder["warm"]}}}"},{"Name":"cold","Url":"s3://main?endpoint={{{origin.Address}}}&provider=strata&maxAttempts=1"}],
              "Tiering":{"FreshFor":"1ms","FailSafeFor":"1h"}
            } } } }
            """));
        var anybody = new Dictionary<string, string> { ["AWS_ACCESS_KEY_ID"] = "any", ["AWS_SECRET_ACCESS_KEY"] = "any", ["AWS_EC2_METADATA_DISABLED"] = "true" };
        using StrataProcess front = await StrataProcess.ServeAsync(_data, anybody, "--config", config);
        (await StrataProcess.RunAsync("put", _folder.Write("file", "value"u8), "main/a", "--data", _data)).Exits(0);
        Assert.DoesNotContain("origin", (await StrataProcess.RunAsync("get", "main/a", "-", "--data", _data)).Exits(0).Error, StringComparison.Ordinal);
        origin.Dispose();
        ToolResult stale = (await StrataProcess.RunAsync("get", "main/a", "-", "--data", _data)).Exits(0);
        Assert.Equal("value", stale.Output);
        Assert.Contains("the origin is out", stale.Error, StringComparison.Ordinal);
        JsonElement stat = (await StrataProcess.RunAsync("stat", "main/a", "--data", _data, "--json")).Exits(0).Json;
        Assert.True(stat.GetProperty("info").TryGetProperty("staleSince", out _), stat.ToString());
    }

    [Fact]
    public async Task A_store_without_tiers_has_a_status_and_nothing_to_fill()
    {
        string url = $"file:{_folder["alone"]}#a";
        (await StrataProcess.RunAsync("put", _folder.Write("file", "x"u8), url)).Exits(0);
        Assert.Contains("one tier", (await StrataProcess.RunAsync("tier", "status", url[..^2])).Exits(0).Output);
        (await StrataProcess.RunAsync("tier", "run", url[..^2])).Fails(ExitCode.Failed, "one tier");
        (await StrataProcess.RunAsync("tier", "import", url[..^2], _folder["none"])).Fails(ExitCode.NotFound, "none");
    }

    [Fact]
    public async Task Each_help_has_examples()
    {
        string help = (await StrataProcess.RunAsync("tier", "--help")).Exits(0).Output;
        Assert.All(["status", "run", "explain", "promote", "demote", "pin", "unpin", "pins", "moves", "bootstrap", "clear", "invalidate", "scrub", "export", "import", "strata tier status"], s => Assert.Contains(s, help));
        string run = (await StrataProcess.RunAsync("tier", "run", "--help")).Exits(0).Output;
        Assert.All(["--dry-run", "--max-operations", "--max-bytes", "strata tier run main", "Exit codes:"], s => Assert.Contains(s, run));
    }

    private static string? Text(JsonElement element, string name) => element.GetProperty(name).GetString();

    private Task<ToolResult> TierAsync(params string[] line) => StrataProcess.RunAsync(["tier", .. line, "--data", _data, "--config", _config]);

    private async Task<string[]> TiersOfAsync(string key) =>
        [.. (await TierAsync("explain", $"main/{key}", "--json")).Exits(0).Json.GetProperty("tiers").EnumerateArray().Select(t => t.GetString()!)];

    /// <summary>Leaves a blob of each key in both tiers: without the tool, which takes a process for each.</summary>
    private async Task PutAsync(params string[] keys)
    {
        IConfiguration configuration = new ConfigurationBuilder().AddJsonFile(_config).Build();
        await using StoreCatalog catalog = await StoreCatalog.OpenAsync(StrataSettings.Read(configuration, _data));
        IBlobStore main = catalog.Stores["main"];
        foreach (string key in keys) Assert.True((await main.PutBytesAsync(BlobKey.Parse(key), Encoding.UTF8.GetBytes(key))).IsWritten);

        // What is not made yet at the close is never made.
        Assert.True(main.TryGetFacet(out ITierUpkeep? upkeep));
        await upkeep.BootstrapTierAsync("warm");
    }

    private async Task<StrataProcess?> ServeAsync(bool isServed) => isServed ? await StrataProcess.ServeAsync(_data, "--config", _config) : null;
}
