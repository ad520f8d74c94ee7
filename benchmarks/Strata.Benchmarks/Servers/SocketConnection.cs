using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Strata.Benchmarks;

/// <summary>
/// One connection, by blocking calls: the least that a client can do, and much less than what <see cref="HttpClient"/>
/// does. Client and server share a machine, so what a client costs hides what servers differ in.
/// </summary>
internal sealed class SocketConnection : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(256 << 10);
    private int _headLength;

    public SocketConnection(Uri server)
    {
        _socket.ReceiveTimeout = _socket.SendTimeout = (int)Patience.TotalMilliseconds;
        _socket.Connect(IPAddress.Parse(server.Host), server.Port);
    }

    private ReadOnlySpan<byte> Head => _buffer.AsSpan(0, _headLength);

    public void Dispose() => _socket.Dispose();

    public void Send(WireRequest request)
    {
        SendAll(request.Start.Span);
        SendAll(request.Rest.Span);
    }

    /// <summary>Waits for the answer and reads it to its end.</summary>
    /// <param name="body">Gets the body; null to read and forget it.</param>
    /// <returns>Bytes of the body.</returns>
    /// <exception cref="InvalidOperationException">The answer is no success.</exception>
    public long Receive(Stream? body = null)
    {
        int filled = 0;
        for (_headLength = 0; _headLength == 0;)
        {
            filled += ReceiveSome(filled);
            _headLength = _buffer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8) + 4;
            if (_headLength == 3) _headLength = 0;
        }

        long length = Field("Content-Length"u8) is [] ? 0 : long.Parse(Field("Content-Length"u8), provider: null);
        long received = filled - _headLength;
        bool isSuccess = Head.StartsWith("HTTP/1.1 2"u8);
        if (!isSuccess) body = new MemoryStream();
        body?.Write(_buffer, _headLength, (int)received);
        while (received < length)
        {
            int some = ReceiveSome(_headLength);
            body?.Write(_buffer, _headLength, some);
            received += some;
        }

        return isSuccess ? length : throw new InvalidOperationException($"{Encoding.UTF8.GetString(Head)}{Encoding.UTF8.GetString(((MemoryStream)body!).ToArray())}");
    }

    /// <summary>Sends a request and reads the answer's body as text.</summary>
    public string Ask(WireRequest request)
    {
        using var body = new MemoryStream();
        Send(request);
        Receive(body);
        return Encoding.UTF8.GetString(body.GetBuffer(), 0, (int)body.Length);
    }

    /// <summary>A header of the last answer; empty if it has none.</summary>
    public string Header(string name) => Encoding.ASCII.GetString(Field(Encoding.ASCII.GetBytes(name)));

    private ReadOnlySpan<byte> Field(ReadOnlySpan<byte> name)
    {
        for (ReadOnlySpan<byte> rest = Head; !rest.IsEmpty;)
        {
            int end = rest.IndexOf("\r\n"u8);
            ReadOnlySpan<byte> line = rest[..end];
            if (line.Length > name.Length && line[name.Length] == ':' && Ascii.EqualsIgnoreCase(line[..name.Length], name)) return line[(name.Length + 1)..].Trim(" "u8);
            rest = rest[(end + 2)..];
        }

        return [];
    }

    private void SendAll(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty) bytes = bytes[_socket.Send(bytes)..];
    }

    private int ReceiveSome(int at)
    {
        int some = _socket.Receive(_buffer.AsSpan(at));
        return some > 0 ? some : throw new EndOfStreamException("The server closed the connection.");
    }
}
