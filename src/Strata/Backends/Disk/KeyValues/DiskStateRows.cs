namespace Strata;

/// <summary>The rows of a disk store: an ordered KV in a keyspace of its log.</summary>
/// <remarks><b>Commit point:</b> the log's, of the batch of the change that they go along with, or of the writes that wait together.</remarks>
internal sealed class DiskStateRows : IKvDatabase, IKvStatistics
{
    private readonly string _store;
    private readonly OperationGate _gate;
    private readonly LogEngine _log;
    private readonly KvKeyspace _keyspace;
    private readonly KvWatchers _watchers;
    private readonly KvWriter _writer;
    private volatile Func<BlobChange, IReadOnlyList<KvMutation>>? _recorder;

    /// <param name="folder">Whose log it is.</param>
    /// <param name="found">What the opening came across.</param>
    /// <param name="gate">The store's.</param>
    /// <param name="context">The surroundings.</param>
    public DiskStateRows(DiskFolder folder, KvInventory found, OperationGate gate, StoreContext context)
    {
        (_store, _gate, _log) = (folder.Settings.Name, gate, folder.Log);
        var time = new RisingClock(context.Clock);
        time.Saw(folder.Clock.Now);
        _keyspace = new KvKeyspace(folder.Log, LogKeyspace.StateRows, found, time, folder.Settings, context, isShared: true);
        _watchers = new KvWatchers(context.Clock, _store);
        _writer = new KvWriter(_keyspace.CommitAsync, _watchers);
    }

    /// <inheritdoc/>
    public KvCapabilities Capabilities => field ??= new KvCapabilities { Database = _store };

    /// <summary>Whether changes of blobs are recorded.</summary>
    public bool IsRecording => _recorder is not null;

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<KvRange>> SnapshotReadAsync(IReadOnlyList<ReadRange> ranges, SnapshotReadOptions? options, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = _gate.Enter("read");
        Capabilities.Limits.Check(ranges);
        cancellationToken.ThrowIfCancellationRequested();
        return new(_keyspace.Read(ranges));
    }

    /// <inheritdoc/>
    public async ValueTask<CommitResult> AtomicWriteAsync(AtomicWrite write, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = _gate.Enter("write");
        Capabilities.Limits.Check(write);
        return await _writer.WriteAsync(write, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<WatchUpdate> WatchAsync(IReadOnlyList<ReadOnlyMemory<byte>> keys, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = _gate.Enter("watch");
        Capabilities.Limits.Check(keys);
        ReadOnlyMemory<byte>[] watched = [.. keys.Select(k => (ReadOnlyMemory<byte>)k.ToArray())];
        return _watchers.WatchAsync((ranges, token) => ReadWatched(ranges, token), watched, cancellationToken);
    }

    /// <inheritdoc/>
    public KvStatistics GetStatistics() => new()
    {
        Entries = _keyspace.Entries,
        Bytes = _keyspace.Bytes,
        IndexBytes = _keyspace.ExpiryBytes,
        Fault = _log.GetStatistics().ReadOnlyBecause is { } why ? $"It takes no writes until it is opened again, because {why}." : null,
        Expirations = _keyspace.Expirations,
        Watches = _watchers.Count,
        LastCommit = _keyspace.LastCommit,
    };

    /// <summary>For who opens a store for its rows alone: what goes with them when they are disposed. Null, as a rule: they live as long as their store.</summary>
    internal IAsyncDisposable? Owned { get; set; }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Owned?.DisposeAsync() ?? default;

    /// <summary>See <see cref="IStateRows.Record"/>.</summary>
    public void Record(Func<BlobChange, IReadOnlyList<KvMutation>> recorder)
    {
        if (Interlocked.CompareExchange(ref _recorder, recorder, null) is not null) throw new InvalidOperationException($"The store '{_store}' has a recorder already: it has one owner.");
    }

    /// <summary>Lets rows go along with changes of blobs; they are decided when the batch gets its place.</summary>
    public async ValueTask<LogCommit> CommitAsync(LogBatch batch, List<BlobChange> changes)
    {
        KvKeyspace.KvCompanion rows = _keyspace.Accompany(() => Decide(changes));
        batch.EndWith(rows);
        await _keyspace.PrepareAsync().ConfigureAwait(false);
        LogCommit commit;
        try
        {
            commit = await _log.CommitAsync(batch).ConfigureAwait(false);
        }
        catch (StorageException e) when (e.Outcome == WriteOutcome.Unknown)
        {
            _watchers.Changed(rows.Keys);
            throw;
        }

        if (!commit.IsApplied) return commit;
        rows.Settle();
        _watchers.Changed(rows.Keys);
        return commit;
    }

    /// <summary>Ends the watches; then nobody may read or write any more.</summary>
    public async ValueTask CloseAsync()
    {
        _watchers.Close();
        await _keyspace.DisposeAsync().ConfigureAwait(false);
    }

    private IReadOnlyList<KvMutation> Decide(List<BlobChange> changes)
    {
        Func<BlobChange, IReadOnlyList<KvMutation>> recorder = _recorder!;
        if (changes.Count == 1) return recorder(changes[0]);
        var mutations = new List<KvMutation>(changes.Count);
        foreach (BlobChange change in changes) mutations.AddRange(recorder(change));
        return mutations;
    }

    private ValueTask<IReadOnlyList<KvRange>> ReadWatched(IReadOnlyList<ReadRange> ranges, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = _gate.Enter("watch");
        cancellationToken.ThrowIfCancellationRequested();
        return new(_keyspace.Read(ranges));
    }
}
