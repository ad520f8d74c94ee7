using System.Runtime.CompilerServices;
using System.Text;

namespace Strata;

/// <summary>
/// Remembers how often and how lately keys were used, in bounded memory: what decides in which tier a blob belongs, and which go
/// cold.
/// </summary>
/// <remarks>
/// <para><b>What it costs.</b> <see cref="RecordAccess"/> puts the key into a ring of the calling thread: no lock, no interlocked
/// operation, no allocation but the ring itself. Rings are drained in the background, by whatever thread of the pool comes by, for at
/// most about a twentieth of one processor.</para>
/// <para><b>How exact it is.</b> Counts are exact to the width of a lane, a seventh of their window (<see cref="KeyUse"/>), as long
/// as the rings do not run full. Where accesses come faster than they are drained (millions a second), those that are noted stand for
/// those that are not: counts are right on average, and a count of n that stands for w accesses each errs by about √(n·w). An access is
/// dated when its ring is drained: at the next question, the next flush, or after 128 accesses of its thread.</para>
/// <para><b>What is forgotten.</b> Where <see cref="AccessTrackerOptions.MaxBytes"/> are reached, the eighth of the keys with the lowest
/// scores, those that wait to be written last of all. A forgotten key counts as never used.</para>
/// <para><b>The clock.</b> Where it is set back, what was used after the time that it is now counts as used now: nothing becomes cold
/// early, and nothing stays hot until the old time has come again.</para>
/// Safe for any number of callers at once.
/// </remarks>
public sealed class AccessTracker : IDisposable
{
    /// <summary>A drain waits for this many times what the last one took.</summary>
    private const int RestFactor = 19;
    private const int ForgottenShare = 8;
    private const int MostSampled = 4096;

    /// <summary>Names of forgotten keys whose rows are to go: more are not kept, and their rows stay until the next start.</summary>
    private const int MostForgottenNames = 1 << 18;

    /// <summary>A clock that goes back by less is one that is being adjusted.</summary>
    private const uint StepSeconds = 60;

    private readonly TieringPolicy _policy;
    private readonly TimeProvider _clock;
    private readonly AccessScale _scale;
    private readonly AccessTable _table;
    private readonly AccessRings _rings = new();
    private readonly Lock _gate = new();
    private readonly byte[] _name = new byte[BlobKey.MaxBytes];
    private readonly Action<BlobKey, float> _note;
    private readonly Draining _draining;
    private Queue<ForgottenKey>? _forgottenNames;
    private uint _now;
    private long _forgotten;
    private long _dropped;
    private long _notBefore;
    private int _isDrainQueued;
    private bool _isDisposed;

    /// <summary>An empty tracker.</summary>
    /// <param name="policy">Whose windows it counts in; null for the defaults.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="context">The clock.</param>
    /// <exception cref="ArgumentException">A setting is out of its range; the message names it.</exception>
    public AccessTracker(TieringPolicy? policy = null, AccessTrackerOptions? options = null, StoreContext? context = null)
    {
        _policy = policy ?? new TieringPolicy();
        Options = options ?? new AccessTrackerOptions();
        _policy.Check();
        Options.Check();
        _clock = (context ?? StoreContext.Default).Clock;
        _scale = new AccessScale(_policy, Options.ScoreHalfLife);
        _table = new AccessTable(Options.MaxBytes);
        _note = (key, weight) => Note(key, weight, _now);
        _draining = new Draining(this);
        _now = ReadClock();
    }

    internal AccessTrackerOptions Options { get; }

    /// <summary>How often <see cref="RecordAccess"/> was called, exactly, whatever became of the accesses: whoever records each of his hits need not count them.</summary>
    internal long Recorded => _rings.Accesses;

    /// <summary>Notes that a key was read: what every hit calls. Some nanoseconds; it is lost where the process ends, or dropped where accesses come too fast.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void RecordAccess(BlobKey key)
    {
        if (_rings.Add(key)) AskForDrain();
    }

