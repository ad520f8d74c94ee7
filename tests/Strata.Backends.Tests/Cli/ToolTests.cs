using System.Security.Cryptography;
using Strata.Cli.Tests;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>The command line over the object stores of others.</summary>
public abstract class ToolTests : IAsyncLifetime
{
    private readonly TempFolder _folder = new();

    /// <summary>An address in the test's own bucket.</summary>
    protected abstract string At(string key);

    /// <summary>An address in a bucket that is not there.</summary>
    protected abstract string Nowhere { get; }

    /// <summary>By which the tool comes to the server.</summary>
    protected abstract IReadOnlyDictionary<string, string> Environment { get; }

    /// <summary>The same with a wrong secret.</summary>
    protected abstract IReadOnlyDictionary<string, string> Wrong { get; }

    public abstract ValueTask InitializeAsync();

    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        _folder.Dispose();
        return default;
    }

    [Fact]
    public async Task A_folder_goes_in_and_out_and_is_not_copied_twice()
    {
        byte[] large = RandomNumberGenerator.GetBytes((20 << 20) + 7);
        _folder.Write("in/large.bin", large);
        for (int i = 0; i < 100; i++) _folder.Write($"in/{i % 5}/ünï {i}.txt", RandomNumberGenerator.GetBytes(i * 31));

        foreach ((string from, string to) in new[] { (_folder["in"], At("site")), (At("site"), _folder["out"]), (At("site"), At("copy")), (At("copy"), "file:" + _folder["store"]), ("file:" + _folder["store"], At("back")) })
        {
            await CopiesAsync(from, to, copied: 101, equal: 0);
            await CopiesAsync(from, to, copied: 0, equal: 101);
        }

        await CopiesAsync(_folder["in"], At("back"), copied: 0, equal: 101, "--checksum");
        TempFolder.AssertHolds(_folder["out/large.bin"], large);
        Assert.Equal(Directory.GetFiles(_folder["in"], "*", SearchOption.AllDirectories).Length, Directory.GetFiles(_folder["out"], "*", SearchOption.AllDirectories).Length);
        Assert.Equal(101, (await RunAsync("ls", "-r", At("back"))).Exits(0).Lines.Length);
        Assert.Equal(large[^100..], (await RunAsync("cat", At("copy/large.bin"), "--range", "-100")).Exits(0).OutputBytes);
        (await RunAsync("rm", "-r", "--yes", At("site"))).Exits(0);
        (await RunAsync("stat", At("site/large.bin"))).Fails(3, "site/large.bin");
    }

    [Fact]
    public async Task Conditions_and_presigned_addresses_work()
    {
        string file = _folder.Write("a.txt", "text"u8);
        (await RunAsync("put", file, At("x/a"), "--if-absent", "--meta", "k=ü")).Exits(0);
        (await RunAsync("put", file, At("x/a"), "--if-absent")).Fails(4, "x/a");

        using var http = new HttpClient();
        Assert.Equal("text", await http.GetStringAsync((await RunAsync("presign", At("x/a"))).Exits(0).Lines.Single()));
    }

    [Fact]
    public async Task What_is_wrong_is_said_in_one_line()
    {
        string file = _folder.Write("a.txt", "text"u8);
        foreach (string[] command in (string[][])[["ls", Nowhere], ["put", file, Nowhere], ["cat", Nowhere], ["stat", Nowhere], ["cp", "-r", _folder.Path, Nowhere]])
            (await RunAsync(command)).Fails(5, "create it first");
        foreach (string[] command in (string[][])[["ls", At("")], ["put", file, At("a")], ["cat", At("a")], ["cp", "-r", _folder.Path, At("b")]])
            (await StrataProcess.RunAsync(command, null, Wrong)).Fails(5, "Credentials come from");
    }

    private async Task CopiesAsync(string from, string to, int copied, int equal, params string[] options)
    {
        ToolResult copy = (await RunAsync(["cp", "-r", from, to, "--json", .. options])).Exits(0);
        Assert.True(
            copy.JsonLines[^1].GetProperty("copied").GetInt32() == copied && copy.JsonLines[^1].GetProperty("equal").GetInt32() == equal,
            $"{from} to {to}: {copy.Lines[^1]}; expected {copied} copied, {equal} equal");
    }

    private Task<ToolResult> RunAsync(params string[] arguments) => StrataProcess.RunAsync(arguments, null, Environment);
}
