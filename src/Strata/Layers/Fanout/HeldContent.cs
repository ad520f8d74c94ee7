using System.Buffers;

namespace Strata;

/// <summary>
/// The bytes of a change as long as any layer reads them: the caller's own memory where every layer is waited for, else a copy, in memory up to
/// 1 MiB, in a file that nobody else may read beyond.
/// </summary>
internal sealed class HeldContent : IDisposable
{
    private const int MostInMemory = 1 << 20;
    private readonly string? _file;
    private int _users = 1;

    private HeldContent(BlobContent content, long length, uint checksum, string? file) => (Content, Length, Checksum, _file) = (content, length, checksum, file);

    /// <summary>To be read as often as needed.</summary>
    public BlobContent Content { get; }

    public long Length { get; }

    public uint Checksum { get; }

    /// <summary>Holds what a caller wants written.</summary>
    /// <param name="content">Read once.</param>
    /// <param name="isShared">The caller waits until nobody reads it any more: its memory will do.</param>
    /// <param name="tooLong">What is thrown for more bytes than these.</param>
    /// <param name="wrongLength">What is thrown if there are more or fewer than declared.</param>
    /// <param name="most">The most bytes.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async ValueTask<HeldContent> OfAsync(
        BlobContent content, bool isShared, Func<StorageException> tooLong, Func<string, StorageException> wrongLength, long most, CancellationToken cancellationToken)
    {
        if (content.Length > most) throw tooLong();
        if (content.TryGetSequence(out ReadOnlySequence<byte> bytes) && (isShared || bytes.Length <= MostInMemory))
            return new HeldContent(isShared ? content : BlobContent.From(bytes.ToArray()), bytes.Length, Crc32C.Of(bytes), null);
        var spool = new Spool();
        try
        {
            Stream stream = content.OpenStream();
            await using (stream.ConfigureAwait(false))
            {
                byte[] buffer = ArrayPool<byte>.Shared.Rent(128 * 1024);
                try
                {
                    int read;
                    while ((read = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
                    {
                        if (content.Length is { } declared && spool.Length + read > declared) throw wrongLength("more");
                        if (spool.Length + read > most) throw tooLong();
                        await spool.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
                    }
                }
                finally
                {
                    ArrayPool<byte>.Shared.Return(buffer);
                }
            }

            if (content.Length is { } length && length != spool.Length) throw wrongLength($"{spool.Length}");
            return await spool.ToContentAsync().ConfigureAwait(false);
        }
        finally
        {
            await spool.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>One more reads it, who disposes it too.</summary>
    public void Retain() => Interlocked.Increment(ref _users);

    public void Dispose()
    {
        if (Interlocked.Decrement(ref _users) == 0 && _file is not null) File.Delete(_file);
    }

    /// <summary>Takes bytes, first in memory, then in a file.</summary>
    internal sealed class Spool : IAsyncDisposable
    {
        private readonly MemoryStream _memory = new();
        private FileStream? _stream;
        private string? _file;
        private Crc32C _checksum;

        public long Length { get; private set; }

        public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            if (_stream is null && _memory.Length + bytes.Length > MostInMemory)
            {
                string file = Path.Combine(Path.GetTempPath(), $"strata-{Guid.NewGuid():n}.spool");
                var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Options = FileOptions.Asynchronous };
                if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
                _stream = new FileStream(file, options);
                _file = file;
                _memory.Position = 0;
                await _memory.CopyToAsync(_stream, cancellationToken).ConfigureAwait(false);
                _memory.SetLength(0);
            }

            if (_stream is null) _memory.Write(bytes.Span);
            else await _stream.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
            _checksum.Append(bytes.Span);
            Length += bytes.Length;
        }

        /// <summary>The bytes, which outlive the spool.</summary>
        public async ValueTask<HeldContent> ToContentAsync()
        {
            if (_stream is null) return new HeldContent(BlobContent.From(_memory.ToArray()), Length, _checksum.Value, null);
            await _stream.DisposeAsync().ConfigureAwait(false);
            var held = new HeldContent(BlobContent.FromFile(_file!), Length, _checksum.Value, _file);
            _file = null;
            return held;
        }

        public async ValueTask DisposeAsync()
        {
            if (_stream is not null) await _stream.DisposeAsync().ConfigureAwait(false);
            if (_file is not null) File.Delete(_file);
            _file = null;
        }
    }
}