    /// <summary>Notes that a key was written or moved: an access that is never dropped. Takes a lock: a microsecond.</summary>
    public void RecordWrite(BlobKey key)
    {
        lock (_gate)
        {
            Tick();
            Note(key, 1, _now);
        }
    }

    /// <summary>How a key was used; default if that is unknown. Cost: a look-up, and a drain of what has come since.</summary>
    public KeyUse UseOf(BlobKey key)
    {
        lock (_gate)
        {
            DrainRings();
            return Look(key);
        }
    }

    /// <summary>A key's accesses, each worth half after <see cref="AccessTrackerOptions.ScoreHalfLife"/>: higher is hotter; 0 for one that is unknown.</summary>
    public double ScoreOf(BlobKey key) => UseOf(key).Score;

    /// <summary>
    /// The keys whose use has fallen so far that they will be cold (<see cref="TieringPolicy.IsPredictedCold"/>), the lowest score
    /// first. Cost: a pass over all keys.
    /// </summary>
    /// <param name="most">How many at most: 1 or more.</param>
    public IReadOnlyList<BlobKey> PredictCold(int most = 1000)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(most, 1);
        lock (_gate)
        {
            DrainRings();
            DateTimeOffset now = AccessScale.TimeOf(_now);
            var coldest = new PriorityQueue<int, float>();
            for (int i = 0; i < _table.Count; i++)
            {
                ref AccessEntry entry = ref _table[i];
                if (entry.IsForgotten || !_policy.IsPredictedCold(_scale.UseAt(entry, _now), AccessScale.TimeOf(entry.First), now)) continue;

                // The first to leave is the highest score of those that are kept.
                float score = _scale.ScoreAt(entry, _now);
                if (coldest.Count < most) coldest.Enqueue(i, -score);
                else coldest.EnqueueDequeue(i, -score);
            }

            var keys = new BlobKey[coldest.Count];
            for (int i = keys.Length - 1; i >= 0; i--) keys[i] = BlobKey.Parse(Encoding.UTF8.GetString(_table.NameOf(coldest.Dequeue())));
            return keys;
        }
    }

    /// <summary>Forgets a key that was deleted.</summary>
    public void Forget(BlobKey key)
    {
        lock (_gate)
        {
            DrainRings();
            int found = Find(key);
            if (found == AccessTable.None || _table[found].IsForgotten) return;
            KeepName(found, _table[found].Due);
            _table[found] = _table[found] with { IsForgotten = true, Due = 0, Recent = 0, History = 0, Score = 0 };
        }
    }

    /// <summary>A snapshot of its figures.</summary>
    public AccessTrackerStatistics GetStatistics()
    {
        lock (_gate)
        {
            DrainRings();
            return new AccessTrackerStatistics { Keys = _table.Count, Bytes = _table.Bytes, Changed = _table.Changed, Forgotten = _forgotten, Dropped = _dropped };
        }
    }

    /// <summary>Ends it; what is recorded later is lost.</summary>
    public void Dispose()
    {
        lock (_gate) _isDisposed = true;
        _rings.Dispose();
    }

    /// <summary>
    /// Notes what a store has counted by itself (<see cref="IReadActivity"/>), so that its hits need not be recorded: where the last
    /// read is later than what is known, by a minute or more, all reads that the store counts are noted at its time. A read that the
    /// store counts for long is noted more than once: that errs towards hot.
    /// </summary>
    internal void RecordActivity(BlobKey key, BlobActivity activity)
    {
        if (activity.Reads == 0) return;
        lock (_gate)
        {
            DrainRings();
            uint time = Math.Min(AccessScale.SecondsOf(activity.LastRead), _now);
            if (Find(key) is var found && found != AccessTable.None && !_table[found].IsForgotten && time < _table[found].Last + StepSeconds) return;
            Note(key, activity.Reads, time);
        }
    }

    /// <summary>Notes what the rings hold.</summary>
    internal void Drain()
    {
        lock (_gate) DrainRings();
    }

    /// <summary>What is known of a key, without what the rings hold.</summary>
    internal KeyUse Peek(BlobKey key)
    {
        lock (_gate) return Look(key);
    }

    /// <summary>From now on the names of keys that are forgotten are kept, so that their rows can go.</summary>
    internal void KeepForgottenNames()
    {
        lock (_gate) _forgottenNames ??= [];
    }

    /// <summary>Takes a key that was forgotten, if one of its rows is to go.</summary>
    internal ForgottenKey? TakeForgotten()
    {
        lock (_gate)
        {
            while (_forgottenNames is not null && _forgottenNames.TryDequeue(out ForgottenKey? key))
            {
                bool isKnownAgain = _table.Find(key.Hash, key.Name) is var found && found != AccessTable.None && !_table[found].IsForgotten;
                if (!isKnownAgain || key.Due != 0) return key with { IsKnownAgain = isKnownAgain };
            }

            return null;
        }
    }

    /// <summary>Puts a key back that was taken, because its row could not be removed.</summary>
    internal void PutBack(ForgottenKey key)
    {
        lock (_gate)
        {
            if (_forgottenNames?.Count < MostForgottenNames) _forgottenNames.Enqueue(key);
        }
    }

    /// <summary>Takes the key whose change waits longest to be written.</summary>
    internal ChangedKey? TakeChanged()
    {
        lock (_gate)
        {
            while (_table.TakeChanged() is var entry && entry != AccessTable.None)
            {
                if (!_table[entry].IsForgotten) return new ChangedKey(_table.NameOf(entry).ToArray(), _table[entry]);
            }

            return null;
        }
    }

    /// <summary>Puts a key back that was taken, because it could not be written.</summary>
    internal void PutBack(ChangedKey key)
    {
        lock (_gate)
        {
            if (_table.Find(key.Entry.Hash, key.Name) is var found && found != AccessTable.None) _table.MarkChanged(found);
        }
    }

    /// <summary>Notes where a key's row now stands among those that are due; 0: nowhere.</summary>
    internal void SetDue(ReadOnlySpan<byte> name, uint hash, uint due)
    {
        lock (_gate)
        {
            if (_table.Find(hash, name) is var found && found != AccessTable.None && !_table[found].IsForgotten) _table[found].Due = due;
        }
    }

    /// <summary>Where a key's row stands among those that are due: null if the key is unknown, 0 if there is no row that is known.</summary>
    internal uint? DueOf(ReadOnlySpan<byte> name, uint hash)
    {
        lock (_gate)
        {
            return _table.Find(hash, name) is var found && found != AccessTable.None && !_table[found].IsForgotten ? _table[found].Due : null;
        }
    }

    /// <summary>Adds what a row says of a key to what is known of it.</summary>
    internal void Restore(ReadOnlySpan<byte> name, uint hash, AccessEntry row)
    {
        lock (_gate)
        {
            Tick();
            bool isAhead = row.Last > _now;
            row.Last = Math.Min(row.Last, _now);
            row.First = Math.Min(row.First, row.Last);
            int found = _table.Find(hash, name);
            if (found != AccessTable.None && !_table[found].IsForgotten)
            {
                _scale.Merge(ref _table[found], row);
                return;
            }

            found = found != AccessTable.None ? found : AddWithRoom(hash, name);
            if (found == AccessTable.None) return;
            ref AccessEntry entry = ref _table[found];
            (entry.IsForgotten, entry.Due) = (false, 0);
            (entry.Recent, entry.History, entry.Score, entry.Last, entry.First) = (row.Recent, row.History, row.Score, row.Last, row.First);

            // The clock was set back: the time at which the key is due is too late.
            if (isAhead) _table.MarkChanged(found);
        }
    }

    internal uint RecentLane => _scale.RecentLane;

    internal uint HistoryLane => _scale.HistoryLane;

    private uint ReadClock() => AccessScale.SecondsOf(_clock.GetUtcNow());

    private void AskForDrain()
    {
        if (Volatile.Read(ref _isDrainQueued) != 0 || _clock.GetTimestamp() < Volatile.Read(ref _notBefore)) return;
        if (Interlocked.Exchange(ref _isDrainQueued, 1) == 0) ThreadPool.UnsafeQueueUserWorkItem(_draining, preferLocal: false);
    }

    private void DrainRings()
    {
        if (_isDisposed) return;
        Tick();
        _dropped += _rings.Drain(_note);
    }

    /// <summary>Reads the clock; where it was set back, so are the times that lie ahead of it.</summary>
    private void Tick()
    {
        uint now = ReadClock();
        if (now + StepSeconds < _now)
        {
            for (int i = 0; i < _table.Count; i++)
            {
                ref AccessEntry entry = ref _table[i];
                if (entry.Last <= now) continue;
                entry.Last = now;
                entry.First = Math.Min(entry.First, now);
                _table.MarkChanged(i);
            }
        }

        _now = now;
    }

    private KeyUse Look(BlobKey key) => Find(key) is var found && found != AccessTable.None && !_table[found].IsForgotten ? _scale.UseAt(_table[found], _now) : default;

    private int Find(BlobKey key) => _table.Find((uint)key.Hash, _name.AsSpan(0, Encoding.UTF8.GetBytes(key.Value, _name)));

    private void Note(BlobKey key, float weight, uint time)
    {
        if (key.IsDefault) return;
        ReadOnlySpan<byte> name = _name.AsSpan(0, Encoding.UTF8.GetBytes(key.Value, _name));
        uint hash = (uint)key.Hash;
        int found = _table.Find(hash, name);
        bool isNew = found == AccessTable.None;
        if (isNew && (found = AddWithRoom(hash, name)) == AccessTable.None) return;
        ref AccessEntry entry = ref _table[found];
        if (isNew || entry.IsForgotten) (entry.IsForgotten, entry.First, entry.Last) = (false, time, time);
        _scale.Note(ref entry, time, weight);
        _table.MarkChanged(found);
    }

    private int AddWithRoom(uint hash, ReadOnlySpan<byte> name)
    {
        int added = _table.Add(hash, name);

        // Names can be so much longer than those that went that a second round is needed; what has no room after that is not remembered.
        for (int round = 0; added == AccessTable.None && round < ForgottenShare; round++)
        {
            MakeRoom();
            added = _table.Add(hash, name);
        }

        if (added == AccessTable.None) _forgotten++;
        return added;
    }

    /// <summary>Forgets about an eighth of the keys, those with the lowest scores.</summary>
    private void MakeRoom()
    {
        int count = _table.Count, left = Math.Max(1, count / ForgottenShare);
        if (count == 0) return;
        int step = Math.Max(1, count / MostSampled);
        double[] ranks = new double[(count + step - 1) / step];
        for (int i = 0; i < ranks.Length; i++) ranks[i] = RankOf(i * step);
        Array.Sort(ranks);
        double limit = ranks[ranks.Length / ForgottenShare];
        _table.Compact(entry =>
        {
            if (_table[entry].IsForgotten) return true;
            if (left == 0 || RankOf(entry) > limit) return false;
            left--;
            _forgotten++;
            KeepName(entry, 0);
            return true;
        });
    }

    /// <summary>What is forgotten first ranks lowest. A key that waits to be written may stand in no row yet that would bring it up when it is due.</summary>
    private double RankOf(int entry)
    {
        ref AccessEntry ranked = ref _table[entry];
        if (ranked.IsForgotten) return -1;
        float score = _scale.ScoreAt(ranked, _now);
        return ranked.IsChanged && _forgottenNames is not null ? 1e12 + score : score;
    }

    private void KeepName(int entry, uint due)
    {
        if (_forgottenNames?.Count < MostForgottenNames) _forgottenNames.Enqueue(new ForgottenKey(_table.NameOf(entry).ToArray(), _table[entry].Hash, due));
    }

    /// <summary>Drains the rings on a thread of the pool.</summary>
    private sealed class Draining(AccessTracker tracker) : IThreadPoolWorkItem
    {
        public void Execute()
        {
            long start = tracker._clock.GetTimestamp();
            Volatile.Write(ref tracker._isDrainQueued, 0);
            tracker.Drain();
            long end = tracker._clock.GetTimestamp();
            Volatile.Write(ref tracker._notBefore, end + (RestFactor * (end - start)));
        }
    }
}
