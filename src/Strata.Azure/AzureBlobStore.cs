using System.Diagnostics.CodeAnalysis;
using Azure.Storage.Sas;
using Microsoft.Extensions.Logging;

namespace Strata.Azure;

/// <summary>
/// Blobs as block blobs of an Azure container: the bytes as they are, under their own keys, so that every other tool reads them.
/// </summary>
/// <remarks>
/// <para><b>Commit point:</b> the service's answer to Put Blob, Put Block List, Copy Blob From URL, Set Blob Metadata or Delete
/// Blob. What Azure has no place for (version, ETag, expiry, checksum, creation time) is in the blob's own metadata, and so as
/// atomic as the blob; metadata longer than Azure takes is in a blob under <c>.strata/</c> that the blob names. Keys under
/// <c>.strata/</c> are therefore refused and not listed.</para>
/// <para><b>Conditions</b> are decided by the service, by its own ETag, which changes with every change of bytes or metadata:
/// they hold among any number of stores and programs. <c>IfOlder</c> is claimed where deletes leave tombstones
/// (<see cref="AzureBlobStoreOptions.KeepsTombstones"/>; CONSISTENCY 1).</para>
/// <para><b>Large writes</b> are blocks that are joined at the commit. Azure drops the blocks of all unfinished writes of a key
/// when one write of it commits: a write that was overtaken so begins again where its content can be read again, and else
/// fails as transient with nothing applied. Blocks that were never joined are invisible, and Azure drops them after a week.</para>
/// <para><b>Unknown outcomes:</b> each write carries an id, by which it is known again after a lost reply. A
/// <see cref="StorageException"/> whose outcome is unknown is one that could not be cleared up.</para>
/// <para><b>Blobs that others wrote</b> have Azure's ETag, no version, and their last modification as both times.</para>
/// </remarks>
public sealed partial class AzureBlobStore : IBlobStore, IPresignedUrls, IAccessTiers, IBlobSweep, IStoreHealth
{
    private readonly AzureService _service;
    private readonly RemoteStore _store;

    private AzureBlobStore(AzureBlobStoreOptions options, AzureAccount account, StoreContext context)
    {
        Options = options;
        _service = new AzureService(options, new AzureClient(options, account), context.Clock);
        _store = new RemoteStore(_service, options.Remote, context, context.Loggers.CreateLogger<AzureBlobStore>());
    }

    /// <inheritdoc/>
    public StoreCapabilities Capabilities => _store.Capabilities;

    /// <inheritdoc/>
    public string? Fault => _store.Fault;

    internal AzureBlobStoreOptions Options { get; }

    /// <summary>Opens a store. The container is not looked at.</summary>
    /// <exception cref="ArgumentException">The options are wrong, or name no account.</exception>
    public static AzureBlobStore Open(AzureBlobStoreOptions options, StoreContext? context = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        return new AzureBlobStore(options, AzureAccount.Of(options, Environment.GetEnvironmentVariable), context ?? StoreContext.Default);
    }

    /// <inheritdoc/>
    public bool TryGetFacet<T>([NotNullWhen(true)] out T? facet)
        where T : class
    {
        bool has = typeof(T) == typeof(IAccessTiers) || typeof(T) == typeof(IBlobSweep) || typeof(T) == typeof(IStoreHealth) || (typeof(T) == typeof(IPresignedUrls) && _service.Client.Signs);
        facet = typeof(T) == typeof(IMultipartUploads) ? (T)(object)_store.Uploads : has ? (T)(object)this : null;
        return facet is not null;
    }

    /// <summary>Waits for what is under way.</summary>
    public ValueTask DisposeAsync() => _store.DisposeAsync();

    /// <inheritdoc/>
    public ValueTask<BlobInfo?> StatAsync(BlobKey key, CancellationToken cancellationToken = default) => _store.StatAsync(key, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<BlobReadResult?> ReadAsync(BlobKey key, ReadOptions? options = null, CancellationToken cancellationToken = default) => _store.ReadAsync(key, options, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<WriteResult> WriteAsync(BlobKey key, BlobContent content, WriteOptions? options = null, CancellationToken cancellationToken = default) =>
        _store.WriteAsync(key, content, options, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IBlobWriter> OpenWriterAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default) => _store.OpenWriterAsync(key, options, cancellationToken);

    /// <inheritdoc/>
    /// <remarks>Moves no payload. The headers by which others see a changed content type follow the commit in a second request.</remarks>
    public ValueTask<WriteResult> UpdateAsync(BlobKey key, BlobChanges changes, WriteCondition condition = default, CancellationToken cancellationToken = default) =>
        _store.UpdateAsync(key, changes, condition, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<WriteResult> CopyAsync(BlobKey source, BlobKey target, CopyOptions? options = null, CancellationToken cancellationToken = default) =>
        _store.CopyAsync(source, target, options, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<DeleteResult> DeleteAsync(BlobKey key, WriteCondition condition = default, CancellationToken cancellationToken = default) => _store.DeleteAsync(key, condition, cancellationToken);

    /// <inheritdoc/>
    /// <remarks>Some single deletes at once: a failure is that of its key alone.</remarks>
    public ValueTask<DeleteManyResult> DeleteManyAsync(IReadOnlyList<BlobKey> keys, CancellationToken cancellationToken = default) => _store.DeleteManyAsync(keys, cancellationToken);

    /// <inheritdoc/>
    /// <remarks>
    /// Exact at no further cost, but for blobs whose metadata is too long for headers, and a request for each common prefix, as
    /// all behind it may have expired. Blobs whose names are no keys are not listed.
    /// </remarks>
    public ValueTask<ListPage> ListPageAsync(ListRequest request, CancellationToken cancellationToken = default) => _store.ListPageAsync(request, cancellationToken);

    /// <inheritdoc/>
    /// <remarks>Azure's listing tells what has expired: a request for up to 5,000 blobs, and one for each that is removed.</remarks>
    public ValueTask<SweepResult> SweepAsync(SweepOptions? options = null, IProgress<SweepResult>? progress = null, CancellationToken cancellationToken = default) =>
        _store.SweepAsync(options, progress, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<Uri> ForReadAsync(BlobKey key, TimeSpan lifetime, CancellationToken cancellationToken = default) => PresignAsync(key, lifetime, BlobSasPermissions.Read);

    /// <inheritdoc/>
    /// <remarks>The PUT must have the header <c>x-ms-blob-type: BlockBlob</c>. Azure's addresses bind no content type: to ask for one is refused.</remarks>
    public ValueTask<Uri> ForWriteAsync(BlobKey key, TimeSpan lifetime, string? contentType = null, CancellationToken cancellationToken = default) =>
        contentType is null ? PresignAsync(key, lifetime, BlobSasPermissions.Create | BlobSasPermissions.Write) : throw StorageException.Unsupported("presign", key, Options.Name, "addresses that bind a content type");

    private ValueTask<Uri> PresignAsync(BlobKey key, TimeSpan lifetime, BlobSasPermissions permissions) => _store.PresignAsync(key, lifetime, name =>
    {
        if (!_service.Client.Signs) throw StorageException.Unsupported("presign", key, Options.Name, "signed addresses without an account's key");

        // The signature's time is the machine's: the server compares it with its own.
        return new(_service.Client.Sign(name, permissions, TimeProvider.System.GetUtcNow() + lifetime));
    });
}
