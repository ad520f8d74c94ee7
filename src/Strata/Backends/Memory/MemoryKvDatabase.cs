namespace Strata;

/// <summary>A KV database in memory. Nothing outlives the process.</summary>
/// <remarks>
/// <para><b>Commit point:</b> the swap of the root of a tree that is never changed. Readers take the root that they find,
/// and neither wait for writers nor hold them up; writers that wait for each other are committed as one group.</para>
/// <para>Memory: key and value in one array, about 200 B beside them an entry. Nothing bounds it but <see cref="KvLimits"/> a write.</para>
/// </remarks>
public sealed class MemoryKvDatabase : IKvDatabase, IKvStatistics
{
    private const int RemovedAtOnce = 1_000;

    /// <summary>What an entry takes besides its key and value, about.</summary>
    private const int EntryBytes = 200;
    private static readonly TimeSpan ShortestWait = TimeSpan.FromSeconds(1), LongestWait = TimeSpan.FromDays(1);
    private readonly string _name;
    private readonly KvLimits _limits;
    private readonly TimeProvider _wallClock;
    private readonly RisingClock _clock;
    private readonly OperationGate _gate;
    private readonly KvWatchers _watchers;
    private readonly KvWriter _writer;
    private readonly ExpiryQueue<KvEntry> _expiries = new();
    private readonly ITimer _sweeper;
    private readonly Lock _writes = new();
    private DateTimeOffset? _nextSweep;
    private long _bytes;
    private long _expirations;
    private volatile State _state = new(MemoryKvTree.Empty, Versionstamp.None, DateTimeOffset.MinValue);
    private volatile bool _isClosed;

