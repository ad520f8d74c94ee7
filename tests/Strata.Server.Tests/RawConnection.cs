using System.Net.Sockets;
using System.Text;

namespace Strata.Server.Tests;

/// <summary>A connection that sends exactly what a test says: no client normalizes anything.</summary>
public sealed class RawConnection : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp);
    private readonly Uri _address;

    private RawConnection(Uri address) => _address = address;

    public static async Task<RawConnection> OpenAsync(Uri address)
    {
        var connection = new RawConnection(address);
        await connection._socket.ConnectAsync(address.Host, address.Port);
        return connection;
    }

    /// <summary>One request on a connection of its own; the whole answer.</summary>
    public static async Task<string> SendAsync(Uri address, string requestLine, string headers = "", string body = "")
    {
        using RawConnection connection = await OpenAsync(address);
        await connection.WriteAsync($"{requestLine} HTTP/1.1\r\nHost: {address.Authority}\r\nConnection: close\r\n{headers}\r\n{body}");
        return await connection.ReadToEndAsync();
    }

    public async Task WriteAsync(string text) => await _socket.SendAsync(Encoding.Latin1.GetBytes(text));

    public async Task<string> ReadToEndAsync()
    {
        using var deadline = new CancellationTokenSource(Deadline);
        using var answer = new MemoryStream();
        byte[] buffer = new byte[4096];
        int read;
        try
        {
            while ((read = await _socket.ReceiveAsync(buffer, deadline.Token)) > 0) await answer.WriteAsync(buffer.AsMemory(0, read));
        }
        catch (SocketException) when (answer.Length > 0)
        {
            // The server answered, and then cut the connection because the request's body did not come.
        }

        return Encoding.UTF8.GetString(answer.ToArray());
    }

    /// <summary>Reads until the answer holds a text.</summary>
    public async Task<string> ReadUntilAsync(string text)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        var answer = new StringBuilder();
        byte[] buffer = new byte[4096];
        while (!answer.ToString().Contains(text, StringComparison.Ordinal))
        {
            int read = await _socket.ReceiveAsync(buffer, deadline.Token);
            if (read == 0) throw new EndOfStreamException($"The server closed after: {answer}");
            answer.Append(Encoding.UTF8.GetString(buffer, 0, read));
        }

        return answer.ToString();
    }

    public string Authority => _address.Authority;

    public void Dispose() => _socket.Dispose();
}
