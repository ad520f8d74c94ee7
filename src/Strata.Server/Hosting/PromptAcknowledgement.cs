using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Strata.Server;

/// <summary>
/// Tells clients of HTTP/2 at once that what they sent has arrived. Deno sends what is longer than a kilobyte in pieces, and
/// holds a short last one back until the one before it is acknowledged (RFC 896); the kernel puts that off by 40 ms in
/// the hope of an answer that could carry it (RFC 1122, 4.2.3.2), while the answer waits for the last piece. A write of
/// 1 KiB took 46 ms so. Where more is waited for, what has come is acknowledged. Linux alone lets one ask for it.
/// </summary>
internal static class PromptAcknowledgement
{
    /// <summary>From linux/tcp.h. It holds once, and sends what is due.</summary>
    private const int TcpLevel = 6, TcpQuickAck = 12;

    private static readonly byte[] On = BitConverter.GetBytes(1);

    /// <summary>The pipeline of a connection, with which this is so.</summary>
    public static Task RunAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        if (OperatingSystem.IsLinux() && connection.Features.Get<IConnectionSocketFeature>()?.Socket is { ProtocolType: ProtocolType.Tcp } socket)
            connection.Transport = new Transport(new Reader(connection.Transport.Input, socket), connection.Transport.Output);
        return next(connection);
    }

    private sealed record Transport(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    private sealed class Reader(PipeReader inner, Socket socket) : PipeReader
    {
        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
        {
            ValueTask<ReadResult> reading = inner.ReadAsync(cancellationToken);
            if (!reading.IsCompleted) Acknowledge();
            return reading;
        }

        public override bool TryRead(out ReadResult result) => inner.TryRead(out result);

        public override void AdvanceTo(SequencePosition consumed) => inner.AdvanceTo(consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => inner.AdvanceTo(consumed, examined);

        public override void CancelPendingRead() => inner.CancelPendingRead();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);

        public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);

        private void Acknowledge()
        {
            try
            {
                socket.SetRawSocketOption(TcpLevel, TcpQuickAck, On);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // The connection has ended; who reads is about to hear of it.
            }
        }
    }
}
