using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Strata.Server;

/// <summary>
/// Cuts off clients that take nothing of an answer, and keeps little for them until then. The web server's own least rate
/// is an average over the whole answer, and a large one that nobody reads would be kept for hours; on Linux the kernel
/// knows better (TCP user timeout, RFC 5482). Of what is not yet sent it would keep up to 4 MiB a connection, which
/// five hundred stalled ones fill at once and at everybody's cost; a bound on that (TCP_NOTSENT_LOWAT) slows nobody
/// down, as what is on its way does not count.
/// </summary>
internal static class StalledReaders
{
    /// <summary>From linux/tcp.h; the first in ms, the second in bytes.</summary>
    private const int TcpLevel = 6, TcpUserTimeout = 18, TcpNotSentLowWater = 25;

    private const int MaxNotSent = 256 << 10;

    /// <summary>A listening socket whose connections are cut when their peer acknowledges nothing for <see cref="StrataServerOptions.SlowGrace"/>.</summary>
    public static Socket Limited(EndPoint endpoint, StrataServerOptions options)
    {
        Socket socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
        if (!OperatingSystem.IsLinux()) return socket;
        Set(socket, TcpNotSentLowWater, MaxNotSent);
        if (options.MinBytesPerSecond > 0) Set(socket, TcpUserTimeout, (int)Math.Min(options.SlowGrace.TotalMilliseconds, int.MaxValue));
        return socket;
    }

    private static void Set(Socket socket, int option, int value) => socket.SetRawSocketOption(TcpLevel, option, BitConverter.GetBytes(value));
}
