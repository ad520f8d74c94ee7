using System.Text;
using System.Text.Json;
using Xunit;

namespace Strata.Cli.Tests;

/// <summary>put, get, cat, ls, stat and rm on a folder that nobody serves.</summary>
public sealed class BlobCommandTests : IDisposable
{
    private readonly TempFolder _folder = new();

    private string Data => _folder["data"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_blob_goes_in_and_out_unchanged()
    {
        byte[] bytes = new byte[300_000];
        new Random(1).NextBytes(bytes);
        string file = _folder.Write("photo.jpg", bytes);

        ToolResult put = (await RunAsync("put", file, "main/photos/1.jpg", "--meta", "author=ann", "--json")).Exits(0);
        JsonElement info = put.Json.GetProperty("info");
        Assert.Equal("main", put.Json.GetProperty("store").GetString());
        Assert.Contains("cold", put.Json.GetProperty("tiers").EnumerateArray().Select(t => t.GetString()));
        Assert.Equal("photos/1.jpg", info.GetProperty("key").GetString());
        Assert.Equal(bytes.Length, info.GetProperty("length").GetInt64());
        Assert.Equal("image/jpeg", info.GetProperty("contentType").GetString());
        Assert.Equal("ann", info.GetProperty("metadata").GetProperty("author").GetString());

        (await RunAsync("get", "main/photos/1.jpg", _folder["copy.jpg"])).Exits(0);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(_folder["copy.jpg"]));
        Assert.Equal(bytes, (await RunAsync("cat", "strata:main/photos/1.jpg")).Exits(0).OutputBytes);
        Assert.Equal(bytes[^10..], (await RunAsync("cat", "main/photos/1.jpg", "--range", "-10")).Exits(0).OutputBytes);
        Assert.Equal(bytes[5..9], (await RunAsync("get", "main/photos/1.jpg", "-", "--range", "5-8")).Exits(0).OutputBytes);
    }

