using System.Globalization;
using System.Net.Sockets;
using Strata.Testing;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>An upload is read no faster than its store takes it: what waits in the server is a few buffers, however much the client would send.</summary>
public sealed class BackPressureTests(ITestOutputHelper output)
{
    private const long Length = 64L << 20;

    /// <summary>What the kernel's sockets, the web server's pipe and the two pieces of an upload may hold together.</summary>
    private const long MostTaken = 16 << 20;

    [Theory]
    [InlineData("/main/k")]
    [InlineData("/_strata/v1/stores/main/blob?key=k")]
    public async Task While_the_store_stalls_the_client_is_stopped_and_the_memory_stays_bounded(string path)
    {
        await using var store = new LatencyStore(new MemoryBlobStore(new MemoryBlobStoreOptions()));
        using StoreGate gate = store.Hold(call => call.Operation is StoreOperation.Append or StoreOperation.Write);
        var options = new StrataServerOptions { Listen = "127.0.0.1:0", MinBytesPerSecond = 0 };
        await using StrataServer server = await StrataServer.StartAsync(new Dictionary<string, IBlobStore> { ["main"] = store }, options);
        using var client = new TcpClient { SendBufferSize = 64 << 10 };
        await client.ConnectAsync(server.Address.Host, server.Address.Port);
        await using NetworkStream stream = client.GetStream();
        await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(string.Create(
            CultureInfo.InvariantCulture, $"PUT {path} HTTP/1.1\r\nHost: {server.Address.Authority}\r\nContent-Length: {Length}\r\nConnection: close\r\n\r\n")));

        long before = GC.GetTotalMemory(forceFullCollection: true), sent = 0;
        Task sending = SendAsync();
        await gate.WaitForArrivalAsync().WaitAsync(TimeSpan.FromSeconds(20));
        long taken = await SettledAsync(() => Volatile.Read(ref sent));
        output.WriteLine($"{taken >> 10} KiB of {Length >> 10} were taken while the store stalled");
        Assert.InRange(taken, 1, MostTaken);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, MostTaken);

        gate.Open();
        await sending;
        using var reader = new StreamReader(stream);
        Assert.StartsWith("HTTP/1.1 200", await reader.ReadToEndAsync());

        async Task SendAsync()
        {
            byte[] piece = new byte[64 << 10];
            for (; sent < Length; Interlocked.Add(ref sent, piece.Length)) await stream.WriteAsync(piece);
        }
    }

    /// <summary>The count once it has stood still for a while.</summary>
    private static async Task<long> SettledAsync(Func<long> count)
    {
        for (long last = -1, now; ; last = now)
        {
            now = count();
            if (now == last) return now;
            await Task.Delay(300);
        }
    }
}
