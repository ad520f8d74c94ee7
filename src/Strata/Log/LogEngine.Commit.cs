namespace Strata;

/// <content>Group commit: batches queue, one thread writes all that wait with one write and one sync, then they are seen together.</content>
internal sealed partial class LogEngine
{
    private readonly Lock _latch = new();
    private Group _open = new();
    private Group? _flying;
    private Group? _spare;
    private bool _isLed;
    private ulong _visible;
    private long _commits;
    private long _tombstones;

    /// <summary>Commits a batch: all of it, or nothing. There is no way back once it is called.</summary>
    /// <remarks>
    /// Without a flush to wait for, a lone caller writes on its own thread. Where there is one, the group is written on a
    /// thread of the pool: a caller that begins many commits before it awaits them must have all of them in one flush.
    /// Who comes while another writes waits for the next group. An expectation about a key that is under way waits until
    /// that is over.
    /// </remarks>
    /// <exception cref="StorageException">
    /// Of kind Full, Unavailable or AccessDenied. Its Outcome says whether the batch may count: Unknown only when the log
    /// has become read-only.
    /// </exception>
    public ValueTask<LogCommit> CommitAsync(LogBatch batch)
    {
        if (batch.Count == 0 && batch.Placement is null) throw new ArgumentException("The batch is empty.", nameof(batch));
        if (batch.Length > LogOptions.MaxBatchBytes) throw TooLong(batch);
        OperationGate.Pass pass = _gate.Enter("write");
        int rooms = _compactor.RoomsMade;
        if (!_flushes && (batch.FreesSpace || _compactor.HasRoom))
        {
            bool isHandedOver = false;
            try
            {
                if (!TryCommitAtOnce(batch, out LogCommit commit) || batch.Failure is not null) isHandedOver = true;
                else return new ValueTask<LogCommit>(commit);
            }
            finally
            {
                if (!isHandedOver) pass.Dispose();
            }
        }

        return CommitAsync(batch, rooms, pass);
    }

    private async ValueTask<LogCommit> CommitAsync(LogBatch batch, int rooms, OperationGate.Pass pass)
    {
        using OperationGate.Pass held = pass;
        if (!batch.FreesSpace) await _compactor.WaitForRoomAsync().ConfigureAwait(false);
        while (true)
        {
            LogCommit commit = batch.Failure is null ? await QueueAsync(batch).ConfigureAwait(false) : default;
            if (batch.Failure is not { } failure) return commit;

            // Garbage that is not worth a compaction otherwise is room on a full disk. Some of it fills up the reserve
            // first; each turn has freed something, so there is an end.
            bool isFull = failure is StorageException { Kind: StorageErrorKind.Full, Outcome: WriteOutcome.NotApplied };
            if (!isFull || !await _compactor.TryMakeRoomAsync(batch.Length, rooms).ConfigureAwait(false)) throw failure;
            rooms = _compactor.RoomsMade;
            batch.Failure = null;
            batch.Completion = null;
        }
    }

    /// <summary>Commits on this thread.</summary>
    /// <returns>False: others are at it.</returns>
    private bool TryCommitAtOnce(LogBatch batch, out LogCommit commit)
    {
        commit = default;
        lock (_latch)
        {
            if (_isLed) return false;
            if (!Holds(batch)) return true;
            Place(batch);
            _isLed = true;
            _open.Add(batch);
        }

        Lead();
        commit = new LogCommit(true, batch.Sequence);
        return true;
    }

    private async ValueTask<LogCommit> QueueAsync(LogBatch batch)
    {
        while (true)
        {
            Task underWay;
            lock (_latch)
            {
                underWay = UnderWay(batch);
                if (underWay.IsCompleted)
                {
                    if (!Holds(batch)) return default;
                    Place(batch);
                    batch.Completion = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                    _open.Add(batch);
                    if (!_isLed) LeadNext();
                    _isLed = true;
                    underWay = batch.Completion.Task;
                }
            }

            await underWay.ConfigureAwait(false);
            if (batch.Completion is not null) return new LogCommit(true, batch.Sequence);
        }
    }

