using System.Diagnostics.CodeAnalysis;
using Strata.Testing;

namespace Strata.Tests;

/// <summary>
/// A tier whose calls a test can hold up, fail or follow with more; it outlives its owner, and may have one after the other. Over a network
/// if so told.
/// </summary>
internal sealed class StagedTier(IBlobStore inner, bool isRemote = false) : IBlobStore, IStoreHealth, IStateRows
{
    private Func<BlobChange, IReadOnlyList<KvMutation>>? _recorder;
    private bool _isRecording;

    /// <summary>What is given for the tier's own rows; null: it has none. Those of the inner store, or by way of them.</summary>
    public IKvDatabase? OwnRows { get; set; }

    public IKvDatabase Rows => OwnRows!;

    /// <summary>Runs before each call.</summary>
    public Func<StoreOperation, Task> Before { get; set; } = static _ => Task.CompletedTask;

    /// <summary>Runs after each call.</summary>
    public Func<StoreOperation, Task> After { get; set; } = static _ => Task.CompletedTask;

    public StoreCapabilities Capabilities { get; set; } = inner.Capabilities with { MultipartUploads = false };

    public string? Fault => null;

    public ValueTask<BlobInfo?> StatAsync(BlobKey key, CancellationToken cancellationToken = default) => RunAsync(StoreOperation.Stat, () => inner.StatAsync(key, cancellationToken));

    public ValueTask<BlobReadResult?> ReadAsync(BlobKey key, ReadOptions? options = null, CancellationToken cancellationToken = default) => RunAsync(StoreOperation.Read, () => inner.ReadAsync(key, options, cancellationToken));

    public ValueTask<WriteResult> WriteAsync(BlobKey key, BlobContent content, WriteOptions? options = null, CancellationToken cancellationToken = default) =>
        RunAsync(StoreOperation.Write, () => inner.WriteAsync(key, content, options, cancellationToken));

    public ValueTask<IBlobWriter> OpenWriterAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default) => RunAsync(StoreOperation.OpenWriter, () => inner.OpenWriterAsync(key, options, cancellationToken));

    public ValueTask<DeleteResult> DeleteAsync(BlobKey key, WriteCondition condition = default, CancellationToken cancellationToken = default) => RunAsync(StoreOperation.Delete, () => inner.DeleteAsync(key, condition, cancellationToken));

    public ValueTask<DeleteManyResult> DeleteManyAsync(IReadOnlyList<BlobKey> keys, CancellationToken cancellationToken = default) => RunAsync(StoreOperation.DeleteMany, () => inner.DeleteManyAsync(keys, cancellationToken));

    public ValueTask<WriteResult> UpdateAsync(BlobKey key, BlobChanges changes, WriteCondition condition = default, CancellationToken cancellationToken = default) =>
        RunAsync(StoreOperation.Update, () => inner.UpdateAsync(key, changes, condition, cancellationToken));

    public ValueTask<WriteResult> CopyAsync(BlobKey source, BlobKey target, CopyOptions? options = null, CancellationToken cancellationToken = default) => RunAsync(StoreOperation.Copy, () => inner.CopyAsync(source, target, options, cancellationToken));

    public ValueTask<ListPage> ListPageAsync(ListRequest request, CancellationToken cancellationToken = default) => RunAsync(StoreOperation.List, () => inner.ListPageAsync(request, cancellationToken));

    public bool TryGetFacet<T>([NotNullWhen(true)] out T? facet)
        where T : class
    {
        if (typeof(T) == typeof(IMultipartUploads) && inner.TryGetFacet(out IMultipartUploads? uploads)) facet = new StagedUploads(this, uploads) as T;
        else facet = (typeof(T) == typeof(IStoreHealth) && !isRemote) || (typeof(T) == typeof(IStateRows) && OwnRows is null) ? null : this as T;
        return facet is not null;
    }

    public void Record(Func<BlobChange, IReadOnlyList<KvMutation>> recorder)
    {
        _recorder = recorder;
        if (_isRecording || !inner.TryGetFacet(out IStateRows? rows)) return;
        _isRecording = true;
        rows.Record(change => _recorder(change));
    }

    public ValueTask DisposeAsync()
    {
        _recorder = _ => [];
        return default;
    }

    internal async ValueTask<T> RunAsync<T>(StoreOperation operation, Func<ValueTask<T>> call)
    {
        await Before(operation);
        T result = await call();
        await After(operation);
        return result;
    }
}
