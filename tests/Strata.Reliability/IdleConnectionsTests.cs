using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Strata.Reliability;

/// <summary>Ten thousand clients that are connected and ask for nothing.</summary>
public sealed class IdleConnectionsTests(ITestOutputHelper output)
{
    private const int Connections = 10_000, Requests = 1000, Sources = 4, AtOnce = 50;

    /// <summary>What an idle connection may cost.</summary>
    private const int MostBytesEach = 20_000;

    /// <summary>The least that is called slow on a busy machine.</summary>
    private static readonly TimeSpan Floor = TimeSpan.FromMilliseconds(50);

    [Fact]
    public async Task Ten_thousand_idle_connections_are_held_and_do_no_harm()
    {
        using var folder = new TemporaryFolder();
        using ServeProcess server = await ServeProcess.StartAsync(folder.Path);
        using var http = new HttpClient { BaseAddress = server.Address };
        using HttpResponseMessage put = await http.PutAsync(new Uri("/main/k", UriKind.Relative), new ByteArrayContent(new byte[4000]));
        await MeasureAsync(http);
        TimeSpan before = await MeasureAsync(http);
        long memory = server.Memory();

        var idle = new Socket[Connections];
        try
        {
            // Every second one has asked for something once.
            byte[] request = Encoding.ASCII.GetBytes($"HEAD /main HTTP/1.1\r\nHost: {server.Address.Authority}\r\n\r\n");
            await Parallel.ForAsync(0, Connections, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (n, cancellationToken) =>
            {
                idle[n] = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                idle[n].Bind(new IPEndPoint(IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"127.0.0.{2 + (n % Sources)}")), 0));
                await idle[n].ConnectAsync(IPEndPoint.Parse(server.Address.Authority), cancellationToken);
                if (n % 2 == 0) return;
                await idle[n].SendAsync(request, cancellationToken);
                Assert.True(await idle[n].ReceiveAsync(new byte[1024], cancellationToken) > 0, "a client among many got no answer");
            });

            await MeasureAsync(http);
            TimeSpan among = await MeasureAsync(http);
            long grown = server.Memory() - memory;
            output.WriteLine($"p99 {before.TotalMilliseconds:0.0} ms alone, {among.TotalMilliseconds:0.0} ms among {Connections} idle connections");
            output.WriteLine($"resident memory {memory >> 20} MiB before, {(memory + grown) >> 20} MiB with them: {grown / Connections} bytes each");
            Assert.Equal(0, idle.Count(s => s.Poll(0, SelectMode.SelectRead)));
            Assert.InRange(grown, long.MinValue, (long)MostBytesEach * Connections);
            Assert.True(among < 10 * before || among < Floor, $"others' p99 went from {before.TotalMilliseconds:0.0} to {among.TotalMilliseconds:0.0} ms");
        }
        finally
        {
            foreach (Socket socket in idle) socket?.Dispose();
        }
    }

    private static async Task<TimeSpan> MeasureAsync(HttpClient http)
    {
        var times = new List<TimeSpan>();
        for (int n = 0; n < Requests; n++)
        {
            long started = Stopwatch.GetTimestamp();
            await http.GetByteArrayAsync(new Uri("/main/k", UriKind.Relative));
            times.Add(Stopwatch.GetElapsedTime(started));
        }

        times.Sort();
        return times[(int)(Requests * 0.99)];
    }
}
