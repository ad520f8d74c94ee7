using System.Diagnostics.CodeAnalysis;

namespace Strata.TieringYear;

/// <summary>
/// A tier in memory that counts what it is asked for as a bucket would bill it, and holds a few bytes in place of each blob: its
/// <see cref="Bytes"/> are of the lengths that the blobs would have.
/// </summary>
/// <param name="inner">Where they are.</param>
/// <param name="numbers">The keys' numbers.</param>
/// <param name="sizes">The length of each blob.</param>
internal sealed class MeasuredTier(MemoryBlobStore inner, IReadOnlyDictionary<BlobKey, int> numbers, int[] sizes) : IBlobStore
{
    private readonly bool[] _holds = new bool[sizes.Length];
    private long _bytes;
    private long _reads;
    private long _writes;

    public StoreCapabilities Capabilities => inner.Capabilities;

    /// <summary>What the tier would hold.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Reads and stats, those of moves and runs among them; not what is read where it lies, by the shared reads of a memory tier.</summary>
    public long Reads => Interlocked.Read(ref _reads);

    /// <summary>Writes, those of moves among them.</summary>
    public long Writes => Interlocked.Read(ref _writes);

    public ValueTask<BlobInfo?> StatAsync(BlobKey key, CancellationToken cancellationToken = default)
    {
        Interlocked.Increment(ref _reads);
        return inner.StatAsync(key, cancellationToken);
    }

    public ValueTask<BlobReadResult?> ReadAsync(BlobKey key, ReadOptions? options = null, CancellationToken cancellationToken = default)
    {
        Interlocked.Increment(ref _reads);
        return inner.ReadAsync(key, options, cancellationToken);
    }

    public async ValueTask<WriteResult> WriteAsync(BlobKey key, BlobContent content, WriteOptions? options = null, CancellationToken cancellationToken = default) =>
        Noted(key, await inner.WriteAsync(key, content, options, cancellationToken));

    public async ValueTask<IBlobWriter> OpenWriterAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default) =>
        new Writer(this, key, await inner.OpenWriterAsync(key, options, cancellationToken));

    public async ValueTask<DeleteResult> DeleteAsync(BlobKey key, WriteCondition condition = default, CancellationToken cancellationToken = default)
    {
        DeleteResult result = await inner.DeleteAsync(key, condition, cancellationToken);
        int number = numbers[key];
        if (result.Status == DeleteStatus.Deleted && Interlocked.Exchange(ref _holds[number], false)) Interlocked.Add(ref _bytes, -sizes[number]);
        return result;
    }

    public ValueTask<DeleteManyResult> DeleteManyAsync(IReadOnlyList<BlobKey> keys, CancellationToken cancellationToken = default) => throw NotMeasured();

    public ValueTask<WriteResult> UpdateAsync(BlobKey key, BlobChanges changes, WriteCondition condition = default, CancellationToken cancellationToken = default) => throw NotMeasured();

    public ValueTask<WriteResult> CopyAsync(BlobKey source, BlobKey target, CopyOptions? options = null, CancellationToken cancellationToken = default) => throw NotMeasured();

    public ValueTask<ListPage> ListPageAsync(ListRequest request, CancellationToken cancellationToken = default) => throw NotMeasured();

    public bool TryGetFacet<T>([NotNullWhen(true)] out T? facet)
        where T : class => inner.TryGetFacet(out facet);

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private static NotSupportedException NotMeasured() => new("The year has no such operation.");

    private WriteResult Noted(BlobKey key, WriteResult result)
    {
        Interlocked.Increment(ref _writes);
        int number = numbers[key];
        if (result.Status == WriteStatus.Written && !Interlocked.Exchange(ref _holds[number], true)) Interlocked.Add(ref _bytes, sizes[number]);
        return result;
    }

    private sealed class Writer(MeasuredTier tier, BlobKey key, IBlobWriter writer) : IBlobWriter
    {
        public long Length => writer.Length;

        public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => writer.WriteAsync(bytes, cancellationToken);

        public async ValueTask<WriteResult> CommitAsync(CommitOptions? options, CancellationToken cancellationToken) =>
            tier.Noted(key, await writer.CommitAsync(options, cancellationToken));

        public ValueTask DisposeAsync() => writer.DisposeAsync();
    }
}
