using System.Runtime.CompilerServices;

namespace Strata;

/// <content>Plans: what a commit comes to, finished when it gets its place among all commits.</content>
internal sealed partial class KvKeyspace
{
    /// <summary>Rows for the batch of somebody else's change.</summary>
    /// <param name="decide">Which; called once, when the change gets its place among all commits.</param>
    public KvCompanion Accompany(Func<IReadOnlyList<KvMutation>> decide) => new(this, decide);

    /// <summary>Takes care that there are versionstamps for a commit that cannot wait for them.</summary>
    public ValueTask PrepareAsync() => IsReserveLow(Volatile.Read(ref _last)) ? ReserveFirstAsync() : default;

    private async ValueTask ReserveFirstAsync()
    {
        await _commits.WaitAsync().ConfigureAwait(false);
        try
        {
            ulong last = Volatile.Read(ref _last);
            if (IsReserveLow(last)) await ReserveAsync(last).ConfigureAwait(false);
        }
        finally
        {
            _commits.Release();
        }
    }

    /// <summary>The state as it is while the writer alone commits; else what was found of it, which the commit must find again.</summary>
    private sealed class KvView(KvKeyspace keyspace, long now) : IKvView
    {
        private readonly Dictionary<ReadOnlyMemory<byte>, (KvEntry? Entry, bool IsKeyOnly)>? _found = keyspace.IsShared ? new(KvKeyComparer.Instance) : null;
        private readonly List<(byte[] Key, LogLocation Location)> _expected = [];

        public KvEntry? Find(ReadOnlyMemory<byte> key, bool keyOnly)
        {
            if (_found is null) return keyspace.Find(key, keyOnly, now);
            if (_found.TryGetValue(key, out (KvEntry? Entry, bool IsKeyOnly) found) && (keyOnly || !found.IsKeyOnly)) return found.Entry;
            KvEntry? entry = keyspace.Find(key, keyOnly, now, out LogLocation location);
            _found[key] = (entry, keyOnly);
            Depend(key, location);
            return entry;
        }

        /// <summary>What is planned holds only as long as this is the key's latest entry.</summary>
        [SkipLocalsInit]
        public void Depend(ReadOnlyMemory<byte> key, LogLocation location) => Depend(keyspace.Of(key.Span, stackalloc byte[LogEntryHeader.MaxKeyBytes]), location);

        /// <summary>The same, of a key of the log.</summary>
        public void Depend(ReadOnlySpan<byte> full, LogLocation location)
        {
            if (_found is not null) _expected.Add((full.ToArray(), location));
        }

        public bool TryExpect(LogBatch batch)
        {
            foreach ((byte[] key, LogLocation location) in _expected) batch.Expect(key, location);
            return _expected.Count > 0;
        }
    }

    /// <summary>What a group of writes comes to.</summary>
    private sealed class KvGroupPlan : ILogPlacement
    {
        private readonly KvKeyspace _keyspace;
        private readonly KvCommitGroup _group;
        private readonly long _now;
        private readonly KvView _view;
        private readonly List<Change> _plan = [];
        private ulong _first;
        private KvChanges _changes;

        public KvGroupPlan(KvKeyspace keyspace, KvCommitGroup group, long now)
        {
            (_keyspace, _group, _now) = (keyspace, group, now);
            _view = new KvView(keyspace, now);
            _changes = Evaluate(Volatile.Read(ref keyspace._last));
        }

        /// <summary>False: nothing of the group is to be committed.</summary>
        public bool IsCommit => Last != _first;

        /// <summary>The last versionstamp that it takes.</summary>
        public ulong Last => _changes.Last.Counter;

        public void AddTo(LogBatch batch)
        {
            batch.EndWith(this);
            _keyspace.Plan(_changes, batch, _now, _plan, _view);

            // What changes nothing has its place among the commits all the same, if it depends on something.
            if (_view.TryExpect(batch) && batch.Count == 0) _keyspace.PutStamp(batch, Volatile.Read(ref _keyspace._reserved));
        }

        public void Place(LogBatch batch)
        {
            ulong first = _keyspace.Issue(Last - _first);
            if (first == _first) return;

            // Others were first: the same once more, with later versionstamps.
            _changes = Evaluate(first);
            if (_plan.Count == 0) return;
            bool frees = batch.FreesSpace;
            batch.TakeOffEnd();
            _plan.Clear();
            _keyspace.Plan(_changes, batch, _now, _plan, _view);
            batch.FreesSpace = frees;
        }

        public void Published(int index, LogLocation location, LogLocation previous)
        {
            if (index < _plan.Count) _keyspace.Count(location, previous);
        }

        public void Settle() => _keyspace.Settle(_plan);

        private KvChanges Evaluate(ulong first)
        {
            _first = first;
            return _group.Evaluate(_view, new Versionstamp(first), DateTimeOffset.FromUnixTimeMilliseconds(_now));
        }
    }
}
