using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Strata.Server;

/// <summary>
/// Cuts off clients that take nothing of an answer. The web server's own least rate is an average over the whole answer, and
/// a large one that nobody reads would be kept for hours; on Linux the kernel knows better (TCP user timeout, RFC 5482).
/// </summary>
internal static class StalledReaders
{
    /// <summary>From linux/tcp.h; in ms.</summary>
    private const int TcpLevel = 6, TcpUserTimeout = 18;

    /// <summary>A listening socket whose connections are cut when their peer acknowledges nothing for <see cref="StrataServerOptions.SlowGrace"/>.</summary>
    public static Socket Limited(EndPoint endpoint, StrataServerOptions options)
    {
        Socket socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
        if (!OperatingSystem.IsLinux() || options.MinBytesPerSecond == 0) return socket;
        int milliseconds = (int)Math.Min(options.SlowGrace.TotalMilliseconds, int.MaxValue);
        socket.SetRawSocketOption(TcpLevel, TcpUserTimeout, BitConverter.GetBytes(milliseconds));
        return socket;
    }
}
