using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Strata.Backends.Tests;

/// <summary>A proxy before an HTTP server, which does to each request what a plan says: the network as it can be.</summary>
public sealed class TcpProxy : IAsyncDisposable
{
    private const int PieceBytes = 16 << 10;
    private static readonly string[] Methods = ["GET /", "PUT /", "POST /", "HEAD /", "DELETE /"];
    private readonly IPEndPoint _server;
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<Task, bool> _running = new();
    private readonly ConcurrentDictionary<Socket, bool> _sockets = new();
    private readonly ConcurrentQueue<string> _requests = new();

    public TcpProxy(Uri server)
    {
        _server = new IPEndPoint(IPAddress.Loopback, server.Port);
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));

        // What the systems between take in advance has not moved: a proxy that is slow must be felt.
        _listener.ReceiveBufferSize = 128 << 10;
        _listener.Listen(512);
        Address = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndPoint!).Port}");
        Run(AcceptAsync());
    }

    public Uri Address { get; }

    /// <summary>What becomes of a request, by its first line; null lets it through. Called once a request.</summary>
    public Func<string, ValueTask<TcpFault?>> Plan { get; set; } = _ => default;

    /// <summary>The first lines of all requests so far.</summary>
    public IReadOnlyList<string> Requests => [.. _requests];

    /// <summary>The fault hits the first requests that match.</summary>
    public void FailNext(Func<string, bool> matches, TcpFault fault, int times = 1) =>
        Plan = line => new(matches(line) && Interlocked.Decrement(ref times) >= 0 ? fault : null);

    /// <summary>Keeps back all requests that match, from now on until they are let go.</summary>
    public HeldRequests Hold(Func<string, bool> matches)
    {
        var held = new HeldRequests(_server);
        Plan = line => new(matches(line) && !held.IsReleased ? new TcpFault { Hold = held } : null);
        return held;
    }

    /// <summary>From now on nobody listens, and connections are gone.</summary>
    public void Refuse()
    {
        _listener.Close();
        foreach (Socket socket in _sockets.Keys) Reset(socket);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        Refuse();
        await Task.WhenAll(_running.Keys).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    /// <summary>Kept until the proxy ends, which waits for all of them.</summary>
    private void Run(Task task) => _running[task] = true;

    private async Task AcceptAsync()
    {
        try
        {
            while (!_stop.IsCancellationRequested) Run(ServeAsync(await _listener.AcceptAsync(_stop.Token)));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
        }
    }

    private async Task ServeAsync(Socket client)
    {
        var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        client.NoDelay = true;
        _sockets[client] = _sockets[server] = true;
        try
        {
            await server.ConnectAsync(_server, _stop.Token);
            var exchange = new Exchange();
            await Task.WhenAny(RequestsAsync(client, server, exchange), AnswersAsync(client, server, exchange));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
        }
        finally
        {
            foreach (Socket socket in (Socket[])[client, server])
            {
                _sockets.TryRemove(socket, out _);
                socket.Dispose();
            }
        }
    }

    private async Task RequestsAsync(Socket client, Socket server, Exchange exchange)
    {
        byte[] buffer = new byte[PieceBytes];
        int count;
        while ((count = await client.ReceiveAsync(buffer, _stop.Token)) > 0)
        {
            string start = Encoding.ASCII.GetString(buffer, 0, Math.Min(count, 4096));
            if (Array.Exists(Methods, m => start.StartsWith(m, StringComparison.Ordinal)))
            {
                string line = start.Split('\r')[0];
                _requests.Enqueue(line);
                exchange.Fault = await Plan(line);
                exchange.Sent = exchange.Received = 0;
                exchange.Start = Stopwatch.GetTimestamp();
            }

            TcpFault? fault = exchange.Fault;
            if (fault?.Hold is { } held)
            {
                await held.TakeAsync(client, buffer.AsMemory(0, count), _stop.Token);
                await EndAsync(client);
                return;
            }

            exchange.Sent += count;
            if (fault?.ResetRequestAfter < exchange.Sent)
            {
                Reset(client);
                return;
            }

            if (fault?.StallRequestAfter < exchange.Sent) await Task.Delay(Timeout.Infinite, _stop.Token);
            if (fault?.Answer is { } answer)
            {
                await client.SendAsync(Encoding.ASCII.GetBytes(answer), _stop.Token);
                client.Shutdown(SocketShutdown.Send);
                await EndAsync(client);
                return;
            }

            if (fault?.RequestBytesPerSecond is { } rate && TimeSpan.FromSeconds((double)exchange.Sent / rate) - Stopwatch.GetElapsedTime(exchange.Start) is { Ticks: > 0 } early)
                await Task.Delay(early, _stop.Token);
            await SendAsync(server, buffer.AsMemory(0, count));
        }
    }

    private async Task AnswersAsync(Socket client, Socket server, Exchange exchange)
    {
        byte[] buffer = new byte[PieceBytes];
        int count;
        while ((count = await server.ReceiveAsync(buffer, _stop.Token)) > 0)
        {
            TcpFault? fault = exchange.Fault;
            bool isInterim = Encoding.ASCII.GetString(buffer, 0, Math.Min(count, 12)) == "HTTP/1.1 100";
            if (!isInterim) exchange.Received += count;
            if ((fault is { DropAnswer: true } && !isInterim) || fault?.ResetAnswerAfter < exchange.Received)
            {
                Reset(client);
                return;
            }

            if (fault is { EndBeforeAnswer: true } && !isInterim)
            {
                // The other side closes then: to let go a socket that is being read would reset it.
                client.Shutdown(SocketShutdown.Send);
                await Task.Delay(Timeout.Infinite, _stop.Token);
            }

            if (fault?.StallAnswerAfter < exchange.Received) await Task.Delay(Timeout.Infinite, _stop.Token);
            if (fault is { PieceDelay: { Ticks: > 0 } delay }) await Task.Delay(delay, _stop.Token);
            if (exchange.Received - 1 - fault?.DamageAnswerAt is >= 0 and { } behind && behind < count) buffer[count - 1 - behind] ^= 1;
            await SendAsync(client, buffer.AsMemory(0, count));
        }
    }

    /// <summary>Waits until the other side hangs up.</summary>
    private async Task EndAsync(Socket socket)
    {
        byte[] buffer = new byte[PieceBytes];
        while (await socket.ReceiveAsync(buffer, _stop.Token) > 0)
        {
        }
    }

    private async Task SendAsync(Socket to, ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length > 0) bytes = bytes[await to.SendAsync(bytes, _stop.Token)..];
    }

    private static void Reset(Socket socket)
    {
        try
        {
            socket.LingerState = new LingerOption(true, 0);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
        }

        socket.Dispose();
    }

    /// <summary>The request under way on a connection.</summary>
    private sealed class Exchange
    {
        public volatile TcpFault? Fault;
        public long Sent;
        public long Received;
        public long Start;
    }
}
