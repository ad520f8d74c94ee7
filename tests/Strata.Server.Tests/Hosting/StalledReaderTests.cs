using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Strata.Testing;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>Clients that ask for a large object and then take nothing of it: little is read for them, and nothing once they have gone.</summary>
public sealed class StalledReaderTests(ITestOutputHelper output)
{
    private const int Length = 32 << 20, Piece = 64 << 10, Clients = 64;

    /// <summary>What the kernel's sockets, the web server's pipe and the piece under way may hold together of one answer.</summary>
    private const int MostHeld = 1 << 20;

    [Theory]
    [InlineData("/main/large")]
    [InlineData("/_strata/v1/stores/main/blob?key=large")]
    public async Task Little_of_an_answer_that_nobody_reads_is_held_and_no_more_is_read_when_all_such_clients_go_at_once(string path)
    {
        await using var store = new LatencyStore(new MemoryBlobStore(new MemoryBlobStoreOptions()));
        await store.PutBytesAsync(BlobKey.Parse("large"), new byte[Length]);
        StrataServer server = await StrataServer.StartAsync(new Dictionary<string, IBlobStore> { ["main"] = store }, new StrataServerOptions { Listen = "127.0.0.1:0" });
        Socket[] clients = await Task.WhenAll(Enumerable.Range(0, Clients).Select(_ => AskAsync(server.Address, path)));
        long held, afterwards;
        try
        {
            await Eventually.HoldsAsync(() => Task.FromResult(store.CountOf(StoreOperation.Read) == Clients));
            held = await SettledAsync(() => store.CountOf(StoreOperation.ReadStream)) * Piece / Clients;
        }
        finally
        {
            // Closed with a reset, as by a process that is killed.
            foreach (Socket client in clients)
            {
                client.LingerState = new LingerOption(enable: true, seconds: 0);
                client.Dispose();
            }

            await server.DisposeAsync();
            afterwards = store.CountOf(StoreOperation.ReadStream) * Piece / Clients;
        }

        output.WriteLine($"{held >> 10} KiB of {Length >> 10} were read for each client that took nothing, {afterwards >> 10} KiB in the end");
        Assert.InRange(held, 1, MostHeld);
        Assert.True(afterwards <= 2 * MostHeld, $"{afterwards >> 10} KiB were read for each client in the end: the rest was read for nobody, while others waited");
    }

    private static async Task<Socket> AskAsync(Uri server, string path)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        await socket.ConnectAsync(IPEndPoint.Parse(server.Authority));
        await socket.SendAsync(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"GET {path} HTTP/1.1\r\nHost: {server.Authority}\r\n\r\n")));
        return socket;
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
