using System.Text;
using System.Text.Json;
using Xunit;

namespace Strata.Cli.Tests;

/// <summary>kv, on a folder that nobody serves and through its server: both the same.</summary>
public sealed class KvTests : IDisposable
{
    private readonly TempFolder _folder = new();

    private string Data => _folder["data"];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Entries_are_set_shown_listed_counted_and_deleted(bool isServed)
    {
        using StrataProcess? server = isServed ? await StrataProcess.ServeAsync(Data) : null;
        (await RunAsync("get", "[\"users\",\"ann\"]")).Exits(ExitCode.NotFound);

        (await RunAsync("set", "[\"users\",\"ann\"]", "{\"name\":\"Änn\",\"age\":40}")).Exits(0);
        (await RunAsync("set", "[\"users\",\"bob\"]", "hello there", "--as", "text")).Exits(0);
        (await RunAsync("set", "[\"users\",3]", "7", "--as", "u64")).Exits(0);
        (await RunAsync(["set", "[\"other\"]", "-", "--as", "bytes"], "raw\n\0bytes"u8.ToArray())).Exits(0);

        JsonElement ann = (await RunAsync("get", "[\"users\",\"ann\"]", "--json")).Exits(0).Json;
        Assert.Equal("V8", ann.GetProperty("encoding").GetString());
        Assert.Contains("Änn", ann.GetProperty("value").GetString(), StringComparison.Ordinal);
        Assert.Equal("7", Assert.Single((await RunAsync("get", "[\"users\",3]")).Exits(0).Lines));
        Assert.Equal("raw\n\0bytes"u8.ToArray(), (await RunAsync("get", "[\"other\"]", "--raw")).Exits(0).OutputBytes);
        Assert.Equal(["[\"users\",\"ann\"]", "[\"users\",\"bob\"]", "[\"users\",3]"], (await RunAsync("list", "[\"users\"]", "--keys")).Exits(0).Lines);
        Assert.Equal(["[\"users\",3]"], (await RunAsync("list", "[\"users\"]", "--keys", "--reverse", "--limit", "1")).Exits(0).Lines);
        string cursor = (await RunAsync("list", "[\"users\"]", "--limit", "2", "--json")).Exits(0).JsonLines[2].GetProperty("cursor").GetString()!;
        Assert.Equal(["[\"users\",3]"], (await RunAsync("list", "[\"users\"]", "--keys", "--cursor", cursor)).Exits(0).Lines);
        Assert.Equal("4", Assert.Single((await RunAsync("count")).Exits(0).Lines));

        (await RunAsync("set", "[\"users\",\"ann\"]", "1", "--if-absent")).Fails(ExitCode.ConditionFailed, "--if-absent");
        (await RunAsync("set", "[\"users\",\"ann\"]", "1", "--if-version", new string('0', 19) + "1")).Fails(ExitCode.ConditionFailed, "--if-version");
        (await RunAsync("set", "[\"users\",\"ann\"]", "1", "--if-version", ann.GetProperty("versionstamp").GetString()!)).Exits(0);
        (await RunAsync("set", "[\"short\"]", "1", "--ttl", "1h")).Exits(0);
        Assert.True((await RunAsync("get", "[\"short\"]", "--json")).Exits(0).Json.GetProperty("expires").GetDateTimeOffset() > TimeProvider.System.GetUtcNow());

        Assert.Equal(3, (await RunAsync("delete", "-r", "[\"users\"]", "--json")).Exits(0).Json.GetProperty("count").GetInt64());
        (await RunAsync("delete", "[\"users\"]")).Fails(ExitCode.NotFound, "[\"users\"]");
        Assert.Equal("2", Assert.Single((await RunAsync("count")).Exits(0).Lines));
        if (server is not null) Assert.Equal(0, await server.StopAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_exported_can_be_imported_exactly(bool isServed)
    {
        using StrataProcess? server = isServed ? await StrataProcess.ServeAsync(Data) : null;
        byte[] large = new byte[300_000];
        new Random(1).NextBytes(large);
        (await RunAsync(["set", "[\"a\",{\"bytes\":\"00ff\"},true]", "null"], null)).Exits(0);
        (await RunAsync(["set", "[\"large\"]", "-", "--as", "bytes"], large)).Exits(0);
        (await RunAsync(["set", "[\"short\"]", "5", "--ttl", "2h", "--as", "bigint"], null)).Exits(0);
        ToolResult export = (await RunAsync("export")).Exits(0);
        string file = _folder.Write("export.jsonl", export.OutputBytes);

        (await RunAsync("import", file, "--db", "second")).Exits(0);
        Assert.Equal(large, (await RunAsync("get", "[\"large\"]", "--raw", "--db", "second")).Exits(0).OutputBytes);
        ToolResult again = (await RunAsync("export", "--db", "second")).Exits(0);
        Assert.Equal(export.JsonLines.Select(WithoutStamp), again.JsonLines.Select(WithoutStamp));
        (await RunAsync("get", "[\"a\"]", "--db", "third")).Fails(ExitCode.NotFound, "'third'", "default, second");
        string bad = _folder.Write("bad.jsonl", "{\"key\":\"[1]\"}\n"u8);
        (await RunAsync("import", bad, "--db", "second")).Fails(ExitCode.Usage, "Line 1");

        static string WithoutStamp(JsonElement line) => string.Join(' ', line.EnumerateObject().Where(p => p.Name != "versionstamp").Select(p => p.ToString()));
    }

    [Fact]
    public async Task A_file_of_Denos_local_KV_is_imported()
    {
        // A copy: reading a file in this mode leaves others beside it.
        string golden = _folder["deno.sqlite3"];
        File.Copy(Path.Combine(Repository(), "tests", "Strata.Tests", "Backends", "Sqlite", "Golden", "deno-2.9.6.sqlite3"), golden);
        (await RunAsync("import", golden, "--db", "sqlite:" + _folder["app.db"])).Exits(0);
        ToolResult first = (await RunAsync("export", "--db", "sqlite:" + _folder["app.db"])).Exits(0);
        Assert.NotEmpty(first.Lines);
        (await RunAsync("import", golden)).Exits(0);
        ToolResult second = (await RunAsync("export")).Exits(0);
        Assert.Equal(first.JsonLines.Select(l => l.GetProperty("data").GetString()), second.JsonLines.Select(l => l.GetProperty("data").GetString()));

        static string Repository()
        {
            string folder = AppContext.BaseDirectory;
            while (!File.Exists(Path.Combine(folder, "Strata.slnx"))) folder = Path.GetDirectoryName(folder)!;
            return folder;
        }
    }

    [Fact]
    public async Task A_watch_shows_what_another_run_sets()
    {
        using StrataProcess server = await StrataProcess.ServeAsync(Data);
        (await RunAsync("set", "[\"a\"]", "1")).Exits(0);
        using StrataProcess watch = StrataProcess.Begin("kv", "watch", "[\"a\"]", "--data", Data);
        Assert.Contains("1", await watch.NextLineAsync(), StringComparison.Ordinal);
        (await RunAsync("set", "[\"a\"]", "22")).Exits(0);
        Assert.Contains("22", await watch.NextLineAsync(), StringComparison.Ordinal);
        (await RunAsync("delete", "[\"a\"]")).Exits(0);
        Assert.Contains("(no entry)", await watch.NextLineAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("'users'")]
    [InlineData("nokey")]
    [InlineData("[]")]
    [InlineData("[\"a\"")]
    public async Task A_key_that_is_none_is_refused_with_an_example(string key)
    {
        ToolResult result = await RunAsync("get", key);
        result.Fails(ExitCode.Usage, "no key", "[\"users\",\"ann\"]");
        Assert.Equal(2, result.Error.Split("A key is a JSON array").Length);
    }

    [Theory]
    [InlineData("sqlite:")]
    [InlineData("file:")]
    public async Task A_database_of_the_configuration_is_served_whatever_a_command_could_open(string scheme)
    {
        var environment = new Dictionary<string, string> { ["Strata__Kv__app"] = scheme + _folder["elsewhere"] };
        using StrataProcess server = await StrataProcess.ServeAsync(Data, environment);
        (await RunAsync("set", "[\"a\"]", "1", "--db", "app")).Exits(0);
        Assert.Equal("1", Assert.Single((await RunAsync("get", "[\"a\"]", "--db", scheme == "file:" ? "app" : scheme + _folder["elsewhere"])).Exits(0).Lines));
        Assert.False(Directory.Exists(Path.Combine(Data, "kv", "app")), "The configuration's database was not the one that was opened.");
    }

    [Theory]
    [InlineData("nosuch:x", "unknown scheme", "sqlite:")]
    [InlineData("file:./x?durability", "durability=VALUE", "Strata:Kv:app")]
    public async Task A_wrong_address_of_the_configuration_stops_the_server_at_its_start(string address, string says, string more) =>
        (await StrataProcess.RunAsync(["serve", "--data", Data, "--listen", "127.0.0.1:0"], null, new Dictionary<string, string> { ["Strata__Kv__app"] = address })).Fails(ExitCode.Usage, "Strata:Kv:app", says, more);

    [Fact]
    public async Task What_is_wrong_is_said()
    {
        (await RunAsync("set", "[1]", "{nope}")).Fails(ExitCode.Usage, "no JSON", "--as text");
        (await RunAsync("set", "[1]", "1", "--as", "what")).Fails(ExitCode.Usage, "js, text, bigint, u64 or bytes");
        (await RunAsync("set", "[1]", "-1", "--as", "u64")).Exits(ExitCode.Usage);
        (await RunAsync("get", "[1]", "--db", "NO")).Fails(ExitCode.Usage, "'NO'");
        (await RunAsync("get", "[1]", "--db", "https://127.0.0.1:1/x")).Fails(ExitCode.Usage, "STRATA_KV_TOKEN");
        (await RunAsync("get", "[1]", "--db", "nosuch:x")).Fails(ExitCode.Usage, "unknown scheme");
    }

    [Fact]
    public async Task A_message_is_enqueued()
    {
        (await RunAsync("enqueue", "{\"mail\":1}", "--delay", "1h")).Exits(0);
        await using IKvDatabase database = await new StoreUrlRegistry().OpenKvAsync(Path.Combine(Data, "kv", "default"), cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal((1, 0), await new KvQueue(database).GetStatusAsync(TestContext.Current.CancellationToken) is { } status ? (status.Pending, status.Due) : default);
    }

    private Task<ToolResult> RunAsync(params string[] arguments) => RunAsync(arguments, null);

    private Task<ToolResult> RunAsync(string[] arguments, byte[]? input) => StrataProcess.RunAsync(["kv", .. arguments, "--data", Data], input);
}
