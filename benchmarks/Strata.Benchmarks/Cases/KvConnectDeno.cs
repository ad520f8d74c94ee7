using Spectre.Console;

namespace Strata.Benchmarks;

/// <summary>Programs of Deno's: one whose database is our server, one whose database is in its own process.</summary>
internal sealed class KvConnectDeno : BenchmarkCase
{
    private const double WireTarget = 2, GetTarget = 25, LoneSetTarget = 1, SetsTarget = 10;
    private const int Keys = 1_000;

    /// <summary>The same keys as the program of Deno's has, and as long a value.</summary>
    private readonly KvKey[] _keys = [.. Enumerable.Range(0, Keys).Select(KeyOf)];
    private readonly byte[] _value = Payload.Of(1_024);

    public override string Name => "kvconnect-deno";

    public override string Summary => "gets and sets of 1 KiB in Deno from our server over HTTP/2, and over HTTP/1.1 without Deno, and by Kv in this process, against Deno's local KV called in Deno, by 1 and 64 callers; durable, all of them; target 16";

    public override async Task RunAsync(Contest contest)
    {
        if (DenoProgram.Path is null)
        {
            AnsiConsole.WriteLine($"{Name}: there is no deno on this machine's path, nor where ./test.sh installs it; STRATA_DENO names another place. Nothing was measured.");
            return;
        }

        using var folder = new WorkFolder();
        await using ServerProcess server = await ServerProcess.StartKeyValuesAsync(folder["kv"]);
        await using DenoProgram remote = await DenoProgram.StartAsync(new Uri(server.Address, "/_kv/deno").ToString(), folder["deno"]);
        await using DenoProgram local = await DenoProgram.StartAsync(folder["local.db"], folder["deno"]);
        await using DiskKvDatabase database = await DiskKvDatabase.OpenAsync(new DiskKvDatabaseOptions { Path = folder["embedded"] });
        var kv = new Kv(database);
        foreach (KvKey key in _keys) await kv.SetAsync(key, _value);
        var calls = new KvConnectCalls(server, "app");
        foreach (string operation in (string[])["get", "set"])
        {
            foreach (int callers in (int[])[1, 64])
            {
                using var load = new SocketLoad(server.Address, callers);
                Lane ours = contest.Add("Deno, our server", (_, operations) => remote.RunAsync(operation, callers, operations), server: server);
                Lane bare = contest.Add("our server, without Deno", operation == "get" ? load.InTurns(calls.Gets, calls.GetLength) : load.InTurns(calls.Sets, calls.SetLength), server);
                Lane embedded = contest.Add("Kv, in process", (_, operations) => Writers.RunAsync(callers, operations, operation == "get" ? (_, i) => GetAsync(kv, i) : (_, i) => SetAsync(kv, i)));
                Lane peer = contest.Add("Deno, local", (_, operations) => local.RunAsync(operation, callers, operations));
                await contest.RunAsync();
                string by = callers == 1 ? "1 caller" : $"{callers} callers";
                contest.Higher($"{operation}, {by}", "1/s", Series.PerSecond(ours), Series.PerSecond(peer));

                // A lone caller waits for the wire: an empty endpoint is no quicker than that (kvconnect-get).
                contest.Higher($"{operation}, {by}, without Deno", "1/s", Series.PerSecond(bare), Series.PerSecond(peer), callers == 1 ? null : WireTarget);
                contest.Higher($"{operation}, {by}, in process", "1/s", Series.PerSecond(embedded), Series.PerSecond(peer), operation == "get" ? GetTarget : callers == 1 ? LoneSetTarget : SetsTarget);
            }
        }
    }

    private static KvKey KeyOf(int number) => ["users", (double)number, "profile"];

    private async ValueTask GetAsync(Kv kv, int operation) => Sink.Expect((await kv.GetAsync<byte[]>(_keys[operation % Keys]))!.Value.Length, _value.Length);

    private async ValueTask SetAsync(Kv kv, int operation) => await kv.SetAsync(_keys[operation % Keys], _value);
}
