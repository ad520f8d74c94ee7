using System.Runtime.CompilerServices;

namespace Strata.Tests;

/// <summary>A database as one process sees it, which dies at a call: before its write or after it, and from then on nothing of it gets through.</summary>
internal sealed class MortalDatabase(IKvDatabase inner) : IKvDatabase
{
    private int _left = int.MaxValue;
    private long _read;

    public bool IsDead { get; private set; }

    /// <summary>Entries that were read.</summary>
    public long Read => Interlocked.Read(ref _read);

    /// <summary>It dies after the commit of the write that it dies at, and not before.</summary>
    public bool DiesAfterCommit { get; set; }

    public KvCapabilities Capabilities => inner.Capabilities;

    /// <summary>It dies at the n-th write from now on; 0: at once.</summary>
    public void DieAt(int write)
    {
        if (write == 0) IsDead = true;
        _left = write;
    }

    public async ValueTask<IReadOnlyList<KvRange>> SnapshotReadAsync(IReadOnlyList<ReadRange> ranges, SnapshotReadOptions? options, CancellationToken cancellationToken)
    {
        if (IsDead) throw Dead();
        IReadOnlyList<KvRange> found = await inner.SnapshotReadAsync(ranges, options, cancellationToken);
        Interlocked.Add(ref _read, found.Sum(r => r.Entries.Count));
        return found;
    }

    public async ValueTask<CommitResult> AtomicWriteAsync(AtomicWrite write, CancellationToken cancellationToken)
    {
        if (IsDead) throw Dead();
        bool dies = Interlocked.Decrement(ref _left) == 0;
        if (dies && !DiesAfterCommit)
        {
            IsDead = true;
            throw Dead();
        }

        CommitResult result = await inner.AtomicWriteAsync(write, cancellationToken);
        if (!dies) return result;
        IsDead = true;
        throw Dead();
    }

    public async IAsyncEnumerable<WatchUpdate> WatchAsync(IReadOnlyList<ReadOnlyMemory<byte>> keys, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (IsDead) throw Dead();
        await foreach (WatchUpdate update in inner.WatchAsync(keys, cancellationToken)) yield return update;
    }

    public ValueTask DisposeAsync() => default;

    private static StorageException Dead() => new(StorageErrorKind.Unavailable, "This process has ended.") { Operation = "write", Store = "dead" };
}
