using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Strata.Reliability;

/// <summary>SIGTERM in the middle of work: who is being served is served to the end, and nobody new is let in.</summary>
public sealed class TerminatedServerTests
{
    private const int Length = 1_000_000;

    [Fact]
    public async Task An_upload_under_way_is_finished_while_idle_connections_and_the_feed_end_and_new_ones_are_refused()
    {
        using var folder = new TemporaryFolder();
        byte[] content = new byte[Length];
        Random.Shared.NextBytes(content);
        using (ServeProcess server = await ServeProcess.StartAsync(folder.Path))
        {
            using TcpClient upload = await ConnectAsync(server.Address, $"PUT /main/k HTTP/1.1\r\nHost: {server.Address.Authority}\r\nContent-Length: {Length}\r\nExpect: 100-continue\r\n\r\n");
            Assert.StartsWith("HTTP/1.1 100", await ReadUntilAsync(upload, "\r\n\r\n"));
            await upload.GetStream().WriteAsync(content.AsMemory(0, Length / 2));
            using TcpClient idle = await ConnectAsync(server.Address, $"HEAD /main HTTP/1.1\r\nHost: {server.Address.Authority}\r\n\r\n");
            Assert.StartsWith("HTTP/1.1 200", await ReadUntilAsync(idle, "\r\n\r\n"));
            using TcpClient feed = await ConnectAsync(server.Address, $"GET /_strata/v1/events HTTP/1.1\r\nHost: {server.Address.Authority}\r\n\r\n");
            await ReadUntilAsync(feed, "event: stores");

            await server.TerminateAsync();
            await ReadToEndAsync(idle);
            await ReadToEndAsync(feed);
            await Assert.ThrowsAnyAsync<SocketException>(async () => (await ConnectAsync(server.Address, "")).Dispose());

            await upload.GetStream().WriteAsync(content.AsMemory(Length / 2));
            Assert.StartsWith("HTTP/1.1 200", await ReadToEndAsync(upload));
            Assert.Equal(0, await server.ExitCodeAsync());
        }

        using ServeProcess again = await ServeProcess.StartAsync(folder.Path);
        using var http = new HttpClient { BaseAddress = again.Address };
        byte[] read = await http.GetByteArrayAsync(new Uri("/main/k", UriKind.Relative));
        Assert.True(content.AsSpan().SequenceEqual(read), "what was acknowledged while the server ended is not what is there");
    }

    private static async Task<TcpClient> ConnectAsync(Uri address, string request)
    {
        var client = new TcpClient();
        await client.ConnectAsync(IPEndPoint.Parse(address.Authority));
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request));
        return client;
    }

    private static async Task<string> ReadUntilAsync(TcpClient client, string text)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var answer = new StringBuilder();
        byte[] buffer = new byte[1];
        while (!answer.ToString().EndsWith(text, StringComparison.Ordinal))
        {
            await client.GetStream().ReadExactlyAsync(buffer, deadline.Token);
            answer.Append((char)buffer[0]);
        }

        return answer.ToString();
    }

    private static async Task<string> ReadToEndAsync(TcpClient client)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(15));
        using var reader = new StreamReader(client.GetStream(), Encoding.ASCII, leaveOpen: true);
        return await reader.ReadToEndAsync(deadline.Token);
    }
}
