using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Strata.Server.Tests;

/// <summary>A connection of HTTP/2 by prior knowledge that sends exactly what a test says (RFC 9113), and opens no window by itself.</summary>
public sealed class RawHttp2 : IDisposable
{
    /// <summary>How a client begins.</summary>
    public const string Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

    /// <summary>How an answer's headers begin if it is a success (RFC 7541, appendix A).</summary>
    public const byte StatusOk = 0x88;

    private const int HeaderLength = 9;
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly Uri _address;

    private RawHttp2(Uri address) => _address = address;

    /// <summary>What frames are for.</summary>
    public enum FrameType
    {
        Data = 0,
        Headers = 1,
        Reset = 3,
        Settings = 4,
        Ping = 6,
        GoAway = 7,
        Window = 8,
    }

    /// <param name="Type">What it is for.</param>
    /// <param name="Flags">1: the stream's last, or an acknowledgement; 4: the last of the headers.</param>
    /// <param name="Stream">0: the connection.</param>
    /// <param name="Payload">The rest.</param>
    public sealed record Frame(FrameType Type, byte Flags, int Stream, byte[] Payload)
    {
        /// <summary>Of <see cref="FrameType.Reset"/> and <see cref="FrameType.GoAway"/>: why.</summary>
        public int Error => BinaryPrimitives.ReadInt32BigEndian(Payload.AsSpan(Type == FrameType.GoAway ? 4 : 0));
    }

    /// <summary>Connects.</summary>
    /// <param name="address">Where to.</param>
    /// <param name="window">Bytes that each stream may be sent until more are let in.</param>
    /// <param name="noDelay">False to have the kernel hold back what does not fill a packet until all before it is acknowledged.</param>
    public static async Task<RawHttp2> OpenAsync(Uri address, int window = 65_535, bool noDelay = true)
    {
        var connection = new RawHttp2(address) { _socket = { NoDelay = noDelay } };
        await connection._socket.ConnectAsync(IPEndPoint.Parse(address.Authority));
        await connection._socket.SendAsync(Encoding.ASCII.GetBytes(Preface));
        byte[] settings = new byte[6];
        BinaryPrimitives.WriteInt16BigEndian(settings, 4);
        BinaryPrimitives.WriteInt32BigEndian(settings.AsSpan(2), window);
        await connection.SendAsync(FrameOf(FrameType.Settings, 0, 0, settings));
        return connection;
    }

    /// <summary>A request's headers, which may be all of it.</summary>
    public Task BeginAsync(int stream, string method, string path, bool isAll = true, params (string Name, string Value)[] headers) => SendAsync(HeadersOf(stream, method, path, isAll, headers));

    /// <summary>The frame of a request's headers.</summary>
    public byte[] HeadersOf(int stream, string method, string path, bool isAll = true, params (string Name, string Value)[] headers)
    {
        using var block = new MemoryStream();
        foreach ((string name, string value) in ((string, string)[])[(":method", method), (":scheme", "http"), (":path", path), (":authority", _address.Authority), .. headers])
        {
            // A literal that is not to be remembered (RFC 7541, 6.2.2).
            block.WriteByte(0);
            Write(block, name);
            Write(block, value);
        }

        return FrameOf(FrameType.Headers, (byte)(isAll ? 5 : 4), stream, block.ToArray());
    }

    public static byte[] ResetOf(int stream) => FrameOf(FrameType.Reset, 0, stream, [0, 0, 0, 8]);

    /// <summary>Lets more bytes in; stream 0: on the connection.</summary>
    public Task OpenWindowAsync(int stream, int bytes)
    {
        byte[] increment = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(increment, bytes);
        return SendAsync(FrameOf(FrameType.Window, 0, stream, increment));
    }

    public Task DataAsync(int stream, byte[] bytes, bool isLast = false) => SendAsync(FrameOf(FrameType.Data, (byte)(isLast ? 1 : 0), stream, bytes));

    public Task PingAsync() => SendAsync(FrameOf(FrameType.Ping, 0, 0, new byte[8]));

    public async Task SendAsync(byte[] bytes) => await _socket.SendAsync(bytes);

    /// <summary>The next frame; null if the server has closed.</summary>
    public async Task<Frame?> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            byte[] header = new byte[HeaderLength];
            if (!await FillAsync(header, cancellationToken)) return null;
            byte[] payload = new byte[(header[0] << 16) | (header[1] << 8) | header[2]];
            return await FillAsync(payload, cancellationToken) ? new Frame((FrameType)header[3], header[4], BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(5)), payload) : null;
        }
        catch (SocketException)
        {
            return null;
        }
    }

    /// <summary>The first frame of which this is true; null if the server has closed before.</summary>
    public async Task<Frame?> ReadUntilAsync(Func<Frame, bool> isIt, CancellationToken cancellationToken)
    {
        while (await ReadAsync(cancellationToken) is { } frame)
        {
            if (isIt(frame)) return frame;
        }

        return null;
    }

    public void Dispose() => _socket.Dispose();

    private static byte[] FrameOf(FrameType type, byte flags, int stream, byte[] payload)
    {
        byte[] frame = new byte[HeaderLength + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        (frame[3], frame[4]) = ((byte)type, flags);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, HeaderLength);
        return frame;
    }

    private static void Write(MemoryStream block, string text)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(text);

        // A length of seven bits, and in steps of seven what is beyond (RFC 7541, 5.1).
        if (bytes.Length < 127)
        {
            block.WriteByte((byte)bytes.Length);
        }
        else
        {
            block.WriteByte(127);
            int rest = bytes.Length - 127;
            for (; rest >= 128; rest >>= 7) block.WriteByte((byte)((rest & 127) | 128));
            block.WriteByte((byte)rest);
        }

        block.Write(bytes);
    }

    private async Task<bool> FillAsync(byte[] buffer, CancellationToken cancellationToken)
    {
        for (int read, filled = 0; filled < buffer.Length; filled += read)
        {
            read = await _socket.ReceiveAsync(buffer.AsMemory(filled), cancellationToken);
            if (read == 0) return false;
        }

        return true;
    }
}
