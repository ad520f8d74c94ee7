using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Strata.Reliability;

/// <summary>One life of a process: when it ends, nothing of it gets through to what outlives it any more.</summary>
internal sealed class Life
{
    private readonly Lock _gate = new();
    private int _left = int.MaxValue;
    private bool _diesAfter;

    public bool IsOver { get; private set; }

    public void End()
    {
        lock (_gate) IsOver = true;
    }

    /// <summary>It ends at the n-th call from now on, before that is made or after it.</summary>
    public void EndAt(int call, bool after)
    {
        lock (_gate) (_left, _diesAfter) = (call, after);
    }

    /// <summary>Calls, unless it is over.</summary>
    public async ValueTask<T> CallAsync<T>(Func<ValueTask<T>> call)
    {
        bool isLast;
        lock (_gate)
        {
            if (IsOver) throw new LifeEndedException();
            isLast = --_left == 0;
            if (isLast) IsOver = true;
            if (isLast && !_diesAfter) throw new LifeEndedException();
        }

        T answer = await call();
        return isLast ? throw new LifeEndedException() : answer;
    }

    /// <summary>A store as this life sees it; it outlives it.</summary>
    public IBlobStore Of(IBlobStore store, bool isSingleWriter = true) => new MortalStore(this, store, isSingleWriter);

    /// <summary>A database as this life sees it; it outlives it.</summary>
    public IKvDatabase Of(IKvDatabase database) => new MortalDatabase(this, database);

    private sealed class MortalDatabase(Life life, IKvDatabase inner) : IKvDatabase
    {
        public KvCapabilities Capabilities => inner.Capabilities;

        public ValueTask<IReadOnlyList<KvRange>> SnapshotReadAsync(IReadOnlyList<ReadRange> ranges, SnapshotReadOptions? options, CancellationToken cancellationToken) =>
            life.CallAsync(() => inner.SnapshotReadAsync(ranges, options, cancellationToken));

        public ValueTask<CommitResult> AtomicWriteAsync(AtomicWrite write, CancellationToken cancellationToken) => life.CallAsync(() => inner.AtomicWriteAsync(write, cancellationToken));

        public async IAsyncEnumerable<WatchUpdate> WatchAsync(IReadOnlyList<ReadOnlyMemory<byte>> keys, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await foreach (WatchUpdate update in inner.WatchAsync(keys, cancellationToken)) yield return life.IsOver ? throw new LifeEndedException() : update;
        }

        public ValueTask DisposeAsync() => default;
    }

    private sealed class MortalStore(Life life, IBlobStore inner, bool isSingleWriter) : IBlobStore
    {
        public StoreCapabilities Capabilities => inner.Capabilities with { IsSingleWriter = isSingleWriter, MultipartUploads = false };

        public ValueTask<BlobInfo?> StatAsync(BlobKey key, CancellationToken cancellationToken = default) => life.CallAsync(() => inner.StatAsync(key, cancellationToken));

        public ValueTask<BlobReadResult?> ReadAsync(BlobKey key, ReadOptions? options = null, CancellationToken cancellationToken = default) =>
            life.CallAsync(() => inner.ReadAsync(key, options, cancellationToken));

        public ValueTask<WriteResult> WriteAsync(BlobKey key, BlobContent content, WriteOptions? options = null, CancellationToken cancellationToken = default) =>
            life.CallAsync(() => inner.WriteAsync(key, content, options, cancellationToken));

        public async ValueTask<IBlobWriter> OpenWriterAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default) =>
            new Writer(life, await life.CallAsync(() => inner.OpenWriterAsync(key, options, cancellationToken)));

        public ValueTask<DeleteResult> DeleteAsync(BlobKey key, WriteCondition condition = default, CancellationToken cancellationToken = default) =>
            life.CallAsync(() => inner.DeleteAsync(key, condition, cancellationToken));

        public ValueTask<DeleteManyResult> DeleteManyAsync(IReadOnlyList<BlobKey> keys, CancellationToken cancellationToken = default) =>
            life.CallAsync(() => inner.DeleteManyAsync(keys, cancellationToken));

        public ValueTask<WriteResult> UpdateAsync(BlobKey key, BlobChanges changes, WriteCondition condition = default, CancellationToken cancellationToken = default) =>
            life.CallAsync(() => inner.UpdateAsync(key, changes, condition, cancellationToken));

        public ValueTask<WriteResult> CopyAsync(BlobKey source, BlobKey target, CopyOptions? options = null, CancellationToken cancellationToken = default) =>
            life.CallAsync(() => inner.CopyAsync(source, target, options, cancellationToken));

        public ValueTask<ListPage> ListPageAsync(ListRequest request, CancellationToken cancellationToken = default) => life.CallAsync(() => inner.ListPageAsync(request, cancellationToken));

        public bool TryGetFacet<T>([NotNullWhen(true)] out T? facet)
            where T : class
        {
            facet = null;
            return false;
        }

        public ValueTask DisposeAsync() => default;
    }

    private sealed class Writer(Life life, IBlobWriter inner) : IBlobWriter
    {
        public long Length => inner.Length;

        public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => inner.WriteAsync(bytes, cancellationToken);

        public ValueTask<WriteResult> CommitAsync(CommitOptions? options, CancellationToken cancellationToken) => life.CallAsync(() => inner.CommitAsync(options, cancellationToken));

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}

/// <summary>The process has ended: its caller hears nothing any more.</summary>
internal sealed class LifeEndedException() : Exception("This life is over.");