    [Fact]
    public async Task A_file_in_shared_memory_is_a_file_like_any_other()
    {
        Assert.SkipUnless(Directory.Exists("/dev/shm"), "/dev/shm");
        (await RunAsync("put", _folder.Write("new", "new"u8), "main/new")).Exits(0);
        string file = $"/dev/shm/strata-{Guid.NewGuid():N}";
        try
        {
            (await RunAsync("get", "main/new", file)).Exits(0);
            Assert.Equal("new", await File.ReadAllTextAsync(file));
            await File.WriteAllTextAsync(file, "older and longer");
            (await RunAsync("get", "main/new", file)).Exits(0);
            Assert.Equal("new", await File.ReadAllTextAsync(file));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task A_key_whose_last_part_is_a_dash_becomes_a_file()
    {
        (await RunAsync("put", _folder.Write("x", "x"u8), "main/a/-")).Exits(0);
        ToolResult get = (await StrataProcess.RunAsync(["get", "main/a/-", "--data", Data], null, folder: _folder.Path)).Exits(0);
        Assert.Equal("x", await File.ReadAllTextAsync(_folder["-"]));
        Assert.NotEqual("x", get.Output);
    }

    [Fact]
    public async Task Standard_input_becomes_a_blob()
    {
        (await RunAsync(["put", "-", "main/notes/a.txt"], "hello"u8.ToArray())).Exits(0);

        ToolResult cat = (await RunAsync("cat", "main/notes/a.txt", "--json")).Exits(0);
        Assert.Equal(0, cat.Json.GetProperty("offset").GetInt64());
        Assert.Equal("hello"u8.ToArray(), cat.Json.GetProperty("data").GetBytesFromBase64());
    }

    [Fact]
    public async Task Get_names_the_file_after_the_key_and_leaves_nothing_else()
    {
        await PutAsync("main/a/b.txt", "text");

        ToolResult get = (await StrataProcess.RunAsync(["get", "main/a/b.txt", "--data", Data, "--json"], null, null, _folder.Path)).Exits(0);

        Assert.Equal("b.txt", get.Json.GetProperty("file").GetString());
        Assert.Equal(4, get.Json.GetProperty("length").GetInt64());
        Assert.Equal("text", await File.ReadAllTextAsync(_folder["b.txt"]));
        Assert.Equal(["b.txt"], Directory.GetFiles(_folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public async Task A_get_that_fails_leaves_the_old_file_as_it_was()
    {
        string file = _folder.Write("old.txt", "old"u8);

        (await RunAsync("get", "main/nope", file, "--data", await EmptyAsync())).Fails(ExitCode.NotFound, "main/nope");

        Assert.Equal("old", await File.ReadAllTextAsync(file));
    }

    [Fact]
    public async Task Conditions_decide_whether_a_put_is_done()
    {
        string etag = await PutAsync("main/a", "1");
        string file = _folder.Write("2", "2"u8);

        (await RunAsync("put", file, "main/a", "--if-absent")).Fails(ExitCode.ConditionFailed, "main/a", "--if-absent");
        (await RunAsync("put", file, "main/a", "--if-match", "other")).Fails(ExitCode.ConditionFailed, etag);
        Assert.Equal("1", (await RunAsync("cat", "main/a")).Output);
        (await RunAsync("put", file, "main/a", "--if-match", etag)).Exits(0);
        Assert.Equal("2", (await RunAsync("cat", "main/a")).Output);
    }

    [Fact]
    public async Task An_expired_blob_is_gone()
    {
        await PutAsync("main/kept", "1", "--ttl", "1h");
        await PutAsync("main/gone", "1", "--expires", "2020-01-01T00:00:00Z");

        Assert.Equal(["kept"], (await RunAsync("ls", "main")).Exits(0).Lines);
        (await RunAsync("cat", "main/gone")).Fails(ExitCode.NotFound, "main/gone");
        JsonElement info = (await RunAsync("stat", "main/kept", "--json")).Json.GetProperty("info");
        TimeSpan lives = info.GetProperty("expires").GetDateTimeOffset() - info.GetProperty("created").GetDateTimeOffset();
        Assert.InRange(lives, TimeSpan.FromMinutes(59), TimeSpan.FromMinutes(61));
    }

    [Fact]
    public async Task Ls_shows_stores_folders_and_blobs()
    {
        foreach (string key in new[] { "a.txt", "photos/1.jpg", "photos/2.jpg", "z.txt" }) await PutAsync("main/" + key, key);

        JsonElement store = (await RunAsync("ls", "--json")).Exits(0).Json;
        Assert.Equal("main", store.GetProperty("store").GetString());
        Assert.Equal(["hot", "warm", "cold"], store.GetProperty("tiers").EnumerateArray().Select(t => t.GetProperty("name").GetString()));
        Assert.Contains("main", (await StrataProcess.RunAsync("ls", Data)).Exits(0).Output, StringComparison.Ordinal);

        Assert.Equal(["a.txt", "photos/", "z.txt"], (await RunAsync("ls", "main")).Exits(0).Lines);
        Assert.Equal(["photos/1.jpg", "photos/2.jpg"], (await RunAsync("ls", "main/photos")).Exits(0).Lines);
        Assert.Equal(["photos/1.jpg", "photos/2.jpg"], (await RunAsync("ls", "main/ph", "-r")).Exits(0).Lines);
        Assert.Equal(["a.txt", "photos/1.jpg"], (await RunAsync("ls", "-r", "--limit", "2", "main")).Exits(0).Lines);
        List<JsonElement> lines = (await RunAsync("ls", "main", "--json")).Exits(0).JsonLines;
        Assert.Equal("a.txt", lines[0].GetProperty("key").GetString());
        Assert.Equal("photos/", lines[1].GetProperty("prefix").GetString());
        string row = (await RunAsync("ls", "-l", "main/z.txt")).Exits(0).Lines.Single();
        Assert.Matches(@"^\s+5 B  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d  (warm|cold) +z\.txt$", row);
    }

    [Fact]
    public async Task Stat_says_which_tiers_hold_a_blob()
    {
        await PutAsync("main/a.txt", "text", "--meta", "k=v");

        ToolResult stat = (await RunAsync("stat", "main/a.txt", "--json")).Exits(0);
        Assert.Equal("cold", stat.Json.GetProperty("tiers").EnumerateArray().Last().GetString());
        Assert.Equal("text/plain", stat.Json.GetProperty("info").GetProperty("contentType").GetString());
        string text = (await RunAsync("stat", "main/a.txt")).Exits(0).Output;
        Assert.Matches(@"tiers +.*cold", text);
        Assert.Matches("meta k +v", text);
    }

    [Fact]
    public async Task Rm_deletes_one_and_with_r_a_folder()
    {
        foreach (string key in new[] { "a", "ab", "a/1", "a/2" }) await PutAsync("main/" + key, key);

        (await RunAsync("rm", "-r", "main/a")).Fails(ExitCode.Usage, "--yes");
        List<JsonElement> lines = (await RunAsync("rm", "-r", "--yes", "main/a", "--json")).Exits(0).JsonLines;
        Assert.Equal(["a/1", "a/2"], lines[..2].Select(l => l.GetProperty("key").GetString()));
        Assert.All(lines[..2], l => Assert.Equal("Deleted", l.GetProperty("status").GetString()));
        Assert.Equal(2, lines[2].GetProperty("deleted").GetInt32());
        Assert.Equal(["a", "ab"], (await RunAsync("ls", "main")).Lines);
        (await RunAsync("rm", "main/ab")).Exits(0);
        (await RunAsync("rm", "main/ab")).Fails(ExitCode.NotFound, "main/ab");
        (await RunAsync("rm", "-r", "--yes", "main/none")).Fails(ExitCode.NotFound, "main/none");
    }

    [Fact]
    public async Task A_store_can_be_opened_by_its_address()
    {
        string file = _folder.Write("a.txt", "text"u8), store = "file:" + _folder["other"];

        (await StrataProcess.RunAsync("put", file, store + "#x/a.txt")).Exits(0);

        Assert.Equal("text", (await StrataProcess.RunAsync("cat", store + "#x/a.txt")).Exits(0).Output);
        Assert.Equal(["x/a.txt"], (await StrataProcess.RunAsync("ls", "-r", store)).Exits(0).Lines);
        (await StrataProcess.RunAsync("put", file, "memory:#a")).Exits(0);
    }

    [Fact]
    public async Task Ctrl_C_cancels_a_put_and_leaves_nothing()
    {
        using StrataProcess put = StrataProcess.Begin("put", "-", "main/half", "--data", Data);
        await put.SendAsync(new byte[5 << 20]);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (DataFolder.FindOwner(Data) is null) await Task.Delay(10, limit.Token);

        Assert.Equal(ExitCode.Cancelled, await put.StopAsync(signal: 2));

        Assert.Empty((await RunAsync("ls", "-r", "main")).Exits(0).Lines);
    }

    [Theory]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    public async Task Completion_prints_a_script(string shell)
    {
        JsonElement script = (await StrataProcess.RunAsync("completion", shell, "--json")).Exits(0).Json;

        Assert.Equal(shell, script.GetProperty("shell").GetString());
        Assert.Contains("[suggest:", script.GetProperty("script").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_completion_script_can_ask_for_commands()
    {
        ToolResult suggested = (await StrataProcess.RunAsync("[suggest:8]", "strata s")).Exits(0);

        Assert.Contains("serve", suggested.Lines);
        Assert.Contains("stat", suggested.Lines);
    }

    private Task<ToolResult> RunAsync(params string[] arguments) => RunAsync(arguments, null);

    private Task<ToolResult> RunAsync(string[] arguments, byte[]? input) =>
        StrataProcess.RunAsync(arguments.Contains("--data") ? arguments : [.. arguments, "--data", Data], input);

    private async Task<string> PutAsync(string key, string text, params string[] more)
    {
        string file = _folder.Write("in/" + Path.GetFileName(key), Encoding.UTF8.GetBytes(text));
        ToolResult put = (await RunAsync(["put", file, key, "--json", .. more])).Exits(0);
        return put.Json.GetProperty("info").GetProperty("etag").GetString()!;
    }

    private async Task<string> EmptyAsync()
    {
        await PutAsync("main/x", "x");
        return Data;
    }
}
