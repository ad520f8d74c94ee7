using System.Net;
using System.Net.Sockets;

namespace Strata.Benchmarks;

/// <summary>Clients that begin something and never go on.</summary>
internal sealed class StalledConnections : IDisposable
{
    /// <summary>A small window, which an answer that nobody reads fills at once.</summary>
    private const int ReceiveBuffer = 4096;

    private readonly Socket[] _sockets;

    /// <summary>Opens them, and sends the same bytes on each.</summary>
    public StalledConnections(Uri server, int count, ReadOnlySpan<byte> sent)
    {
        _sockets = new Socket[count];
        for (int n = 0; n < count; n++)
        {
            Socket socket = _sockets[n] = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = ReceiveBuffer, NoDelay = true };
            socket.Connect(IPAddress.Parse(server.Host), server.Port);
            if (!sent.IsEmpty) socket.Send(sent);
        }
    }

    public void Dispose() => Array.ForEach(_sockets, s => s.Dispose());
}
