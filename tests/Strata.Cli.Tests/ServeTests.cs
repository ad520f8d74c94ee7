using System.Text.Json;
using Xunit;

namespace Strata.Cli.Tests;

/// <summary>serve, and the other commands through it.</summary>
public sealed class ServeTests : IDisposable
{
    private readonly TempFolder _folder = new();

    private string Data => _folder["data"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Every_command_works_through_a_running_server()
    {
        using StrataProcess server = await StrataProcess.ServeAsync(Data);
        string file = _folder.Write("a.txt", "text"u8);

        (await RunAsync("put", file, "main/x/a.txt", "--meta", "k=ü")).Exits(0);
        (await RunAsync("put", file, "main/x/a.txt", "--if-absent")).Fails(ExitCode.ConditionFailed, "--if-absent");
        Assert.Equal("text", (await RunAsync("cat", "main/x/a.txt")).Exits(0).Output);
        Assert.Equal("ex", (await RunAsync("cat", "main/x/a.txt", "--range", "1-2")).Exits(0).Output);
        (await RunAsync("get", "main/x/a.txt", _folder["b.txt"])).Exits(0);
        Assert.Equal("text", await File.ReadAllTextAsync(_folder["b.txt"]));
        Assert.Equal(["x/"], (await RunAsync("ls", "main")).Exits(0).Lines);
        Assert.Contains("main", (await StrataProcess.RunAsync("ls", Data)).Exits(0).Output, StringComparison.Ordinal);
        Assert.Equal("main", (await RunAsync("ls", "--json")).Exits(0).Json.GetProperty("store").GetString());
        JsonElement stat = (await RunAsync("stat", "main/x/a.txt", "--json")).Exits(0).Json;
        Assert.Equal("cold", stat.GetProperty("tiers").EnumerateArray().Last().GetString());
        Assert.Equal("ü", stat.GetProperty("info").GetProperty("metadata").GetProperty("k").GetString());
        (await RunAsync("cp", "-r", "strata:main/x", "strata:main/y")).Exits(0);
        (await RunAsync("cp", "-r", "strata:main/y", _folder["out"])).Exits(0);
        Assert.Equal("text", await File.ReadAllTextAsync(_folder["out/a.txt"]));
        (await RunAsync("ls", "other")).Fails(ExitCode.NotFound, "'other'", "main");
        (await RunAsync("rm", "main/none")).Fails(ExitCode.NotFound, "main/none");
        (await RunAsync("rm", "-r", "--yes", "main/x")).Exits(0);
        Assert.Equal(["y/a.txt"], (await RunAsync("ls", "-r", "main")).Lines);
        (await RunAsync("serve")).Fails(ExitCode.Unavailable, server.Address.ToString(), $"process {server.Id}");
        Assert.Equal(0, await server.StopAsync());
        Assert.Equal(["y/a.txt"], (await RunAsync("ls", "-r", "main")).Exits(0).Lines);
    }

    [Fact]
    public async Task A_store_of_mounts_is_served_like_any_other()
    {
        string file = _folder.Write("a.txt", "text"u8);
        string settings = $$"""
            { "Strata": { "Stores": { "media": { "Mounts": [
                { "Url": "file:{{_folder["rest"]}}" },
                { "Prefix": "photos/", "Tiers": [ { "Name": "hot", "Url": "memory:" }, { "Name": "cold", "Url": "file:{{_folder["photos"]}}" } ] } ] } } } }
            """;
        using StrataProcess server = await StrataProcess.ServeAsync(Data, "--config", _folder.Write("strata.json", System.Text.Encoding.UTF8.GetBytes(settings)));

        (await RunAsync("put", file, "media/a.txt")).Exits(0);
        (await RunAsync("put", file, "media/photos/b.txt")).Exits(0);

        Assert.Equal(["a.txt", "photos/b.txt"], (await RunAsync("ls", "-r", "media")).Exits(0).Lines);
        Assert.Equal("text", (await RunAsync("cat", "media/photos/b.txt")).Exits(0).Output);
        Assert.Equal(0, await server.StopAsync());
    }

    [Fact]
    public async Task Expiry_holds_through_the_server()
    {
        using StrataProcess server = await StrataProcess.ServeAsync(Data);
        string file = _folder.Write("a.txt", "text"u8);

        (await RunAsync("put", file, "main/gone", "--expires", "2020-01-01T00:00:00Z")).Exits(0);
        (await RunAsync("put", file, "main/kept", "--ttl", "1h")).Exits(0);

        Assert.Equal(["kept"], (await RunAsync("ls", "main")).Lines);
    }

    [Fact]
    public async Task Sixty_four_MiB_go_through_the_server_in_little_memory()
    {
        const long MaxPeak = 300L << 20;
        byte[] bytes = new byte[64 << 20];
        new Random(3).NextBytes(bytes);
        string file = _folder.Write("big.bin", bytes);
        using StrataProcess server = await StrataProcess.ServeAsync(Data);

        ToolResult put = (await RunAsync("put", file, "main/big")).Exits(0), get = (await RunAsync("get", "main/big", _folder["out"])).Exits(0);

        TempFolder.AssertHolds(_folder["out"], bytes);
        Assert.InRange(put.PeakBytes, 1, MaxPeak);
        Assert.InRange(get.PeakBytes, 1, MaxPeak);
        Assert.InRange(server.PeakBytes, 1, MaxPeak);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(15)]
    public async Task It_stops_when_it_is_asked_to(int signal)
    {
        using StrataProcess server = await StrataProcess.ServeAsync(Data);

        Assert.Equal(0, await server.StopAsync(signal));
        Assert.Null(DataFolder.FindOwner(Data));
    }

    [Fact]
    public async Task The_demo_fills_the_store_and_reads_it()
    {
        for (int i = 0; i < 40; i++) _folder.Write($"files/{i % 4}/{i}.txt", new byte[i * 100]);
        using StrataProcess server = await StrataProcess.ServeAsync(Data, "--demo", _folder["files"]);
        var messages = new List<string>();
        while (!messages.Any(m => m.Contains("reading", StringComparison.Ordinal)))
        {
            string? line = await server.NextLineAsync();
            Assert.NotNull(line);
            messages.Add(JsonDocument.Parse(line).RootElement.GetProperty("message").GetString()!);
        }

        Assert.Contains(messages, m => m.StartsWith("40 files", StringComparison.Ordinal));
        Assert.Equal(40, (await RunAsync("ls", "-r", "main/demo/")).Lines.Length);
        JsonElement hot = (await RunAsync("ls", "--json")).Json.GetProperty("tiers")[0];
        Assert.Equal(32 << 20, hot.GetProperty("maxBytes").GetInt64());
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while ((await RunAsync("ls", "--json")).Json.GetProperty("tiers")[0].GetProperty("hits").GetInt64() == 0) limit.Token.ThrowIfCancellationRequested();
        Assert.Equal(0, await server.StopAsync());
    }

    [Fact]
    public async Task A_port_in_use_is_a_clear_error()
    {
        using StrataProcess server = await StrataProcess.ServeAsync(Data);

        (await StrataProcess.RunAsync("serve", "--data", _folder["other"], "--listen", server.Address.Authority)).Fails(ExitCode.Unavailable, server.Address.Authority, "--listen");
    }

    private Task<ToolResult> RunAsync(params string[] arguments) => StrataProcess.RunAsync(arguments.Contains("--data") ? arguments : [.. arguments, "--data", Data]);
}
