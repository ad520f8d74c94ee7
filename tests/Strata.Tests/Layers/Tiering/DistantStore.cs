using System.Diagnostics.CodeAnalysis;

namespace Strata.Tests;

/// <summary>A store as one at the other end of a network is: it may outlive whoever owns it, and others may write to it as well. All else is passed on, facets are not: it has the one that it is given.</summary>
internal sealed class DistantStore(IBlobStore inner, bool hasOtherWriters = false, bool outlivesOwner = false, object? ownFacet = null) : IBlobStore
{
    public StoreCapabilities Capabilities => inner.Capabilities with { IsSingleWriter = inner.Capabilities.IsSingleWriter && !hasOtherWriters, MultipartUploads = false };

    public ValueTask<BlobInfo?> StatAsync(BlobKey key, CancellationToken cancellationToken = default) => inner.StatAsync(key, cancellationToken);

    public ValueTask<BlobReadResult?> ReadAsync(BlobKey key, ReadOptions? options = null, CancellationToken cancellationToken = default) => inner.ReadAsync(key, options, cancellationToken);

    public ValueTask<WriteResult> WriteAsync(BlobKey key, BlobContent content, WriteOptions? options = null, CancellationToken cancellationToken = default) =>
        inner.WriteAsync(key, content, options, cancellationToken);

    public ValueTask<IBlobWriter> OpenWriterAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default) => inner.OpenWriterAsync(key, options, cancellationToken);

    public ValueTask<DeleteResult> DeleteAsync(BlobKey key, WriteCondition condition = default, CancellationToken cancellationToken = default) => inner.DeleteAsync(key, condition, cancellationToken);

    public ValueTask<DeleteManyResult> DeleteManyAsync(IReadOnlyList<BlobKey> keys, CancellationToken cancellationToken = default) => inner.DeleteManyAsync(keys, cancellationToken);

    public ValueTask<WriteResult> UpdateAsync(BlobKey key, BlobChanges changes, WriteCondition condition = default, CancellationToken cancellationToken = default) =>
        inner.UpdateAsync(key, changes, condition, cancellationToken);

    public ValueTask<WriteResult> CopyAsync(BlobKey source, BlobKey target, CopyOptions? options = null, CancellationToken cancellationToken = default) =>
        inner.CopyAsync(source, target, options, cancellationToken);

    public ValueTask<ListPage> ListPageAsync(ListRequest request, CancellationToken cancellationToken = default) => inner.ListPageAsync(request, cancellationToken);

    public bool TryGetFacet<T>([NotNullWhen(true)] out T? facet)
        where T : class => (facet = ownFacet as T) is not null;

    public ValueTask DisposeAsync() => outlivesOwner ? default : inner.DisposeAsync();
}
