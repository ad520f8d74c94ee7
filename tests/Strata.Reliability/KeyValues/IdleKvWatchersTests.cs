using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Strata.Reliability;

/// <summary>Ten thousand clients that watch a key of which nothing is to be told, at a server that is a process of its own.</summary>
[Collection(nameof(Alone))]
public sealed class IdleKvWatchersTests(ITestOutputHelper output)
{
    private const int Requests = 500, Sources = 4, AtOnce = 50, ValueBytes = 60_000;

    /// <summary>What an idle watcher may cost: far less than the value that it watches.</summary>
    private const int MostBytesEach = 32_000;

    /// <summary>What the process may have grown by besides, with what is not collected yet; bytes.</summary>
    private const long MostBesides = 64L << 20;

    /// <summary>The least that is called slow on a busy machine.</summary>
    private static readonly TimeSpan Floor = TimeSpan.FromMilliseconds(200);

    private static readonly byte[] Watched = [2, 119, 0], Other = [2, 111, 0];

    [Fact]
    public async Task They_are_held_in_little_memory_pinged_told_of_a_change_and_do_no_harm()
    {
        int watchers = LongForm.Of(10_000, 2_000);
        using var folder = new TemporaryFolder();
        using ServeProcess server = await ServeProcess.StartAsync(folder.Path);
        using var http = new HttpClient { BaseAddress = server.Address };
        using HttpResponseMessage told = await http.PostAsync(new Uri("/_kv/app", UriKind.Relative), new ByteArrayContent("{\"supportedVersions\":[3]}"u8.ToArray()));
        string id = JsonDocument.Parse(await told.Content.ReadAsStringAsync()).RootElement.GetProperty("databaseId").GetString()!;
        await SetAsync(http, id, Watched, new byte[ValueBytes]);
        await MeasureAsync(http, id);
        TimeSpan before = await MeasureAsync(http, id);
        long memory = server.Memory();

        var idle = new Socket[watchers];
        byte[] watch = [0x0A, (byte)(2 + Watched.Length), 0x0A, (byte)Watched.Length, .. Watched];
        byte[] request = [.. Encoding.ASCII.GetBytes($"POST /_kv/app/watch HTTP/1.1\r\nHost: {server.Address.Authority}\r\nx-denokv-version: 3\r\nx-denokv-database-id: {id}\r\nContent-Length: {watch.Length}\r\n\r\n"), .. watch];
        try
        {
            await Parallel.ForAsync(0, watchers, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (n, cancellationToken) =>
            {
                idle[n] = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                idle[n].Bind(new IPEndPoint(IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"127.0.0.{2 + (n % Sources)}")), 0));
                await idle[n].ConnectAsync(IPEndPoint.Parse(server.Address.Authority), cancellationToken);
                await idle[n].SendAsync(request, cancellationToken);
                await ReceiveAsync(idle[n], ValueBytes, cancellationToken);
            });

            await MeasureAsync(http, id);
            TimeSpan among = await MeasureAsync(http, id);
            long grown = server.Memory() - memory;
            output.WriteLine($"p99 of a write {before.TotalMilliseconds:0.0} ms alone, {among.TotalMilliseconds:0.0} ms among {watchers} watchers of a value of {ValueBytes} bytes");
            output.WriteLine($"resident memory {memory >> 20} MiB before, {(memory + grown) >> 20} MiB with them: {grown / watchers} bytes each");

            long changing = Stopwatch.GetTimestamp();
            await SetAsync(http, id, Watched, "changed"u8.ToArray());
            using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            await Task.WhenAll(idle.Select(socket => ReceiveUntilAsync(socket, "changed"u8.ToArray(), deadline.Token)));
            output.WriteLine($"all {watchers} were told of a change after {Stopwatch.GetElapsedTime(changing).TotalMilliseconds:0} ms");
            Assert.InRange(grown, long.MinValue, MostBesides + ((long)MostBytesEach * watchers));
            Assert.True(among < 10 * before || among < Floor, $"others' p99 went from {before.TotalMilliseconds:0.0} to {among.TotalMilliseconds:0.0} ms");
        }
        finally
        {
            foreach (Socket socket in idle) socket?.Dispose();
        }

        // Those that have gone are let go of: the server still does its work, and ends.
        await MeasureAsync(http, id);
        await server.TerminateAsync();
        Assert.Equal(0, await server.ExitCodeAsync());
    }

    /// <summary>Reads at least so much: pings are a few bytes.</summary>
    private static async Task ReceiveAsync(Socket socket, int least, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[16 << 10];
        for (int received = 0; received < least;)
        {
            int read = await socket.ReceiveAsync(buffer, cancellationToken);
            if (received == 0) Assert.StartsWith("HTTP/1.1 200", Encoding.Latin1.GetString(buffer, 0, read), StringComparison.Ordinal);
            Assert.True(read > 0, "a watcher among many was cut off");
            received += read;
        }
    }

    private static async Task ReceiveUntilAsync(Socket socket, byte[] text, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[4 << 10];
        using var seen = new MemoryStream();
        while (seen.GetBuffer().AsSpan(0, (int)seen.Length).IndexOf(text) < 0)
        {
            int read = await socket.ReceiveAsync(buffer, cancellationToken);
            Assert.True(read > 0, "a watcher among many was cut off");
            await seen.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
        }
    }

    /// <summary>The 99th percentile of writes of another key.</summary>
    private static async Task<TimeSpan> MeasureAsync(HttpClient http, string id)
    {
        var times = new List<TimeSpan>();
        for (int n = 0; n < Requests; n++)
        {
            long started = Stopwatch.GetTimestamp();
            await SetAsync(http, id, Other, "other"u8.ToArray());
            times.Add(Stopwatch.GetElapsedTime(started));
        }

        times.Sort();
        return times[(int)(Requests * 0.99)];
    }

    private static async Task SetAsync(HttpClient http, string id, byte[] key, byte[] value)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/_kv/app/atomic_write") { Content = new ByteArrayContent(KvMessage.Write(key, value, encoding: 3, kind: 1)) };
        request.Headers.Add("x-denokv-version", "3");
        request.Headers.Add("x-denokv-database-id", id);
        using HttpResponseMessage answer = await http.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }
}
