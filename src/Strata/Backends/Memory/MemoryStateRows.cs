namespace Strata;

/// <summary>The rows of a memory store. They live as long as it: to dispose them does nothing.</summary>
internal sealed class MemoryStateRows(string store, MemoryKvDatabase rows) : IKvDatabase, IKvStatistics
{
    private volatile Func<BlobChange, IReadOnlyList<KvMutation>>? _recorder;

    /// <inheritdoc/>
    public KvCapabilities Capabilities => rows.Capabilities;

    /// <summary>What decides which rows commit with a change; null: nothing is recorded.</summary>
    public Func<BlobChange, IReadOnlyList<KvMutation>>? Recorder => _recorder;

    /// <summary>See <see cref="IStateRows.Record"/>.</summary>
    public void Record(Func<BlobChange, IReadOnlyList<KvMutation>> recorder)
    {
        if (Interlocked.CompareExchange(ref _recorder, recorder, null) is not null) throw new InvalidOperationException($"The store '{store}' has a recorder already: it has one owner.");
    }

    /// <summary>Commits a change of a blob and its rows, or, where the change finds no room, neither.</summary>
    /// <param name="recorded">The change.</param>
    /// <param name="change">Makes it; false: it could not be made.</param>
    public bool TryCommit(in BlobChange recorded, Func<bool> change)
    {
        IReadOnlyList<KvMutation> mutations = RecordedRows.Checked(_recorder!(recorded));
        return mutations.Count == 0 ? change() : rows.TryCommitWith(mutations, change);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<KvRange>> SnapshotReadAsync(IReadOnlyList<ReadRange> ranges, SnapshotReadOptions? options, CancellationToken cancellationToken) =>
        rows.SnapshotReadAsync(ranges, options, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<CommitResult> AtomicWriteAsync(AtomicWrite write, CancellationToken cancellationToken) => rows.AtomicWriteAsync(write, cancellationToken);

    /// <inheritdoc/>
    public IAsyncEnumerable<WatchUpdate> WatchAsync(IReadOnlyList<ReadOnlyMemory<byte>> keys, CancellationToken cancellationToken) => rows.WatchAsync(keys, cancellationToken);

    /// <inheritdoc/>
    public KvStatistics GetStatistics() => rows.GetStatistics();

    /// <summary>For who opens a store for its rows alone: what goes with them when they are disposed. Null, as a rule.</summary>
    internal IAsyncDisposable? Owned { get; set; }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Owned?.DisposeAsync() ?? default;

    /// <summary>The store closes.</summary>
    public ValueTask CloseAsync() => rows.DisposeAsync();
}
