using Strata.Cli.Tests;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>Deno itself (HTTP/2) and the package <c>@deno/kv</c> under Node.js (HTTP/1.1), as clients of our server.</summary>
public sealed class DenoClientTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const string Token = "a-token-of-the-clients", Wrong = "a-token-of-nobody-else";

    private readonly string _folder = Directory.CreateTempSubdirectory("strata-deno-").FullName;
    private RunningServer _running = null!;

    public async ValueTask InitializeAsync() => _running = await RunningServer.StartAsync(new StrataServerOptions { KvTokens = [new KvToken(Token)] });

    public async ValueTask DisposeAsync()
    {
        await _running.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Every operation, every kind of value and key, limits and their errors.</summary>
    [Theory]
    [InlineData(KvProgram.Deno, 190)]
    [InlineData(KvProgram.Node, 175)]
    public async Task A_program_prints_the_same_with_our_server_as_with_the_local_database(string runtime, int least)
    {
        string[] local = await LinesAsync(runtime, "all", Path.Combine(_folder, "local.db")), ours = await LinesAsync(runtime, "all", Address);
        Assert.True(local.Length >= least, $"The program printed no more than {local.Length} lines.");
        Assert.Equal(local, ours);
    }

    /// <summary>Deno's local database keeps what came before the mutation that failed.</summary>
    [Theory]
    [InlineData(KvProgram.Deno)]
    [InlineData(KvProgram.Node)]
    public async Task A_write_of_which_one_mutation_fails_leaves_nothing(string runtime)
    {
        string[] lines = await LinesAsync(runtime, "untouched", Address);
        Assert.StartsWith("a sum of text is refused", lines[0], StringComparison.Ordinal);
        Assert.Equal("""["untouched"] = null""", lines[1]);
    }

    /// <summary>Deno's local database lets an entry be seen until it is removed, up to a minute later.</summary>
    [Theory]
    [InlineData(KvProgram.Deno)]
    [InlineData(KvProgram.Node)]
    public async Task An_entry_is_gone_from_its_time_on_and_who_watches_it_is_told(string runtime) => Assert.Equal(
        ["""["short"] = "lived" @""", """["short"] = null true""", """["short"] = null 0""", "again true"],
        await LinesAsync(runtime, "expiry", Address));

    [Theory]
    [InlineData(KvProgram.Deno)]
    [InlineData(KvProgram.Node)]
    public async Task A_wrong_token_is_refused_for_good(string runtime)
    {
        CommandRun run = await KvProgram.RunAsync(runtime, "open", Address, Wrong, _folder);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("401", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("a-token", run.Everything, StringComparison.Ordinal);
    }

    /// <summary>The one signal lets it end what it has begun, the other does not.</summary>
    [Theory]
    [InlineData(KvProgram.Deno, 15)]
    [InlineData(KvProgram.Node, 15)]
    [InlineData(KvProgram.Deno, 9)]
    [InlineData(KvProgram.Node, 9)]
    public async Task Writes_that_were_acknowledged_outlive_the_server_and_watches_go_on(string runtime, int signal)
    {
        const int Ends = 3, More = 20;
        string data = Path.Combine(_folder, "data");
        StrataProcess server = await StrataProcess.ServeAsync(data, "--kv-token", Token);
        Uri address = server.Address;
        await using KvProgram program = KvProgram.Begin(runtime, "steady", new Uri(address, "/_kv/app").ToString(), Token, _folder);
        try
        {
            for (int end = 0; end <= Ends; end++)
            {
                // A change that was written after the last start is told to a watch that began before it.
                int written = Last(program.Lines, "wrote");
                await program.UntilAsync(lines => Last(lines, "wrote") >= written + More && Last(lines, "saw") > written + 1);
                if (end == Ends) break;
                await server.StopAsync(signal);
                server.Dispose();
                server = await StrataProcess.ServeAsync(data, "--kv-token", Token, "--listen", address.Authority);
            }

            int exitCode = await program.EndAsync();
            string last = program.Lines[^1];
            output.WriteLine($"{last}; {program.Lines.Count(l => l.StartsWith("again", StringComparison.Ordinal))} writes were tried again by the program");
            Assert.True(exitCode == 0, string.Join('\n', program.Lines.TakeLast(5)));
            Assert.StartsWith("missing 0 of ", last, StringComparison.Ordinal);
        }
        finally
        {
            server.Dispose();
        }
    }

    private string Address => new Uri(_running.Server.Address, "/_kv/app").ToString();

    /// <summary>The number in the last of the lines that begin so; -1 for none.</summary>
    private static int Last(string[] lines, string word) => lines.LastOrDefault(l => l.StartsWith(word + " ", StringComparison.Ordinal)) is { } line ? int.Parse(line[(word.Length + 1)..]) : -1;

    private async Task<string[]> LinesAsync(string runtime, string scenario, string database) =>
        (await KvProgram.RunAsync(runtime, scenario, database, Token, _folder)).Successful.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
