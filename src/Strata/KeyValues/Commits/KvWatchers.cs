using System.Runtime.CompilerServices;

namespace Strata;

/// <summary>Those who watch keys of a database. They are told that something has changed, and read for themselves what.</summary>
/// <remarks>
/// <b>Cost:</b> while it waits a watch keeps versionstamps, no values; and those who are told of the same entry are given the
/// same object, so that ten thousand watches of a long value do not hold ten thousand copies of it. They look at
/// versionstamps first: one alone of them reads the value.
/// </remarks>
/// <param name="clock">For entries that expire while they are watched.</param>
/// <param name="database">The database's name in messages.</param>
public sealed class KvWatchers(TimeProvider clock, string database)
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(1);
    private readonly Lock _latch = new();
    private readonly Dictionary<ReadOnlyMemory<byte>, WatchedKey> _byKey = new(KvKeyComparer.Instance);
    private readonly HashSet<Watcher> _all = [];
    private bool _isClosed;

    /// <summary>How many watches there are.</summary>
    public int Count
    {
        get
        {
            lock (_latch) return _all.Count;
        }
    }

    /// <summary>The keys that are watched at this moment, each once.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Keys
    {
        get
        {
            lock (_latch) return [.. _byKey.Keys];
        }
    }

    /// <summary>Keys may have changed.</summary>
    public void Changed(IEnumerable<ReadOnlyMemory<byte>> keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        lock (_latch)
        {
            if (_all.Count == 0) return;
            foreach (ReadOnlyMemory<byte> key in keys)
            {
                if (!_byKey.TryGetValue(key, out WatchedKey? watched)) continue;
                foreach (Watch one in watched.Watches) one.Watcher.Signal();
            }
        }
    }

    /// <summary>
    /// Keys were read, by a backend that hears that others have written, and not what: of those who watch them, those look
    /// that have told something else.
    /// </summary>
    /// <param name="found">Each key with the versionstamp of its entry; with none where there is no entry.</param>
    public void Found(IReadOnlyList<KeyValuePair<ReadOnlyMemory<byte>, Versionstamp>> found)
    {
        ArgumentNullException.ThrowIfNull(found);
        lock (_latch)
        {
            foreach ((ReadOnlyMemory<byte> key, Versionstamp versionstamp) in found)
            {
                if (!_byKey.TryGetValue(key, out WatchedKey? watched)) continue;
                foreach (Watch one in watched.Watches)
                {
                    if (!one.Watcher.HasTold(one.Place, versionstamp)) one.Watcher.Signal();
                }
            }
        }
    }

    /// <summary>Any key may have changed.</summary>
    public void AllChanged()
    {
        lock (_latch)
        {
            foreach (Watcher watcher in _all) watcher.Signal();
        }
    }

    /// <summary>Ends all watches; they end with a <see cref="StorageException"/> of kind Closed.</summary>
    public void Close()
    {
        lock (_latch) _isClosed = true;
        AllChanged();
    }

    /// <summary>Watches keys; what <see cref="IKvDatabase.WatchAsync"/> answers.</summary>
    /// <param name="read">Reads them, all at one instant.</param>
    /// <param name="keys">The keys; kept.</param>
    /// <param name="cancellationToken">Ends the watch.</param>
    public async IAsyncEnumerable<WatchUpdate> WatchAsync(
        Func<IReadOnlyList<ReadRange>, CancellationToken, ValueTask<IReadOnlyList<KvRange>>> read,
        IReadOnlyList<ReadOnlyMemory<byte>> keys,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(read);
        ArgumentNullException.ThrowIfNull(keys);
        ReadRange[] ranges = [.. keys.Select(ReadRange.Of)], heads = [.. ranges.Select(r => r with { KeysOnly = true })];
        Versionstamp[]? told = null;
        DateTimeOffset? expires = null;
        using var watcher = new Watcher(clock);
        Add(watcher, keys);
        try
        {
            while (true)
            {
                // Before the read: what changes after it is told by the next signal.
                Task signal = watcher.Next();
                watcher.Told = null;
                if (Volatile.Read(ref _isClosed)) throw StorageException.Closed("watch", database);
                KvEntry?[] entries = EntriesOf(await read(heads, cancellationToken).ConfigureAwait(false));
                if (Differ(told, entries) && !TryTakeShared(keys, entries)) entries = Share(keys, EntriesOf(await read(ranges, cancellationToken).ConfigureAwait(false)));
                bool isNew = Differ(told, entries);
                if (isNew) (told, expires) = ([.. entries.Select(StampOf)], entries.Min(e => e?.Expires));
                watcher.Told = told;
                if (isNew) yield return new WatchUpdate(entries);
                if (expires is { } first) watcher.SignalAt(first);
                await signal.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            Remove(watcher, keys);
        }
    }

    private static KvEntry?[] EntriesOf(IReadOnlyList<KvRange> found) => [.. found.Select(r => r.Entries.Count == 0 ? null : r.Entries[0])];

    private static Versionstamp StampOf(KvEntry? entry) => entry?.Versionstamp ?? Versionstamp.None;

    private static bool Differ(Versionstamp[]? told, KvEntry?[] now)
    {
        if (told is null) return true;
        for (int i = 0; i < now.Length; i++)
        {
            if (told[i] != StampOf(now[i])) return true;
        }

        return false;
    }

    /// <summary>Replaces entries without their values by those that another watch has read.</summary>
    /// <returns>False: not all of them were, and somebody may still hold them.</returns>
    private bool TryTakeShared(IReadOnlyList<ReadOnlyMemory<byte>> keys, KvEntry?[] heads)
    {
        lock (_latch)
        {
            for (int i = 0; i < heads.Length; i++)
            {
                if (heads[i] is not { } head) continue;
                if (_byKey[keys[i]].Find(head.Versionstamp) is not { } shared) return false;
                heads[i] = shared;
            }

            return true;
        }
    }

    /// <summary>Gives others what was read, or takes what they have read meanwhile.</summary>
    private KvEntry?[] Share(IReadOnlyList<ReadOnlyMemory<byte>> keys, KvEntry?[] entries)
    {
        lock (_latch)
        {
            for (int i = 0; i < entries.Length; i++)
            {
                if (entries[i] is { } entry) entries[i] = _byKey[keys[i]].Share(entry);
            }

            return entries;
        }
    }

    private void Add(Watcher watcher, IReadOnlyList<ReadOnlyMemory<byte>> keys)
    {
        lock (_latch)
        {
            _all.Add(watcher);
            for (int i = 0; i < keys.Count; i++)
            {
                if (!_byKey.TryGetValue(keys[i], out WatchedKey? watched)) _byKey.Add(keys[i], watched = new WatchedKey());
                watched.Watches.Add(new Watch(watcher, i));
            }
        }
    }

    private void Remove(Watcher watcher, IReadOnlyList<ReadOnlyMemory<byte>> keys)
    {
        lock (_latch)
        {
            _all.Remove(watcher);
            for (int i = 0; i < keys.Count; i++)
            {
                if (!_byKey.TryGetValue(keys[i], out WatchedKey? watched)) continue;
                watched.Watches.Remove(new Watch(watcher, i));
                if (watched.Watches.Count == 0) _byKey.Remove(keys[i]);
            }
        }
    }

    /// <param name="Watcher">Who watches a key.</param>
    /// <param name="Place">Of the key among the watcher's own.</param>
    private readonly record struct Watch(Watcher Watcher, int Place);

    /// <summary>Those who watch one key, and the entry that one of them has read, for as long as anybody holds it.</summary>
    private sealed class WatchedKey
    {
        private WeakReference<KvEntry>? _last;

        public List<Watch> Watches { get; } = [];

        public KvEntry? Find(Versionstamp versionstamp) => _last is { } last && last.TryGetTarget(out KvEntry? entry) && entry.Versionstamp == versionstamp ? entry : null;

        public KvEntry Share(KvEntry entry)
        {
            if (Find(entry.Versionstamp) is { } shared) return shared;
            if (_last is { } last) last.SetTarget(entry);
            else _last = new WeakReference<KvEntry>(entry);
            return entry;
        }
    }

    /// <summary>One watch: many signals before it looks are one.</summary>
    private sealed class Watcher(TimeProvider clock) : IDisposable
    {
        private TaskCompletionSource _signal = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private volatile Versionstamp[]? _told;
        private ITimer? _timer;

        /// <summary>Of what was told last; null: it is looking, and nobody knows what it will find.</summary>
        public Versionstamp[]? Told
        {
            set => _told = value;
        }

        public bool HasTold(int place, Versionstamp versionstamp) => _told is { } told && told[place] == versionstamp;

        /// <summary>Ends with the first signal from now on.</summary>
        public Task Next()
        {
            TaskCompletionSource current = Volatile.Read(ref _signal);
            if (current.Task.IsCompleted) Volatile.Write(ref _signal, current = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
            return current.Task;
        }

        public void Signal() => Volatile.Read(ref _signal).TrySetResult();

        /// <summary>Signals at this time, or some time before it.</summary>
        public void SignalAt(DateTimeOffset time)
        {
            TimeSpan wait = time - clock.GetUtcNow();
            if (wait > LongestWait) wait = LongestWait;
            if (wait < TimeSpan.FromMilliseconds(1)) wait = TimeSpan.FromMilliseconds(1);
            _timer ??= clock.CreateTimer(static state => ((Watcher)state!).Signal(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _timer.Change(wait, Timeout.InfiniteTimeSpan);
        }

        public void Dispose() => _timer?.Dispose();
    }
}