    private void LeadNext() => ThreadPool.UnsafeQueueUserWorkItem(static engine => engine.Lead(), this, preferLocal: true);

    /// <summary>Writes the group that waits, and passes the lead on if another waits by then.</summary>
    private void Lead()
    {
        Group group;
        lock (_latch)
        {
            group = _open;
            _open = Interlocked.Exchange(ref _spare, null) ?? new Group();
            _flying = group;
        }

        try
        {
            _appender.Append(group.Batches);
        }
        catch (Exception e)
        {
            // Whoever waits must hear of it, whatever it is; and of what was placed nobody knows whether it was written.
            _appender.BecomeReadOnly("of an error that nobody foresaw", e);
            foreach (LogBatch batch in group.Batches) batch.Failure ??= e;
        }

        bool isMoreWaiting;
        lock (_latch)
        {
            try
            {
                Publish(group);
                Volatile.Write(ref _visible, _appender.Last);
            }
            catch (Exception e)
            {
                // The index may lack what the log has: nothing is built on that.
                _appender.BecomeReadOnly("the index could not take what was written", e);
                foreach (LogBatch batch in group.Batches) batch.Failure ??= e;
            }

            if (_sealedNow.Count > 0) Settle();
            _flying = null;
            isMoreWaiting = _open.Batches.Count > 0;
            if (!isMoreWaiting) _isLed = false;
        }

        if (isMoreWaiting) LeadNext();
        group.Complete();
        Volatile.Write(ref _spare, group);
    }

    /// <summary>Makes a group's entries the ones that readers find. Under the latch.</summary>
    private void Publish(Group group)
    {
        _index.BeginWrite();
        try
        {
            foreach (LogBatch batch in group.Batches)
            {
                if (batch.Failure is not null) continue;
                _commits++;
                int at = -batch.EndsAfter;
                foreach (ref readonly LogBatch.Operation operation in batch.Operations)
                {
                    LogLocation location = batch.LocationOf(operation);
                    if (!_index.TryPut(batch.KeyOf(operation), location, out LogLocation previous)) throw new InvalidOperationException("The index refused a key that it had room for.");
                    batch.Segment!.AddLive(location.Length);
                    if (at >= 0) batch.Placement?.Published(at, location, previous);
                    at++;
                    Supersede(previous);
                    if ((location.Flags & LogEntryFlags.Tombstone) != LogEntryFlags.None) _tombstones++;
                }
            }
        }
        finally
        {
            _index.EndWrite();
        }
    }

    /// <summary>An entry counts no more. Under the latch.</summary>
    private void Supersede(LogLocation previous)
    {
        if (!previous.IsKnown) return;
        if ((previous.Flags & LogEntryFlags.Tombstone) != LogEntryFlags.None) _tombstones--;
        if (!_segments.TryGetValue(previous.Segment, out LogSegment? segment)) return;
        segment.AddLive(-previous.Length);
        if (segment.IsSettled) _compactor.GarbageGrew(segment);
    }

    /// <summary>What was sealed by a group has all its entries in the index now.</summary>
    private void Settle()
    {
        foreach (LogSegment segment in _sealedNow) _compactor.SegmentSettled(segment);
        _sealedNow.Clear();
    }

    /// <summary>A segment becomes one that readers look into.</summary>
    internal void Enter(LogSegment segment)
    {
        lock (_latch)
        {
            _segments = new Dictionary<uint, LogSegment>(_segments) { [segment.Incarnation] = segment };
        }
    }

    /// <summary>A segment that nothing in the index points to leaves.</summary>
    internal void Leave(LogSegment segment)
    {
        lock (_latch)
        {
            var rest = new Dictionary<uint, LogSegment>(_segments);
            rest.Remove(segment.Incarnation);
            _segments = rest;
        }
    }

