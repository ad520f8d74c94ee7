using System.Text;
using System.Text.Json;
using Xunit;

namespace Strata.Cli.Tests;

/// <summary>Copies of many files, in and out, with keys that are not kind.</summary>
public sealed class CopyTests : IDisposable
{
    private readonly TempFolder _folder = new();

    private string Data => _folder["data"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_folder_goes_in_and_out_unchanged()
    {
        var random = new Random(7);
        for (int i = 0; i < 300; i++)
        {
            byte[] bytes = new byte[random.Next(0, i % 50 == 0 ? 400_000 : 4_000)];
            random.NextBytes(bytes);
            _folder.Write($"in/{i % 7}/folder {i % 3}/ünï {i}.bin", bytes);
        }

        ToolResult into = (await RunAsync("cp", "-r", _folder["in"], "strata:main/site", "--json")).Exits(0);
        Assert.Equal(301, into.Lines.Length);
        Assert.Equal(300, into.JsonLines[^1].GetProperty("copied").GetInt32());
        Assert.Equal(0, into.JsonLines[^1].GetProperty("failed").GetInt32());
        (await RunAsync("cp", "-r", "strata:main/site", "strata:main/again")).Exits(0);
        (await RunAsync("cp", "-r", "strata:main/again", "file:" + _folder["other"], "-j", "8")).Exits(0);
        ToolResult out1 = (await RunAsync("cp", "-r", "file:" + _folder["other"], _folder["out"])).Exits(0);

        Assert.Contains("copied 300", out1.Output, StringComparison.Ordinal);
        AssertSame(_folder["in"], _folder["out"]);
    }

    [Fact]
    public async Task One_file_goes_in_and_out_under_the_name_that_was_given()
    {
        string file = _folder.Write("a.html", "<p>"u8);

        (await RunAsync("cp", file, "strata:main/x/")).Exits(0);
        (await RunAsync("cp", file, "strata:main/y.html")).Exits(0);
        (await RunAsync("cp", "strata:main/x/a.html", _folder["b.html"])).Exits(0);
        (await RunAsync("cp", "strata:main/x/a.html", Directory.CreateDirectory(_folder["out"]).FullName)).Exits(0);
        (await RunAsync("cp", "strata:main/x/a.html", "strata:main/z")).Exits(0);

        Assert.Equal(["x/a.html", "y.html", "z"], (await RunAsync("ls", "-r", "main")).Lines);
        Assert.Equal("text/html", (await RunAsync("stat", "main/z", "--json")).Json.GetProperty("info").GetProperty("contentType").GetString());
        Assert.Equal("<p>", await File.ReadAllTextAsync(_folder["b.html"]));
        Assert.Equal("<p>", await File.ReadAllTextAsync(_folder["out/a.html"]));
        (await RunAsync("cp", "strata:main/x", _folder["c"])).Fails(ExitCode.Usage, "-r");
        (await RunAsync("cp", "-r", "strata:main/x", "strata:main/x/deeper")).Fails(ExitCode.Usage, "copy itself");
    }

    [Fact]
    public async Task Keys_that_cannot_be_files_are_named_and_the_rest_goes_on()
    {
        foreach (string key in new[] { "s/a", "s/a/b", "s/link/c", "s/ok", "s/" + new string('n', 300) })
            (await RunAsync(["put", "-", "main/" + key], Encoding.UTF8.GetBytes(key))).Exits(0);
        Directory.CreateDirectory(_folder["out"]);
        Directory.CreateDirectory(_folder["outside"]);
        Directory.CreateSymbolicLink(_folder["out/link"], _folder["outside"]);

        ToolResult copy = (await RunAsync("cp", "-r", "strata:main/s", _folder["out"], "-j", "1", "--json")).Exits(ExitCode.Failed);

        Dictionary<string, string> failed = copy.JsonLines.Where(l => l.TryGetProperty("status", out JsonElement s) && s.GetString() == "Failed")
            .ToDictionary(l => l.GetProperty("source").GetString()!, l => l.GetProperty("error").GetString()!);
        Assert.Equal(3, failed.Count);
        Assert.Contains("is a file already", failed["strata:main/s/a/b"], StringComparison.Ordinal);
        Assert.Contains("symbolic link", failed["strata:main/s/link/c"], StringComparison.Ordinal);
        Assert.Contains("nnn", failed.Keys.Single(k => k.Contains("nnn", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Equal(2, copy.JsonLines[^1].GetProperty("copied").GetInt32());
        Assert.Equal(3, copy.JsonLines[^1].GetProperty("failed").GetInt32());
        Assert.Equal(3, copy.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Equal("s/ok", await File.ReadAllTextAsync(_folder["out/ok"]));
        Assert.Empty(Directory.GetFileSystemEntries(_folder["outside"]));
        Assert.Equal(["a", "ok"], Directory.GetFiles(_folder["out"]).Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task Symbolic_links_are_named_and_not_followed()
    {
        _folder.Write("in/a", "a"u8);
        _folder.Write("secret/b", "b"u8);
        Directory.CreateSymbolicLink(_folder["in/dir"], _folder["secret"]);
        File.CreateSymbolicLink(_folder["in/file"], _folder["secret/b"]);

        ToolResult copy = (await RunAsync("cp", "-r", _folder["in"], "strata:main/in")).Exits(0);

        Assert.Equal(["in/a"], (await RunAsync("ls", "-r", "main")).Lines);
        Assert.Contains("2 skipped", copy.Output, StringComparison.Ordinal);
        Assert.Contains("symbolic links are not followed", copy.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_files_name_does_not_drive_the_terminal()
    {
        _folder.Write("in/ok", "a"u8);
        _folder.Write("in/\u001b]0;owned\u0007\nstrata: all is well", "b"u8);
        Directory.CreateSymbolicLink(_folder["in/\u001b[2Jlink"], _folder["in/ok"]);

        ToolResult copy = (await RunAsync("cp", "-r", _folder["in"], "strata:main/in")).Exits(ExitCode.Failed);

        string[] lines = copy.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, lines.Length);
        Assert.All(lines, l => Assert.DoesNotContain(l, char.IsControl));
        Assert.Contains(lines, l => l.Contains("owned", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_pipe_in_a_folder_is_named_and_not_waited_for()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "mkfifo");
        _folder.Write("in/ok", "a"u8);
        using (var mkfifo = System.Diagnostics.Process.Start("mkfifo", [_folder["in/pipe"]])) await mkfifo.WaitForExitAsync();

        ToolResult copy = (await RunAsync("cp", "-r", _folder["in"], "strata:main/in")).Exits(0);

        Assert.Contains("pipe", copy.Error, StringComparison.Ordinal);
        Assert.Equal(["in/ok"], (await RunAsync("ls", "-r", "main")).Lines);
    }

    [Fact]
    public async Task Sixty_four_MiB_go_in_and_out_in_little_memory()
    {
        const int Length = 64 << 20;
        const long MaxPeak = 200L << 20;
        byte[] bytes = new byte[Length];
        new Random(3).NextBytes(bytes);
        string file = _folder.Write("big.bin", bytes);

        ToolResult[] runs =
        [
            (await RunAsync("put", file, "main/big")).Exits(0),
            (await RunAsync(["put", "-", "main/piped"], bytes)).Exits(0),
            (await RunAsync("get", "main/big", _folder["big.out"])).Exits(0),
            (await RunAsync("cp", "strata:main/piped", _folder["piped.out"])).Exits(0),
        ];

        TempFolder.AssertHolds(_folder["big.out"], bytes);
        TempFolder.AssertHolds(_folder["piped.out"], bytes);
        Assert.All(runs, r => Assert.InRange(r.PeakBytes, 1, MaxPeak));
    }

    private Task<ToolResult> RunAsync(params string[] arguments) => RunAsync(arguments, null);

    private Task<ToolResult> RunAsync(string[] arguments, byte[]? input) => StrataProcess.RunAsync([.. arguments, "--data", Data], input);

    internal static void AssertSame(string expected, string actual)
    {
        string[] names = Names(expected);
        Assert.Equal(names, Names(actual));
        foreach (string name in names) Assert.True(File.ReadAllBytes(Path.Combine(expected, name)).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(actual, name))), name);

        static string[] Names(string folder) =>
            [.. Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(folder, f)).Order(StringComparer.Ordinal)];
    }
}
