using System.Diagnostics.CodeAnalysis;

namespace Strata.Testing;

/// <summary>
/// Delivers what it reads in small pieces of odd size, as a slow network may, and never as a sequence: what it serves
/// can be read only by a reader that loops.
/// </summary>
/// <remarks>Owns the wrapped store. The facets that only watch (statistics, evictions) are passed on, and uploads in parts, which read nothing; no other is.</remarks>
/// <param name="inner">The wrapped store.</param>
/// <param name="maxChunk">The greatest piece in bytes, 1 or more. Default 61.</param>
/// <param name="seed">Of the random sizes.</param>
public sealed class ChunkingStore(IBlobStore inner, int maxChunk = 61, int seed = 1) : IBlobStore
{
    private int _streams;

    /// <inheritdoc/>
    public StoreCapabilities Capabilities => inner.Capabilities;

    /// <inheritdoc/>
    public ValueTask<BlobInfo?> StatAsync(BlobKey key, CancellationToken cancellationToken = default) => inner.StatAsync(key, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<BlobReadResult?> ReadAsync(BlobKey key, ReadOptions? options = null, CancellationToken cancellationToken = default)
    {
        BlobReadResult? result = await inner.ReadAsync(key, options, cancellationToken).ConfigureAwait(false);
        return StreamedReadResult.Of(result, stream =>
        {
            var random = new Random(seed + Interlocked.Increment(ref _streams));
            return new HookedStream(stream, limit: asked => Math.Min(asked, 1 + (2 * random.Next((maxChunk + 1) / 2))));
        });
    }

    /// <inheritdoc/>
    public ValueTask<WriteResult> WriteAsync(BlobKey key, BlobContent content, WriteOptions? options = null, CancellationToken cancellationToken = default) =>
        inner.WriteAsync(key, content, options, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IBlobWriter> OpenWriterAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default) =>
        inner.OpenWriterAsync(key, options, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<DeleteResult> DeleteAsync(BlobKey key, WriteCondition condition = default, CancellationToken cancellationToken = default) =>
        inner.DeleteAsync(key, condition, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<DeleteManyResult> DeleteManyAsync(IReadOnlyList<BlobKey> keys, CancellationToken cancellationToken = default) =>
        inner.DeleteManyAsync(keys, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<WriteResult> UpdateAsync(BlobKey key, BlobChanges changes, WriteCondition condition = default, CancellationToken cancellationToken = default) =>
        inner.UpdateAsync(key, changes, condition, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<WriteResult> CopyAsync(BlobKey source, BlobKey target, CopyOptions? options = null, CancellationToken cancellationToken = default) =>
        inner.CopyAsync(source, target, options, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<ListPage> ListPageAsync(ListRequest request, CancellationToken cancellationToken = default) =>
        inner.ListPageAsync(request, cancellationToken);

    /// <inheritdoc/>
    public bool TryGetFacet<T>([NotNullWhen(true)] out T? facet)
        where T : class => typeof(T) == typeof(IMultipartUploads) ? inner.TryGetFacet(out facet) : PassedFacets.TryGet(inner, out facet);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
