using System.Diagnostics.CodeAnalysis;

namespace Strata.Benchmarks;

/// <summary>A layer as the contract means it, which changes nothing: the synchronous facet is resolved when it is built.</summary>
internal sealed class PassingLayer(IBlobStore inner) : IBlobStore, ISharedReads
{
    private readonly ISharedReads? _shared = inner.TryGetFacet(out ISharedReads? shared) ? shared : null;

    public StoreCapabilities Capabilities => inner.Capabilities;

    public ValueTask<BlobInfo?> StatAsync(BlobKey key, CancellationToken cancellationToken = default) => inner.StatAsync(key, cancellationToken);

    public bool TryRead(BlobKey key, [NotNullWhen(true)] out BlobReadResult? hit)
    {
        if (_shared is { } shared) return shared.TryRead(key, out hit);
        hit = null;
        return false;
    }

    public ValueTask<BlobReadResult?> ReadAsync(BlobKey key, ReadOptions? options = null, CancellationToken cancellationToken = default) =>
        options is null && !cancellationToken.IsCancellationRequested && TryRead(key, out BlobReadResult? hit) ? new(hit) : inner.ReadAsync(key, options, cancellationToken);

    public ValueTask<WriteResult> WriteAsync(BlobKey key, BlobContent content, WriteOptions? options = null, CancellationToken cancellationToken = default) =>
        inner.WriteAsync(key, content, options, cancellationToken);

    public ValueTask<IBlobWriter> OpenWriterAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default) =>
        inner.OpenWriterAsync(key, options, cancellationToken);

    public ValueTask<DeleteResult> DeleteAsync(BlobKey key, WriteCondition condition = default, CancellationToken cancellationToken = default) =>
        inner.DeleteAsync(key, condition, cancellationToken);

    public ValueTask<DeleteManyResult> DeleteManyAsync(IReadOnlyList<BlobKey> keys, CancellationToken cancellationToken = default) =>
        inner.DeleteManyAsync(keys, cancellationToken);

    public ValueTask<WriteResult> UpdateAsync(BlobKey key, BlobChanges changes, WriteCondition condition = default, CancellationToken cancellationToken = default) =>
        inner.UpdateAsync(key, changes, condition, cancellationToken);

    public ValueTask<WriteResult> CopyAsync(BlobKey source, BlobKey target, CopyOptions? options = null, CancellationToken cancellationToken = default) =>
        inner.CopyAsync(source, target, options, cancellationToken);

    public ValueTask<ListPage> ListPageAsync(ListRequest request, CancellationToken cancellationToken = default) => inner.ListPageAsync(request, cancellationToken);

    public bool TryGetFacet<T>([NotNullWhen(true)] out T? facet)
        where T : class => (facet = typeof(T) == typeof(ISharedReads) && _shared is null ? null : this as T) is not null;

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
