using System.Buffers;
using Strata.Server;

namespace Strata.Cli;

/// <summary>A blob whose bytes come over HTTP as they are read.</summary>
internal sealed class ServedReadResult(HttpResponseMessage response, Stream body, BlobInfo info, long offset, long length, string source) : BlobReadResult
{
    private Stream? _body = new ExactStream(body, length, info.Key, source);

    public override BlobInfo Info => info;

    public override long Offset => offset;

    public override long Length => length;

    public override string Source => source;

    public override bool TryGetSequence(out ReadOnlySequence<byte> sequence)
    {
        sequence = default;
        return false;
    }

    public override Stream OpenStream() => Interlocked.Exchange(ref _body, null) ?? throw new InvalidOperationException("This blob can be read only once.");

    public override ValueTask DisposeAsync()
    {
        response.Dispose();
        return base.DisposeAsync();
    }

    /// <summary>The bytes that were promised, or an error: a connection that ends early is no end of a blob.</summary>
    private sealed class ExactStream(Stream inner, long length, BlobKey key, string source) : ReadOnlyStream
    {
        private long _left = length;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (buffer.IsEmpty || _left == 0) return 0;
            try
            {
                int read = await inner.ReadAsync(buffer, cancellationToken);
                if (read == 0) throw BrokenOff(null);
                _left -= read;
                return read;
            }
            catch (Exception e) when (e is IOException or HttpRequestException)
            {
                throw BrokenOff(e);
            }
        }

        public override int Read(Span<byte> buffer)
        {
            if (buffer.IsEmpty || _left == 0) return 0;
            try
            {
                int read = inner.Read(buffer);
                if (read == 0) throw BrokenOff(null);
                _left -= read;
                return read;
            }
            catch (Exception e) when (e is IOException or HttpRequestException)
            {
                throw BrokenOff(e);
            }
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) inner.Dispose();
            base.Dispose(disposing);
        }

        private StorageException BrokenOff(Exception? e) =>
            new(StorageErrorKind.Unavailable, $"The server broke off '{key}' {_left} bytes before its end; its log says why.", e)
            {
                IsTransient = true, Operation = "read", Key = key, Store = source,
            };
    }
}
