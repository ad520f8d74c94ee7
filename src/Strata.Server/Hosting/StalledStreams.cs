using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Strata.Server;

/// <summary>
/// Cuts off requests of HTTP/2 whose client takes nothing of the answer. There a client stops a stream by giving it no
/// window, while the connection goes on and the kernel has nothing to complain of (<see cref="StalledReaders"/>); and the
/// web server lets a handler wait there for as long as the client likes.
/// </summary>
/// <remarks>
/// Each write must be taken at the least rate, with what the web server holds besides: by default within some five minutes.
/// What is left when the handler has done, up to 64 KiB, is the web server's own to limit: mostly it closes the connection
/// after a while, and not surely. The limits of streams a connection and of connections bound what that can take.
/// </remarks>
internal static class StalledStreams
{
    /// <summary>What the web server takes of an answer beyond what the client has room for, in bytes: its default.</summary>
    private const int HeldBytes = 64 << 10;

    /// <summary>Runs a request whose writes are timed.</summary>
    public static async Task RunAsync(HttpContext http, RequestDelegate next, StrataServerOptions options, TimeProvider clock)
    {
        IHttpResponseBodyFeature plain = http.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
        var timed = new StreamResponseBodyFeature(new TimedStream(plain.Stream, http, options, clock), plain);
        http.Features.Set<IHttpResponseBodyFeature>(timed);
        try
        {
            await next(http);

            // What was written to the pipe and not flushed.
            await timed.CompleteAsync();
        }
        finally
        {
            http.Features.Set(plain);
        }
    }

    /// <summary>To be disposed of before the request has ended: the web server uses its context again.</summary>
    private static ITimer TimerOf(HttpContext http, int length, StrataServerOptions options, TimeProvider clock) => clock.CreateTimer(
        static http => ((HttpContext)http!).Abort(),
        http,
        options.SlowGrace + TimeSpan.FromSeconds((HeldBytes + length) / (double)options.MinBytesPerSecond),
        Timeout.InfiniteTimeSpan);

    private sealed class TimedStream(Stream inner, HttpContext http, StrataServerOptions options, TimeProvider clock) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            ValueTask writing = inner.WriteAsync(buffer, cancellationToken);
            return writing.IsCompleted ? writing : new(TimedAsync(writing.AsTask(), buffer.Length));
        }

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override Task FlushAsync(CancellationToken cancellationToken)
        {
            Task flushing = inner.FlushAsync(cancellationToken);
            return flushing.IsCompleted ? flushing : TimedAsync(flushing, 0);
        }

        public override void Flush() => inner.Flush();

        public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        private async Task TimedAsync(Task writing, int length)
        {
            await using ITimer timer = TimerOf(http, length, options, clock);
            await writing;
        }
    }
}
