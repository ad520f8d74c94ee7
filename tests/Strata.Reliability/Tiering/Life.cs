using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Strata.Tests;

namespace Strata.Reliability;

/// <summary>One life of a process: when it ends, nothing of it gets through to what outlives it any more.</summary>
internal sealed class Life
{
    private readonly Lock _gate = new();
    private readonly List<SimulatedDisk> _disks = [];
    private volatile bool _isOver;
    private int _left = int.MaxValue;
    private bool _diesAfter;

    public bool IsOver => _isOver;

    public void End()
    {
        _isOver = true;
        StopDisks();
    }

    /// <summary>It ends at the n-th call from now on, before that is made or after it.</summary>
    public void EndAt(int call, bool after)
    {
        lock (_gate) (_left, _diesAfter) = (call, after);
    }

    /// <summary>It does not end by itself any more; false: it has.</summary>
    public bool Spare()
    {
        lock (_gate)
        {
            _left = int.MaxValue;
            return !IsOver;
        }
    }

    /// <summary>Calls, unless it is over.</summary>
    public async ValueTask<T> CallAsync<T>(Func<ValueTask<T>> call)
    {
        bool diesAfter;
        lock (_gate) diesAfter = _diesAfter;
        bool isLast = IsLastCall();
        if (isLast && diesAfter)
        {
            try
            {
                await call();
            }
            catch (StorageException)
            {
                // Nobody hears of it.
            }
        }

        return isLast || IsOver ? throw new LifeEndedException() : await call();
    }

    /// <summary>A disk of this life: its changes are calls, too, and no change is made of any disk once it is over.</summary>
    public SimulatedDisk With(SimulatedDisk disk)
    {
        lock (_gate) _disks.Add(disk);
        disk.Faults = call => IsOver || (call.Change > 0 && IsLastCall()) ? DiskFault.Stop : DiskFault.None;
        return disk;
    }

    /// <summary>A store as this life sees it; it outlives it.</summary>
    public IBlobStore Of(IBlobStore store, bool isSingleWriter = true, bool isRemote = false) => new MortalStore(this, store, isSingleWriter, isRemote);

    /// <summary>A database as this life sees it; it outlives it.</summary>
    public IKvDatabase Of(IKvDatabase database) => new MortalDatabase(this, database);

    /// <summary>Counts a call; true: it is over with it.</summary>
    private bool IsLastCall()
    {
        lock (_gate)
        {
            if (IsOver || --_left != 0) return false;
            _isOver = true;
        }

        StopDisks();
        return true;
    }

    private void StopDisks()
    {
        SimulatedDisk[] disks;
        lock (_gate) disks = [.. _disks];
        foreach (SimulatedDisk disk in disks) disk.Stop();
    }

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

    private sealed class MortalStore(Life life, IBlobStore inner, bool isSingleWriter, bool isRemote) : IBlobStore, IStoreHealth
    {
        public string? Fault => null;

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
            facet = isRemote && typeof(T) == typeof(IStoreHealth) ? this as T : null;
            return facet is not null;
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
