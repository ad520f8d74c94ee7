using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Strata.Backends.Tests;

/// <summary>
/// Requests that a proxy has taken whole and keeps back, as a network may: their callers hear nothing and give up, and the
/// requests reach the server when they are let go. Their answers go nowhere.
/// </summary>
public sealed class HeldRequests(IPEndPoint server)
{
    private readonly Lock _lock = new();
    private readonly List<byte[]> _kept = [];
    private readonly List<string> _lines = [];
    private bool _isReleased;

    /// <summary>The first lines of those that were taken whole, in order.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lock) return [.. _lines];
        }
    }

    /// <summary>Waits until so many were taken whole.</summary>
    public Task TakenAsync(int count = 1) => Eventually.HoldsAsync(() => Lines.Count >= count, () => $"the proxy has {Lines.Count} of {count} requests that it is to keep back");

    /// <summary>Lets them go, one after the other, as they came; from now on those that match are not kept any more.</summary>
    /// <returns>The first line of each answer: the server has done, or refused, what was asked.</returns>
    public async Task<IReadOnlyList<string>> ReleaseAsync()
    {
        byte[][] all;
        lock (_lock)
        {
            _isReleased = true;
            all = [.. _kept];
            _kept.Clear();
        }

        var answers = new List<string>();
        foreach (byte[] request in all) answers.Add(await SendAsync(request));
        return answers;
    }

    internal bool IsReleased
    {
        get
        {
            lock (_lock) return _isReleased;
        }
    }

    /// <summary>Takes a request with its body, whose length it must say.</summary>
    /// <param name="client">From whom; it may hang up once all is taken.</param>
    /// <param name="first">What has come of it.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal async Task TakeAsync(Socket client, ReadOnlyMemory<byte> first, CancellationToken cancellationToken)
    {
        var request = new MemoryStream();
        request.Write(first.Span);
        byte[] buffer = new byte[16 << 10];
        for (long? whole = null; whole is null || request.Length < whole;)
        {
            if (whole is null && HeadOf(request) is { } head)
            {
                whole = head.Length + LengthOf(head);
                if (head.Contains("100-continue", StringComparison.OrdinalIgnoreCase)) await client.SendAsync("HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray(), cancellationToken);
                continue;
            }

            int count = await client.ReceiveAsync(buffer, cancellationToken);
            if (count == 0) return;
            await request.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
        }

        byte[] bytes = request.ToArray();
        lock (_lock)
        {
            _lines.Add(Encoding.ASCII.GetString(bytes).Split('\r')[0]);
            if (!_isReleased)
            {
                _kept.Add(bytes);
                return;
            }
        }

        await SendAsync(bytes);
    }

    private async Task<string> SendAsync(byte[] request)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(server);
        await using var stream = new NetworkStream(socket);
        await stream.WriteAsync(request);
        using var answer = new StreamReader(stream, Encoding.ASCII);
        for (; ; )
        {
            string line = await answer.ReadLineAsync() ?? throw new IOException("The server hung up on a request that was let go.");
            if (!line.StartsWith("HTTP/1.1 100", StringComparison.Ordinal)) return line;
            while (await answer.ReadLineAsync() is { Length: > 0 })
            {
            }
        }
    }

    private static string? HeadOf(MemoryStream request)
    {
        int end = request.GetBuffer().AsSpan(0, (int)request.Length).IndexOf("\r\n\r\n"u8);
        return end < 0 ? null : Encoding.Latin1.GetString(request.GetBuffer(), 0, end + 4);
    }

    private static long LengthOf(string head)
    {
        const string Name = "Content-Length:";
        string? line = head.Split("\r\n").FirstOrDefault(l => l.StartsWith(Name, StringComparison.OrdinalIgnoreCase));
        if (line is null && head.Contains("Transfer-Encoding:", StringComparison.OrdinalIgnoreCase)) throw new NotSupportedException("Only a request that says its length is kept back.");
        return line is null ? 0 : long.Parse(line[Name.Length..], CultureInfo.InvariantCulture);
    }
}
