namespace Strata.Tests;

/// <summary>A database that outlives its owner, and some of whose writes fail.</summary>
internal sealed class FlakyDatabase(IKvDatabase inner) : IKvDatabase
{
    private int _writes;

    public KvCapabilities Capabilities => inner.Capabilities;

    /// <summary>Writes so far.</summary>
    public int Writes => Volatile.Read(ref _writes);

    /// <summary>Says of each write, by its number from 1, what is thrown before it; null: nothing.</summary>
    public Func<int, Exception?> Fails { get; set; } = static _ => null;

    public ValueTask<IReadOnlyList<KvRange>> SnapshotReadAsync(IReadOnlyList<ReadRange> ranges, SnapshotReadOptions? options, CancellationToken cancellationToken) => inner.SnapshotReadAsync(ranges, options, cancellationToken);

    public ValueTask<CommitResult> AtomicWriteAsync(AtomicWrite write, CancellationToken cancellationToken) =>
        Fails(Interlocked.Increment(ref _writes)) is { } error ? throw error : inner.AtomicWriteAsync(write, cancellationToken);

    public IAsyncEnumerable<WatchUpdate> WatchAsync(IReadOnlyList<ReadOnlyMemory<byte>> keys, CancellationToken cancellationToken) => inner.WatchAsync(keys, cancellationToken);

    public ValueTask DisposeAsync() => default;
}
