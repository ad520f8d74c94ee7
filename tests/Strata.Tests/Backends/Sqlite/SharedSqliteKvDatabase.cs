namespace Strata.Tests;

/// <summary>One file through several connections, as the processes have it that share it: each call is the next one's.</summary>
internal sealed class SharedSqliteKvDatabase(params IKvDatabase[] processes) : IKvDatabase
{
    private int _calls;

    public KvCapabilities Capabilities => processes[0].Capabilities;

    private IKvDatabase Next => processes[(int)((uint)Interlocked.Increment(ref _calls) % (uint)processes.Length)];

    /// <summary>One answers. The others look too, because how late it is they tell each other by commits alone: a clock set back between two reads would be another time to each.</summary>
    public async ValueTask<IReadOnlyList<KvRange>> SnapshotReadAsync(IReadOnlyList<ReadRange> ranges, SnapshotReadOptions? options, CancellationToken cancellationToken)
    {
        IKvDatabase answering = Next;
        foreach (IKvDatabase other in processes.Where(p => p != answering)) await other.SnapshotReadAsync([ReadRange.Of(new byte[] { 0 })], options, cancellationToken);
        return await answering.SnapshotReadAsync(ranges, options, cancellationToken);
    }

    public ValueTask<CommitResult> AtomicWriteAsync(AtomicWrite write, CancellationToken cancellationToken) => Next.AtomicWriteAsync(write, cancellationToken);

    public IAsyncEnumerable<WatchUpdate> WatchAsync(IReadOnlyList<ReadOnlyMemory<byte>> keys, CancellationToken cancellationToken) => Next.WatchAsync(keys, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        foreach (IKvDatabase process in processes) await process.DisposeAsync();
    }
}