    /// <summary>Opens an empty database.</summary>
    /// <exception cref="ArgumentException">A setting is out of range.</exception>
    public MemoryKvDatabase(MemoryKvDatabaseOptions? options = null, StoreContext? context = null)
    {
        options ??= new MemoryKvDatabaseOptions();
        if (string.IsNullOrEmpty(options.Name)) throw new ArgumentException("Name may not be empty.", nameof(options));
        (_name, _limits) = (options.Name, options.Limits ?? throw new ArgumentException("Limits may not be null.", nameof(options)));
        _wallClock = (context ?? StoreContext.Default).Clock;
        _clock = new RisingClock(_wallClock);
        _gate = new OperationGate(_name);
        _watchers = new KvWatchers(_wallClock, _name);
        _writer = new KvWriter(CommitAsync, _watchers);
        Capabilities = new KvCapabilities { Database = _name, Limits = _limits, IsDurable = false };
        _sweeper = _wallClock.CreateTimer(static database => ((MemoryKvDatabase)database!).Sweep(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <inheritdoc/>
    public KvCapabilities Capabilities { get; }

    /// <summary>Watches at this moment.</summary>
    internal int Watches => _watchers.Count;

    /// <summary>Entries in memory, those included that have expired and were not removed yet.</summary>
    internal long Entries => _state.Tree.Count;

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<KvRange>> SnapshotReadAsync(IReadOnlyList<ReadRange> ranges, SnapshotReadOptions? options, CancellationToken cancellationToken)
    {
        _limits.Check(ranges);
        return ReadAsync(ranges, cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask<CommitResult> AtomicWriteAsync(AtomicWrite write, CancellationToken cancellationToken)
    {
        _limits.Check(write);
        using OperationGate.Pass pass = _gate.Enter("write");
        return await _writer.WriteAsync(write, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<WatchUpdate> WatchAsync(IReadOnlyList<ReadOnlyMemory<byte>> keys, CancellationToken cancellationToken)
    {
        _limits.Check(keys);
        if (_isClosed) throw StorageException.Closed("watch", _name);
        ReadOnlyMemory<byte>[] watched = [.. keys.Select(k => (ReadOnlyMemory<byte>)k.ToArray())];
        return _watchers.WatchAsync(ReadAsync, watched, cancellationToken);
    }

    /// <summary>Closes the database once the writes under way are done, and ends all watches; what was handed out stays readable.</summary>
    public async ValueTask DisposeAsync()
    {
        _isClosed = true;
        if (!await _gate.CloseAsync().ConfigureAwait(false)) return;
        _watchers.Close();
        await _sweeper.DisposeAsync().ConfigureAwait(false);
        _state = new State(MemoryKvTree.Empty, _state.Last, _state.Time);
        Interlocked.Exchange(ref _bytes, 0);
        _expiries.Clear();
    }

    /// <inheritdoc/>
    public KvStatistics GetStatistics()
    {
        State state = _state;
        return new KvStatistics
        {
            Entries = state.Tree.Count,
            Bytes = Interlocked.Read(ref _bytes) + (state.Tree.Count * EntryBytes),
            Expirations = Interlocked.Read(ref _expirations),
            Watches = _watchers.Count,
            LastCommit = state.Last,
        };
    }

    /// <summary>A watch may have more keys than a read has ranges.</summary>
    private ValueTask<IReadOnlyList<KvRange>> ReadAsync(IReadOnlyList<ReadRange> ranges, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<IReadOnlyList<KvRange>>(cancellationToken);
        DateTimeOffset now = _clock.Now;
        State state = _state;

        // After the state was taken: whoever closes the database empties it.
        if (_isClosed) throw StorageException.Closed("read", _name);

        // What was removed or judged as expired after this read began has expired for it, too, and all else that did by then.
        if (state.Time > now) now = state.Time;
        var found = new KvRange[ranges.Count];
        for (int i = 0; i < found.Length; i++) found[i] = new KvRange(Read(state.Tree, ranges[i], now));
        return new(found);
    }

    private static List<KvEntry> Read(MemoryKvTree tree, in ReadRange range, DateTimeOffset now)
    {
        var found = new List<KvEntry>(range.IsOneKey ? 1 : 0);
        tree.Read(range, now, found);
        return found;
    }

    private ValueTask CommitAsync(KvCommitGroup group)
    {
        lock (_writes)
        {
            State before = _state;
            DateTimeOffset now = _clock.Now;
            KvChanges changes = group.Evaluate(new View(before.Tree, now), before.Last, now);
            if (changes.Last != before.Last) Publish(before, changes, now);
        }

        return default;
    }

    /// <summary>Commits mutations that look at nothing together with a change of something else, or neither.</summary>
    /// <param name="mutations">Checked before.</param>
    /// <param name="change">The change, made under the lock of all commits; false: it could not be made.</param>
    internal bool TryCommitWith(IReadOnlyList<KvMutation> mutations, Func<bool> change)
    {
        using OperationGate.Pass pass = _gate.Enter("write");
        KvChanges changes;
        lock (_writes)
        {
            State before = _state;
            DateTimeOffset now = _clock.Now;
            changes = RecordedRows.Evaluate(mutations, before.Last, now);
            if (!change()) return false;
            Publish(before, changes, now);
        }

        _watchers.Changed(changes.Entries.Keys);
        return true;
    }

    private void Publish(State before, KvChanges changes, DateTimeOffset now)
    {
        var edit = new MemoryKvTree.Edit(before.Tree);
        List<KvEntry>? replaced = null, expiring = null;
        long bytes = 0;
        foreach ((ReadOnlyMemory<byte> key, KvEntry? entry) in changes.Entries)
        {
            bool isVisible = entry is not null && !(entry.Expires <= now);
            KvEntry? kept = isVisible ? Kept(entry!) : null;
            KvEntry? old = kept is null ? edit.Remove(key.Span) : edit.Set(kept);
            bytes += LengthOf(kept) - LengthOf(old);
            if (old?.Expires is not null) (replaced ??= []).Add(old);
            if (kept?.Expires is not null) (expiring ??= []).Add(kept);
        }

        _state = new State(edit.ToTree(), changes.Last, now);
        Interlocked.Add(ref _bytes, bytes);
        foreach (KvEntry entry in replaced ?? []) _expiries.Remove(entry, entry.Expires);
        foreach (KvEntry entry in expiring ?? [])
        {
            _expiries.Add(entry, entry.Expires);
            SweepAt(entry.Expires!.Value);
        }
    }

    private static long LengthOf(KvEntry? entry) => entry is null ? 0 : entry.Key.Length + entry.Value.Data.Length;

    /// <summary>Key and value are the caller's and may be anything later; here they are one array.</summary>
    private static KvEntry Kept(KvEntry entry)
    {
        byte[] bytes = new byte[entry.Key.Length + entry.Value.Data.Length];
        entry.Key.Span.CopyTo(bytes);
        entry.Value.Data.Span.CopyTo(bytes.AsSpan(entry.Key.Length));
        return entry with { Key = bytes.AsMemory(0, entry.Key.Length), Value = entry.Value with { Data = bytes.AsMemory(entry.Key.Length) } };
    }

    /// <summary>Removes what has expired, some at a time, so that no writer waits long.</summary>
    private void Sweep()
    {
        while (true)
        {
            lock (_writes)
            {
                DateTimeOffset now = _clock.Now;
                IReadOnlyList<KvEntry> due = _expiries.TakeDue(now, RemovedAtOnce);
                if (due.Count == 0)
                {
                    _nextSweep = null;
                    if (_expiries.Next is { } next) SweepAt(next);
                    return;
                }

                var edit = new MemoryKvTree.Edit(_state.Tree);
                foreach (KvEntry entry in due)
                {
                    if (!ReferenceEquals(edit.Find(entry.Key.Span), entry)) continue;
                    edit.Remove(entry.Key.Span);
                    Interlocked.Add(ref _bytes, -LengthOf(entry));
                    Interlocked.Increment(ref _expirations);
                }

                _state = new State(edit.ToTree(), _state.Last, now);
            }
        }
    }

    private void SweepAt(DateTimeOffset time)
    {
        if (_nextSweep <= time) return;
        _nextSweep = time;

        // By the wall clock: where it was set back, nothing expires until it is again where it was.
        TimeSpan wait = time - _wallClock.GetUtcNow();
        _sweeper.Change(wait < ShortestWait ? ShortestWait : wait > LongestWait ? LongestWait : wait, Timeout.InfiniteTimeSpan);
    }

    /// <param name="Tree">The entries.</param>
    /// <param name="Last">The last versionstamp issued.</param>
    /// <param name="Time">When it came to be; no expiry after it was acted on.</param>
    private sealed record State(MemoryKvTree Tree, Versionstamp Last, DateTimeOffset Time);

    private sealed class View(MemoryKvTree tree, DateTimeOffset now) : IKvView
    {
        public KvEntry? Find(ReadOnlyMemory<byte> key, bool keyOnly) => tree.Find(key.Span) is { } entry && !(entry.Expires <= now) ? entry : null;
    }
}
