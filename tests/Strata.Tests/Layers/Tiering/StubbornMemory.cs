using System.Diagnostics.CodeAnalysis;

namespace Strata.Tests;

/// <summary>A memory tier that, while it is stuck, changes nothing and goes on serving what it has.</summary>
internal sealed class StubbornMemory : IBlobStore, ISharedReads
{
    private readonly MemoryBlobStore _inner = new(new MemoryBlobStoreOptions { Name = "hot", Evicts = true });

    public bool IsStuck { get; set; }

    /// <summary>While set, it cannot be listed either.</summary>
    public bool HidesKeys { get; set; }

    public StoreCapabilities Capabilities => _inner.Capabilities;

    public bool TryRead(BlobKey key, [NotNullWhen(true)] out BlobReadResult? hit) => _inner.TryRead(key, out hit);

    public ValueTask<BlobInfo?> StatAsync(BlobKey key, CancellationToken cancellationToken = default) => _inner.StatAsync(key, cancellationToken);

    public ValueTask<BlobReadResult?> ReadAsync(BlobKey key, ReadOptions? options = null, CancellationToken cancellationToken = default) => _inner.ReadAsync(key, options, cancellationToken);

    public ValueTask<WriteResult> WriteAsync(BlobKey key, BlobContent content, WriteOptions? options = null, CancellationToken cancellationToken = default) =>
        Unstuck().WriteAsync(key, content, options, cancellationToken);

    public ValueTask<IBlobWriter> OpenWriterAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default) => Unstuck().OpenWriterAsync(key, options, cancellationToken);

    public ValueTask<DeleteResult> DeleteAsync(BlobKey key, WriteCondition condition = default, CancellationToken cancellationToken = default) => Unstuck().DeleteAsync(key, condition, cancellationToken);

    public ValueTask<DeleteManyResult> DeleteManyAsync(IReadOnlyList<BlobKey> keys, CancellationToken cancellationToken = default) => Unstuck().DeleteManyAsync(keys, cancellationToken);

    public ValueTask<WriteResult> UpdateAsync(BlobKey key, BlobChanges changes, WriteCondition condition = default, CancellationToken cancellationToken = default) =>
        Unstuck().UpdateAsync(key, changes, condition, cancellationToken);

    public ValueTask<WriteResult> CopyAsync(BlobKey source, BlobKey target, CopyOptions? options = null, CancellationToken cancellationToken = default) =>
        Unstuck().CopyAsync(source, target, options, cancellationToken);

    public ValueTask<ListPage> ListPageAsync(ListRequest request, CancellationToken cancellationToken = default) =>
        HidesKeys ? throw new StorageException(StorageErrorKind.Unavailable, "The store cannot be listed.") : _inner.ListPageAsync(request, cancellationToken);

    public bool TryGetFacet<T>([NotNullWhen(true)] out T? facet)
        where T : class => (facet = this as T) is not null;

    public ValueTask DisposeAsync() => _inner.DisposeAsync();

    private MemoryBlobStore Unstuck() => IsStuck ? throw new StorageException(StorageErrorKind.Unavailable, "The store is stuck.") : _inner;
}
