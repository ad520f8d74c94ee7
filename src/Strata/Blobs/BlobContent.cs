using System.Buffers;

namespace Strata;

/// <summary>
/// The bytes of a write: in memory, in a file, or in a stream that can be read once.
/// </summary>
public abstract class BlobContent
{
    /// <summary>Length in bytes, or null if only reading will tell. A store checks it against what it reads.</summary>
    public abstract long? Length { get; }

    /// <summary>True if <see cref="OpenStream"/> may be called again, from the start.</summary>
    public abstract bool IsReplayable { get; }

    /// <summary>The bytes without a copy, where they are in memory.</summary>
    public virtual bool TryGetSequence(out ReadOnlySequence<byte> sequence)
    {
        sequence = default;
        return false;
    }

    /// <summary>A stream from the first byte. The store disposes it.</summary>
    /// <exception cref="InvalidOperationException">Called twice on content that is not replayable.</exception>
    public abstract Stream OpenStream();

    /// <summary>Bytes in memory. Leave them unchanged until the write completes.</summary>
    public static BlobContent From(ReadOnlyMemory<byte> bytes) => new Memory(new ReadOnlySequence<byte>(bytes));

    /// <summary>Bytes in memory. Leave them unchanged until the write completes.</summary>
    public static BlobContent From(ReadOnlySequence<byte> bytes) => new Memory(bytes);

    /// <summary>A stream that is read once, from where it stands.</summary>
    /// <param name="stream">Read, not disposed.</param>
    /// <param name="length">Exact number of bytes, if known; more or fewer fail the write.</param>
    public static BlobContent FromStream(Stream stream, long? length = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return new Once(stream, length);
    }

    /// <summary>A file, read from its start, as often as needed.</summary>
    public static BlobContent FromFile(string path) => new LocalFile(path);

    /// <summary>The bytes of a blob that was read; it must stay undisposed until the write completes.</summary>
    public static BlobContent From(BlobReadResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        return result.TryGetSequence(out ReadOnlySequence<byte> bytes) ? From(bytes) : new Once(result.OpenStream(), result.Length);
    }

    private sealed class Memory(ReadOnlySequence<byte> bytes) : BlobContent
    {
        public override long? Length => bytes.Length;

        public override bool IsReplayable => true;

        public override bool TryGetSequence(out ReadOnlySequence<byte> sequence)
        {
            sequence = bytes;
            return true;
        }

        public override Stream OpenStream() => new SequenceStream(bytes);
    }

    private sealed class Once(Stream stream, long? length) : BlobContent
    {
        private Stream? _stream = stream;

        public override long? Length => length;

        public override bool IsReplayable => false;

        public override Stream OpenStream() =>
            new KeepOpenStream(Interlocked.Exchange(ref _stream, null) ?? throw new InvalidOperationException("This content can be read only once."));
    }

    private sealed class LocalFile(string path) : BlobContent
    {
        public override long? Length { get; } = new FileInfo(path).Length;

        public override bool IsReplayable => true;

        public override Stream OpenStream() =>
            new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.Asynchronous | FileOptions.SequentialScan);
    }
}