    /// <summary>Entries that compaction moved are found in their new places from now on, but for those superseded meanwhile.</summary>
    internal void Apply(ReadOnlySpan<LogCompactor.Move> moves, LogKeyArena keys, LogSegment target)
    {
        lock (_latch)
        {
            foreach (ref readonly LogCompactor.Move move in moves)
            {
                ReadOnlySpan<byte> key = keys[move.KeyAt, move.KeyLength];
                if (move.To.IsKnown)
                {
                    if (!_index.Replace(key, move.From, move.To)) continue;
                    target.AddLive(move.To.Length);
                }
                else
                {
                    if (!_index.TryGet(key, out LogLocation current) || !current.IsSamePlaceAs(move.From)) continue;
                    _index.Remove(key, out _);
                    _tombstones--;
                }

                if (_segments.TryGetValue(move.From.Segment, out LogSegment? source)) source.AddLive(-move.From.Length);
            }
        }
    }

    /// <summary>What must be over before the batch's expectations can be looked at.</summary>
    private Task UnderWay(LogBatch batch)
    {
        foreach (ref readonly LogBatch.Expectation expectation in batch.Expectations)
        {
            if (_open.Touches(expectation.KeyHash)) return _open.Over;
            if (_flying?.Touches(expectation.KeyHash) == true) return _flying.Over;
        }

        return Task.CompletedTask;
    }

    private bool Holds(LogBatch batch)
    {
        foreach (ref readonly LogBatch.Expectation expectation in batch.Expectations)
        {
            LogLocation current = _index.TryGet(expectation.Key, out LogLocation found) ? found : default;
            if (!current.IsSamePlaceAs(expectation.Location)) return false;
        }

        return true;
    }

    /// <summary>Makes a batch whose expectations hold ready to be the next one. Under the latch.</summary>
    private void Place(LogBatch batch)
    {
        batch.Placement?.Place(batch);
        if (batch.Length > LogOptions.MaxBatchBytes) throw TooLong(batch);
        CheckIndexRoom(batch);
    }

    private static ArgumentException TooLong(LogBatch batch) => new($"The batch has {batch.Length} bytes; the most is {LogOptions.MaxBatchBytes}.", nameof(batch));

    private void CheckIndexRoom(LogBatch batch)
    {
        if (_index.Bytes < _options.MaxIndexBytes || batch.FreesSpace) return;
        foreach (ref readonly LogBatch.Operation operation in batch.Operations)
        {
            if (_index.TryGet(batch.KeyOf(operation), out _)) continue;
            throw new StorageException(StorageErrorKind.Full, $"Store '{_options.Name}' has no memory left for another key: its index of {_index.Count} keys takes {_index.Bytes} bytes. Raise MaxIndexBytes, or delete keys.") { Operation = "write", Store = _options.Name };
        }
    }

    /// <summary>The batches of one write.</summary>
    private sealed class Group
    {
        private HashSet<ulong>? _keys;
        private TaskCompletionSource? _over;

        public List<LogBatch> Batches { get; } = [];

        /// <summary>Ends with the group, well or not. Under the latch.</summary>
        public Task Over => (_over ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

        /// <summary>Under the latch.</summary>
        public void Add(LogBatch batch)
        {
            Batches.Add(batch);
            if (_keys is not null) AddKeys(batch);
        }

        /// <summary>Under the latch. The keys are gathered when somebody asks first: most groups are never asked.</summary>
        public bool Touches(ulong keyHash)
        {
            if (_keys is null)
            {
                _keys = [];
                foreach (LogBatch batch in Batches) AddKeys(batch);
            }

            return _keys.Contains(keyHash);
        }

        /// <summary>Tells who waits, and is empty then. After it left the latch's fields.</summary>
        public void Complete()
        {
            foreach (LogBatch batch in Batches) batch.Completion?.SetResult();
            _over?.SetResult();
            Batches.Clear();
            _keys = null;
            _over = null;
        }

        private void AddKeys(LogBatch batch)
        {
            foreach (ref readonly LogBatch.Operation operation in batch.Operations) _keys!.Add(operation.KeyHash);
        }
    }
}
