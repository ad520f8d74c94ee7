using System.Buffers;

namespace Strata;

/// <summary>
/// A blob that was read: its metadata, and bytes that stay unchanged until it is disposed.
/// Always dispose it; for a memory store's shared entry that does nothing, for others it gives back a file, a buffer or a connection.
/// </summary>
public abstract class BlobReadResult : IAsyncDisposable
{
    /// <summary>What the read came to; only <see cref="BlobReadStatus.Found"/> carries bytes.</summary>
    public virtual BlobReadStatus Status => BlobReadStatus.Found;

    /// <summary>The blob's metadata. Its length is that of the whole blob, whatever the range.</summary>
    public abstract BlobInfo Info { get; }

    /// <summary>Offset of the first byte served, in bytes; 0 unless a range was asked.</summary>
    public virtual long Offset => 0;

    /// <summary>Number of bytes served.</summary>
    public virtual long Length => Info.Length;

    /// <summary>Name of the store or tier that served the bytes.</summary>
    public abstract string Source { get; }

    /// <summary>When the origin last confirmed what is served, if it cannot be reached now and the store was told to go on (<see cref="BlobInfo.StaleSince"/>); else null.</summary>
    public DateTimeOffset? StaleSince => Info.StaleSince;

    /// <summary>Whether it may be older than what the origin holds by more than the store's freshness allows.</summary>
    public bool IsStale => StaleSince is not null;

    /// <summary>The bytes without a copy, where they are in memory; valid until disposal.</summary>
    public abstract bool TryGetSequence(out ReadOnlySequence<byte> sequence);

    /// <summary>
    /// A stream over the bytes, from their first. A store that holds them in memory gives a new one a call; one that
    /// reads a file or a network gives one stream: a second call throws <see cref="InvalidOperationException"/>.
    /// </summary>
    /// <remarks>Reading it fails with <see cref="StorageException"/> of kind Corrupt where a checksum does not hold.</remarks>
    public abstract Stream OpenStream();

    /// <summary>Gives back what the result holds. Safe to call twice.</summary>
    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return default;
    }

    /// <summary>A result without bytes.</summary>
    public static BlobReadResult WithoutBytes(BlobReadStatus status, BlobInfo info, string source) => new Bodiless(status, info, source);

    private sealed class Bodiless(BlobReadStatus status, BlobInfo info, string source) : BlobReadResult
    {
        public override BlobReadStatus Status => status;

        public override BlobInfo Info => info;

        public override long Length => 0;

        public override string Source => source;

        public override bool TryGetSequence(out ReadOnlySequence<byte> sequence)
        {
            sequence = default;
            return true;
        }

        public override Stream OpenStream() => Stream.Null;
    }
}
