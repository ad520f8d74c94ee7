using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Xml.Linq;

namespace Strata.Reliability;

/// <summary>
/// kill -9 of a real server under load, twenty times over one folder. What was acknowledged must read back whole, what is
/// listed must be whole, and a write under way may have happened or not, but never in part.
/// </summary>
public sealed class KilledServerTests(ITestOutputHelper output)
{
    private const int Kills = 20, Writers = 6, KeysPerWriter = 25;

    /// <summary>What may be read for each key: the last acknowledged content, or that of a write that was under way when the server died.</summary>
    private readonly ConcurrentDictionary<string, string[]> _allowed = new();

    private int _acknowledged;

    [Fact]
    public async Task Every_acknowledged_write_survives_twenty_kills_and_no_partial_blob_is_listed()
    {
        using var folder = new TemporaryFolder();
        int seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        for (int kill = 0; kill < Kills; kill++)
        {
            using ServeProcess server = await ServeProcess.StartAsync(folder.Path);
            await VerifyAsync(server.Address, kill);
            using var stop = new CancellationTokenSource();
            Task[] writers = [.. Enumerable.Range(0, Writers).Select(w => WriteUntilKilledAsync(server.Address, w, kill, stop.Token))];
            int before = Volatile.Read(ref _acknowledged), more = random.Next(5, 120);
            await WaitForAsync(() => Volatile.Read(ref _acknowledged) >= before + more);
            await server.KillAsync();
            await stop.CancelAsync();
            await Task.WhenAll(writers);
        }

        using ServeProcess last = await ServeProcess.StartAsync(folder.Path);
        await VerifyAsync(last.Address, Kills);
        output.WriteLine($"{_acknowledged} acknowledged writes and deletes, {Kills} kills, {_allowed.Count} keys");
    }

    private async Task WriteUntilKilledAsync(Uri address, int writer, int round, CancellationToken stop)
    {
        using var client = new HttpClient { BaseAddress = address };
        var random = new Random(HashCode.Combine(writer, round));
        for (int n = 0; !stop.IsCancellationRequested; n++)
        {
            string key = string.Create(CultureInfo.InvariantCulture, $"load/{writer}/{random.Next(KeysPerWriter)}");
            bool delete = random.Next(8) == 0;
            string next = delete ? "" : string.Create(CultureInfo.InvariantCulture, $"{key} round {round} write {n} length {random.Next(1, 200_000)}");
            string[] before = _allowed.GetValueOrDefault(key, [""]);
            _allowed[key] = [.. before, next];
            try
            {
                using HttpResponseMessage answer = delete
                    ? await client.DeleteAsync(new Uri($"/main/{key}", UriKind.Relative), CancellationToken.None)
                    : await client.PutAsync(new Uri($"/main/{key}", UriKind.Relative), new ByteArrayContent(Content(next)), CancellationToken.None);
                Assert.True(answer.IsSuccessStatusCode, $"the server answered {(int)answer.StatusCode} under load");
                _allowed[key] = [next];
                Interlocked.Increment(ref _acknowledged);
            }
            catch (Exception error) when (error is HttpRequestException or SocketException)
            {
                // Killed: whether this write happened is unknown. (HttpClient lets a SocketException through when the
                // connection is gone between its being made and its being asked for the peer's address.)
                return;
            }
        }
    }

    private async Task VerifyAsync(Uri address, int kill)
    {
        using var client = new HttpClient { BaseAddress = address };
        var found = new ConcurrentDictionary<string, string>();
        foreach (string key in await ListAsync(client))
        {
            byte[] content = await client.GetByteArrayAsync(new Uri($"/main/{key}", UriKind.Relative));
            string name = Name(content);
            Assert.True(content.AsSpan().SequenceEqual(Content(name)), $"after kill {kill}, '{key}' is listed and is not whole: {content.Length} bytes of '{name}'");
            found[key] = name;
        }

        foreach ((string key, string[] allowed) in _allowed)
        {
            string now = found.GetValueOrDefault(key, "");
            Assert.True(allowed.Contains(now), $"after kill {kill}, '{key}' holds '{now}', which was neither acknowledged last nor under way; allowed: {string.Join(" | ", allowed)}");
            _allowed[key] = [now];
            if (now.Length > 0) continue;
            using HttpResponseMessage answer = await client.GetAsync(new Uri($"/main/{key}", UriKind.Relative));
            Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        }
    }

    private static async Task<IReadOnlyList<string>> ListAsync(HttpClient client)
    {
        XDocument list = XDocument.Parse(await client.GetStringAsync(new Uri("/main?list-type=2&prefix=load/", UriKind.Relative)));
        return [.. list.Descendants().Where(e => e.Name.LocalName == "Key").Select(e => e.Value)];
    }

    /// <summary>Bytes that say what they are: the name, then bytes seeded by it, as many as it says.</summary>
    private static byte[] Content(string name)
    {
        int length = int.Parse(name[(name.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture);
        byte[] head = Encoding.UTF8.GetBytes(name + "\n");
        byte[] content = new byte[head.Length + length];
        new Random(length).NextBytes(content);
        head.CopyTo(content, 0);
        return content;
    }

    private static string Name(byte[] content)
    {
        int end = Array.IndexOf(content, (byte)'\n');
        return end < 0 ? $"no name in {content.Length} bytes length 0" : Encoding.UTF8.GetString(content, 0, end);
    }

    private static async Task WaitForAsync(Func<bool> condition)
    {
        long started = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(60), "the server took no writes for a minute");
            await Task.Delay(1);
        }
    }
}
