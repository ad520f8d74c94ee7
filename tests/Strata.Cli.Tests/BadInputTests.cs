using Xunit;

namespace Strata.Cli.Tests;

/// <summary>What is wrong is said in one line: what, where, and what to do.</summary>
public sealed class BadInputTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("put", "strata put", "--ttl", "--json")]
    [InlineData("get", "strata get", "--range")]
    [InlineData("cat", "strata cat")]
    [InlineData("ls", "strata ls", "--limit")]
    [InlineData("stat", "strata stat")]
    [InlineData("rm", "strata rm", "--yes")]
    [InlineData("cp", "strata cp", "--parallel", "Symbolic", "--checksum", "--dry-run", "Equal means")]
    [InlineData("sweep", "strata sweep", "--quick", "expired")]
    [InlineData("presign", "strata presign", "--put", "secret")]
    [InlineData("serve", "strata serve", "--demo", "--listen", "--tls-cert")]
    [InlineData("access", "strata access create --admin", "create", "list", "revoke")]
    [InlineData("completion", "strata completion")]
    public async Task Help_has_examples_and_exit_codes(string command, params string[] says)
    {
        string help = (await StrataProcess.RunAsync(command, "--help")).Exits(0).Output;

        Assert.Contains("Examples:\n  ", help, StringComparison.Ordinal);
        Assert.Contains("Exit codes:", help, StringComparison.Ordinal);
        Assert.DoesNotContain("Strata.Cli", help, StringComparison.Ordinal);
        Assert.All(says, s => Assert.Contains(s, help, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_tools_own_help_names_the_commands_and_addresses()
    {
        string help = (await StrataProcess.RunAsync("--help")).Exits(0).Output;

        Assert.All(["put", "get", "cat", "ls", "stat", "rm", "cp", "presign", "sweep", "serve", "access", "completion", "file:DIR#KEY", "s3://BUCKET/KEY", "130"], s => Assert.Contains(s, help, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("'frob'", "frob")]
    [InlineData("strata put --help", "put", "file")]
    [InlineData("--frob", "ls", "--frob")]
    [InlineData("empty segment", "cat", "main//a")]
    [InlineData("'..'", "cat", "main/a/../b")]
    [InlineData("control characters", "cat", "main/a\u0007b")]
    [InlineData("1024 bytes", "cat", "main/LONG")]
    [InlineData("names no key", "cat", "main")]
    [InlineData("strata:, azure:, file:, memory:, s3:", "cat", "fiel:/tmp/x#a")]
    [InlineData("strata:, azure:, file:, memory:, s3:", "cp", "x", "s4://bucket/key")]
    [InlineData("names no store", "cat", "strata:/key")]
    [InlineData("--range", "cat", "main/a", "--range", "9-5")]
    [InlineData("--limit", "ls", "main", "--limit", "0")]
    [InlineData("--parallel", "cp", "-r", ".", "strata:main", "-j", "0")]
    [InlineData("both local", "cp", "a", "b")]
    [InlineData("is a folder", "put", ".", "main/a")]
    [InlineData("Copy it with -r", "cp", ".", "strata:main/a")]
    [InlineData("--meta", "put", "FILE", "main/a", "--meta", "novalue")]
    [InlineData("--ttl", "put", "FILE", "main/a", "--ttl", "soon")]
    [InlineData("--expires", "put", "FILE", "main/a", "--expires", "soon")]
    [InlineData("not both", "put", "FILE", "main/a", "--expires", "2030-01-01", "--ttl", "1h")]
    [InlineData("bash, zsh and fish", "completion", "cmd")]
    [InlineData("Listen", "serve", "--listen", "nowhere")]
    [InlineData("loopback", "serve", "--listen", "0.0.0.0:0")]
    public async Task Wrong_usage_is_exit_code_2(string says, params string[] arguments)
    {
        string file = _folder.Write("file", "x"u8);
        string[] line = [.. arguments.Select(a => a.Replace("FILE", file, StringComparison.Ordinal).Replace("LONG", new string('k', 1025), StringComparison.Ordinal))];

        (await StrataProcess.RunAsync([.. line, "--data", Directory.CreateDirectory(_folder["data"]).FullName])).Fails(ExitCode.Usage, says);
    }

    [Theory]
    [InlineData("ls", "main")]
    [InlineData("ls", "main", "--json")]
    [InlineData("stat", "main/a", "--json")]
    [InlineData("cat", "main/a")]
    [InlineData("cat", "main/none", "--json")]
    public async Task Output_that_cannot_be_written_is_told_in_one_line(params string[] arguments)
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "/dev/full");
        string data = _folder["data"];
        (await StrataProcess.RunAsync("put", _folder.Write("file", "x"u8), "main/a", "--data", data)).Exits(0);

        ToolResult run = await StrataProcess.RunIntoAsync("/dev/full", [.. arguments, "--data", data]);

        if (arguments[1] == "main/none") run.Fails(ExitCode.NotFound, "main/none");
        else run.Fails(ExitCode.Failed, "No space left");
    }

    [Fact]
    public async Task What_is_not_there_is_exit_code_3()
    {
        string file = _folder.Write("file", "x"u8), data = _folder["data"], missing = _folder["missing"];
        (await StrataProcess.RunAsync("put", file, "main/a", "--data", data)).Exits(0);

        (await StrataProcess.RunAsync("ls", "--data", missing)).Fails(ExitCode.NotFound, missing, "--data");
        (await StrataProcess.RunAsync("ls", missing)).Fails(ExitCode.NotFound, missing);
        (await StrataProcess.RunAsync("ls", "other", "--data", data)).Fails(ExitCode.NotFound, "'other'", "main");
        (await StrataProcess.RunAsync("put", missing, "main/a", "--data", data)).Fails(ExitCode.NotFound, missing);
        (await StrataProcess.RunAsync("cp", missing, "strata:main/a", "--data", data)).Fails(ExitCode.NotFound, missing);
        (await StrataProcess.RunAsync("get", "main/a", Path.Combine(missing, "f"), "--data", data)).Fails(ExitCode.NotFound, missing);
        (await StrataProcess.RunAsync("cp", "strata:main/none", _folder["out"], "--data", data)).Fails(ExitCode.NotFound, "none");
        (await StrataProcess.RunAsync("cp", "-r", "strata:main/none", _folder["out"], "--data", data)).Fails(ExitCode.NotFound, "none");
        (await StrataProcess.RunAsync("serve", "--demo", missing, "--data", data)).Fails(ExitCode.NotFound, missing);
        (await StrataProcess.RunAsync("ls", "--config", missing, "--data", data)).Fails(ExitCode.NotFound, missing);
        Assert.False(Directory.Exists(missing));
    }

    [Fact]
    public async Task A_folder_that_cannot_be_used_is_exit_code_5()
    {
        string file = _folder.Write("file", "x"u8);

        (await StrataProcess.RunAsync("put", file, "main/a", "--data", file)).Fails(ExitCode.Unavailable, file);
        (await StrataProcess.RunAsync("put", file, "main/a", "--data", "/proc/strata")).Fails(ExitCode.Unavailable, "/proc/strata");
        (await StrataProcess.RunAsync("serve", "--data", "/proc/strata", "--listen", "127.0.0.1:0")).Fails(ExitCode.Unavailable, "/proc/strata");
    }

    [Fact]
    public async Task A_folder_owned_by_a_process_without_an_address_is_named_with_its_process()
    {
        string file = _folder.Write("file", "x"u8), data = _folder["data"];
        using DataFolder owned = DataFolder.Own(data);

        (await StrataProcess.RunAsync("put", file, "main/a", "--data", data)).Fails(ExitCode.Unavailable, data, $"process {Environment.ProcessId}");
        (await StrataProcess.RunAsync("ls", "--data", data)).Fails(ExitCode.Unavailable, data, $"process {Environment.ProcessId}");
        (await StrataProcess.RunAsync("serve", "--data", data)).Fails(ExitCode.Unavailable, data, $"process {Environment.ProcessId}");
    }

    [Theory]
    [InlineData("""{"Strata":{"Dta":"x"}}""", "Strata:Dta")]
    [InlineData("""{"Strata":{"Stores":{"X":{"Url":"memory:"}}}}""", "Strata:Stores:X")]
    [InlineData("""{"Strata":{"Stores":{"main":{"Tiers":[{"Name":"hot","Url":"memory:","MaxBytes":"much"},{"Name":"cold","Url":"file:./x"}]}}}}""", "Strata:Stores:main:Tiers:0:MaxBytes")]
    [InlineData("""{"Strata":{"Stores":{"main":{"Tiers":[{"Name":"hot"}]}}}}""", "Strata:Stores:main:Tiers:0:Url")]
    [InlineData("""{"Strata":{"Stores":{"main":{"Url":"fiel:./x"}}}}""", "Strata:Stores:main:Url")]
    [InlineData("""{"Strata":{"Stores":{"main":{"Url":"file:./x","Tiering":{"PromoteOnRead":"perhaps"}}}}}""", "Strata:Stores:main:Tiering:PromoteOnRead")]
    [InlineData("""{"Strata":""", "config.json")]
    public async Task A_wrong_setting_is_named(string json, string setting)
    {
        string config = _folder.Write("config.json", System.Text.Encoding.UTF8.GetBytes(json)), data = Directory.CreateDirectory(_folder["data"]).FullName;

        (await StrataProcess.RunAsync("ls", "--config", config, "--data", data)).Fails(ExitCode.Usage, setting);
        (await StrataProcess.RunAsync("serve", "--config", config, "--data", data, "--listen", "127.0.0.1:0")).Fails(ExitCode.Usage, setting);
    }

    [Fact]
    public async Task A_wrong_setting_in_the_environment_is_named()
    {
        var environment = new Dictionary<string, string> { ["Strata__Stores__main__Url"] = "fiel:./x", ["STRATA_DATA"] = Directory.CreateDirectory(_folder["data"]).FullName };

        (await StrataProcess.RunAsync(["ls"], null, environment)).Fails(ExitCode.Usage, "Strata:Stores:main:Url");
    }

    [Fact]
    public async Task With_json_a_failure_is_a_document_too()
    {
        ToolResult failed = await StrataProcess.RunAsync("ls", "--json", "--data", _folder["missing"]);

        failed.Fails(ExitCode.NotFound, "missing");
        Assert.Equal(ExitCode.NotFound, failed.Json.GetProperty("error").GetProperty("exitCode").GetInt32());
        Assert.Contains("missing", failed.Json.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_stack_trace_is_shown_to_who_asks_for_it()
    {
        ToolResult failed = await StrataProcess.RunAsync(["cat", "main//x"], null, new Dictionary<string, string> { ["STRATA_DEBUG"] = "1" });

        Assert.Contains("   at Strata.", failed.Exits(ExitCode.Usage).Error, StringComparison.Ordinal);
    }
}
