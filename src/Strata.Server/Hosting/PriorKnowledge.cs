using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Strata.Server;

/// <summary>
/// HTTP/2 by prior knowledge (RFC 9113, 3.3) beside HTTP/1.1 on one port without encryption. Deno speaks the one, all else
/// the other, and the web server, which speaks either, does not find out which: here the first bytes tell.
/// </summary>
/// <remarks>
/// The web server makes a pipeline for each place that it listens at. There is one more place, at which nobody ever
/// arrives, for the sake of its pipeline; who arrives at the real one and speaks HTTP/2 is handed there. A connection is
/// the web server's own from its first moment, those that say nothing too: they count as open, and end when the server does.
/// </remarks>
internal sealed class PriorKnowledge(StrataServerOptions options, TimeProvider clock) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private ConnectionDelegate? _http2;

    /// <summary>How a client of HTTP/2 begins: no request of HTTP/1.1 does.</summary>
    private static ReadOnlySpan<byte> Preface => "PRI "u8;

    /// <summary>Makes the pipeline of HTTP/2. To be called before the real place is added: what is added first is there first.</summary>
    public void AddTo(KestrelServerOptions kestrel) => kestrel.Listen(new Nowhere(), endpoint =>
    {
        endpoint.Protocols = HttpProtocols.Http2;
        endpoint.Use(next => _http2 = connection => PromptAcknowledgement.RunAsync(connection, next));
    });

    /// <summary>The pipeline of the real place: this one for who speaks HTTP/2, else the given one.</summary>
    public ConnectionDelegate Beside(ConnectionDelegate http1) => async connection =>
    {
        if (await SpeaksHttp2Async(connection) is { } speaksHttp2) await (speaksHttp2 ? _http2! : http1)(connection);
    };

    public bool CanBind(EndPoint endpoint) => endpoint is Nowhere;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) => new(new Silence(endpoint));

    /// <summary>Looks at the first bytes, and leaves them there. A client may take as long as before a request of HTTP/1.1.</summary>
    /// <returns>Null: the client said too little for too long, or has gone, or the server stops.</returns>
    private async ValueTask<bool?> SpeaksHttp2Async(ConnectionContext connection)
    {
        PipeReader input = connection.Transport.Input;
        using var ends = new CancellationTokenSource(Bounded(options.KeepAliveTimeout), clock);
        CancellationToken closing = connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? CancellationToken.None;
        await using CancellationTokenRegistration closes = closing.UnsafeRegister(static ends => ((CancellationTokenSource)ends!).Cancel(), ends);
        try
        {
            for (bool hasBegun = false; ; hasBegun = true)
            {
                ReadResult read = await input.ReadAsync(ends.Token);
                bool? speaksHttp2 = Judge(read.Buffer, read.IsCompleted);
                input.AdvanceTo(read.Buffer.Start, speaksHttp2 is null ? read.Buffer.End : read.Buffer.Start);
                if (speaksHttp2 is not null) return speaksHttp2;
                if (!hasBegun) ends.CancelAfter(Bounded(options.HeaderTimeout));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            return null;
        }
    }

    /// <summary>Null: as far as one can see, both.</summary>
    private static bool? Judge(ReadOnlySequence<byte> seen, bool isAll)
    {
        Span<byte> first = stackalloc byte[Preface.Length];
        first = first[..(int)Math.Min(first.Length, seen.Length)];
        seen.Slice(0, first.Length).CopyTo(first);
        return !Preface.StartsWith(first) || (isAll && first.Length < Preface.Length) ? false : first.Length == Preface.Length ? true : null;
    }

    /// <summary>What a timer takes.</summary>
    private static TimeSpan Bounded(TimeSpan time) => TimeSpan.FromMilliseconds(Math.Min(time.TotalMilliseconds, int.MaxValue));

    /// <summary>A place at which nobody arrives; its name is seen in the web server's own log.</summary>
    private sealed class Nowhere : EndPoint
    {
        public override string ToString() => "http2-by-prior-knowledge";
    }

    /// <summary>Accepts nobody until it is told to stop.</summary>
    private sealed class Silence(EndPoint endpoint) : IConnectionListener
    {
        private readonly TaskCompletionSource<ConnectionContext?> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public EndPoint EndPoint => endpoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) => await _end.Task.WaitAsync(cancellationToken);

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            _end.TrySetResult(null);
            return default;
        }

        public ValueTask DisposeAsync() => UnbindAsync();
    }
}
