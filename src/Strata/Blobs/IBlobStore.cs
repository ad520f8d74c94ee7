using System.Diagnostics.CodeAnalysis;

namespace Strata;

/// <summary>
/// Bytes under keys, with metadata: the contract of every backend and every layer.
/// </summary>
/// <remarks>
/// A miss is null or a status, never an exception. <see cref="StorageException"/> is for the unexpected,
/// <see cref="ArgumentException"/> for a caller's bug. All members are safe for concurrent use. A write is acknowledged
/// when its commit point has it; cancellation is ignored from then on. An expired blob is as if it were missing.
/// Conveniences are extension methods (<see cref="BlobStoreExtensions"/>).
/// </remarks>
public interface IBlobStore : IAsyncDisposable
{
    /// <summary>What this whole stack can do.</summary>
    StoreCapabilities Capabilities { get; }

    /// <summary>The blob's metadata, or null if it is missing.</summary>
    ValueTask<BlobInfo?> StatAsync(BlobKey key, CancellationToken cancellationToken = default);

    /// <summary>The blob with its bytes, or null if it is missing. Dispose the result.</summary>
    ValueTask<BlobReadResult?> ReadAsync(BlobKey key, ReadOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Writes a whole blob, atomically: a reader sees the old or the new one, never a mixture. The caller leaves the
    /// content's memory unchanged until the call completes.
    /// </summary>
    ValueTask<WriteResult> WriteAsync(BlobKey key, BlobContent content, WriteOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Begins a write of unknown length, in bounded memory.</summary>
    ValueTask<IBlobWriter> OpenWriterAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Deletes a blob.</summary>
    ValueTask<DeleteResult> DeleteAsync(BlobKey key, WriteCondition condition = default, CancellationToken cancellationToken = default);

    /// <summary>Deletes blobs, with an outcome for each; one failure does not stop the others.</summary>
    ValueTask<DeleteManyResult> DeleteManyAsync(IReadOnlyList<BlobKey> keys, CancellationToken cancellationToken = default);

    /// <summary>Changes metadata or expiry; moves no payload where the store can. The result has a new version and ETag.</summary>
    ValueTask<WriteResult> UpdateAsync(BlobKey key, BlobChanges changes, WriteCondition condition = default, CancellationToken cancellationToken = default);

    /// <summary>Copies a blob within the store. Source and target may be the same key.</summary>
    ValueTask<WriteResult> CopyAsync(BlobKey source, BlobKey target, CopyOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>One page of a listing in key order.</summary>
    ValueTask<ListPage> ListPageAsync(ListRequest request, CancellationToken cancellationToken = default);

    /// <summary>
    /// An extra ability of this very layer, such as <see cref="ISharedReads"/>. A layer returns only what it has itself
    /// wrapped, so that nothing can be stepped around.
    /// </summary>
    bool TryGetFacet<T>([NotNullWhen(true)] out T? facet) where T : class;
}
