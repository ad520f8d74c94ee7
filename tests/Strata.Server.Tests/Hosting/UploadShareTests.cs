using System.Net;
using System.Net.Sockets;
using Strata.Testing;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>A client with as many uploads at once as its share is told to come again; others do not notice it.</summary>
public sealed class UploadShareTests
{
    private static readonly AccessKey One = new() { Id = "ONE00000", Secret = "the first secret", Grants = [AccessGrant.Everything] };
    private static readonly AccessKey Two = One with { Id = "TWO00000", Secret = "the second secret" };

    [Theory]
    [InlineData(256, null, 64)]
    [InlineData(5, null, 2)]
    [InlineData(2, null, 1)]
    [InlineData(1, null, 1)]
    [InlineData(10, 3, 3)]
    [InlineData(2, 3, 2)]
    public void A_share_is_a_quarter_unless_it_is_set_and_never_more_than_there_is(int max, int? perClient, int share)
    {
        using var counted = new Counted();
        var limit = new UploadLimit(new StrataServerOptions { MaxUploads = max, MaxUploadsPerClient = perClient }, new ServerMetrics(counted.Context.Meter));
        for (int n = 0; n < share; n++) Assert.True(limit.TryBegin("a"), $"upload {n + 1} within the share was refused");
        Assert.False(limit.TryBegin("a"), "an upload beyond the share was taken: one client could take all");
        Assert.Equal(1, counted[max > share ? "strata.server.refusals/share" : "strata.server.refusals/uploads"]);
        Assert.Equal(max > share, limit.TryBegin("b"));
        if (max > share) limit.End("b");
        for (int n = 0; n < share; n++) limit.End("a");
        Assert.Equal(0, limit.Clients);
        Assert.True(limit.TryBegin("a"), "a place that was given back is not to be had");
    }

    [Fact]
    public async Task Places_are_neither_lost_nor_doubled_by_clients_that_come_and_go_at_once()
    {
        using var counted = new Counted();
        var limit = new UploadLimit(new StrataServerOptions { MaxUploads = 8, MaxUploadsPerClient = 3 }, new ServerMetrics(counted.Context.Meter));
        var own = new int[4];
        int all = 0;
        await Task.WhenAll(Enumerable.Range(0, 16).Select(n => Task.Run(() =>
        {
            string client = $"{n % own.Length}";
            for (int i = 0; i < 20_000; i++)
            {
                if (!limit.TryBegin(client)) continue;
                int mine = Interlocked.Increment(ref own[n % own.Length]), total = Interlocked.Increment(ref all);
                Interlocked.Decrement(ref own[n % own.Length]);
                Interlocked.Decrement(ref all);
                limit.End(client);
                Assert.True(mine <= 3 && total <= 8, $"{mine} uploads of one client and {total} in all were under way at once");
            }
        })));
        Assert.Equal(0, limit.Clients);
    }

    [Theory]
    [InlineData("/main/k")]
    [InlineData("/_strata/v1/stores/main/blob?key=k")]
    public async Task Stalled_uploads_of_one_key_leave_room_for_others_and_one_more_is_refused_before_its_body_is_read(string path)
    {
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions());
        var options = new StrataServerOptions { Listen = "127.0.0.1:0", Access = new AccessKeyRing(One, Two), MaxUploads = 12, MinBytesPerSecond = 0 };
        await using StrataServer server = await StrataServer.StartAsync(new Dictionary<string, IBlobStore> { ["main"] = store }, options);
        var stalled = new List<RawConnection>();
        try
        {
            // A quarter of the places. That the body is asked for shows that a place is taken.
            for (int n = 0; n < 3; n++) await AskAsync($"/main/stalled-{n}", "100 Continue");
            string refused = await AskAsync(path, path == "/main/k" ? "<Code>SlowDown</Code>" : "Unavailable");
            Assert.StartsWith("HTTP/1.1 503", refused);
            Assert.Contains("Retry-After: 1\r\n", refused);
            Assert.DoesNotContain("100 Continue", refused);
            Assert.StartsWith("HTTP/1.1 200", await SignedMessage.Of(Two, server.Address, "PUT", path, "whole").SendAsync(server.Address));
            Assert.StartsWith("HTTP/1.1 200", await SignedMessage.Of(One, server.Address, "GET", path).SendAsync(server.Address));
        }
        finally
        {
            foreach (RawConnection connection in stalled) connection.Dispose();
        }

        await Eventually.HoldsAsync(async () => (await SignedMessage.Of(One, server.Address, "PUT", path, "again").SendAsync(server.Address)).StartsWith("HTTP/1.1 200", StringComparison.Ordinal));

        // Asks to send a body, and then does not send it.
        async Task<string> AskAsync(string target, string until)
        {
            RawConnection connection = await RawConnection.OpenAsync(server.Address);
            stalled.Add(connection);
            SignedMessage message = SignedMessage.Of(One, server.Address, "PUT", target, "the body", headers: ("Expect", "100-continue"));
            await connection.WriteAsync($"PUT {target} HTTP/1.1\r\n{string.Concat(message.Headers.Select(h => $"{h.Name}: {h.Value}\r\n"))}\r\n");
            return await connection.ReadUntilAsync(until);
        }
    }

    [Fact]
    public async Task Where_there_are_no_keys_each_address_has_a_share()
    {
        await using var store = new LatencyStore(new MemoryBlobStore(new MemoryBlobStoreOptions()));
        using StoreGate gate = store.Hold(call => call.Operation == StoreOperation.Write && call.Key.Value.StartsWith("held", StringComparison.Ordinal));
        await using StrataServer server = await StrataServer.StartAsync(
            new Dictionary<string, IBlobStore> { ["main"] = store }, new StrataServerOptions { Listen = "127.0.0.1:0", MaxUploads = 4 });
        using HttpClient one = From("127.0.0.1"), two = From("127.0.0.2");
        Task<HttpResponseMessage> held = one.PutAsync(new Uri(server.Address, "main/held"), new ByteArrayContent(new byte[10]));
        await gate.WaitForArrivalAsync();
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await PutAsync(one));
        Assert.Equal(HttpStatusCode.OK, await PutAsync(two));
        gate.Open();
        using HttpResponseMessage answer = await held;
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(HttpStatusCode.OK, await PutAsync(one));

        async Task<HttpStatusCode> PutAsync(HttpClient http)
        {
            using HttpResponseMessage put = await http.PutAsync(new Uri(server.Address, "main/k"), new ByteArrayContent(new byte[10]));
            return put.StatusCode;
        }
    }

    /// <summary>All of 127.0.0.0/8 is this machine.</summary>
    private static HttpClient From(string address) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (context, cancellationToken) =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.Parse(address), 0));
            await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        },
    });
}
