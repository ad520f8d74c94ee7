using System.Runtime.CompilerServices;

namespace Strata;

/// <summary>Those who watch keys of a database. They are told that something has changed, and read for themselves what.</summary>
/// <param name="clock">For entries that expire while they are watched.</param>
/// <param name="database">The database's name in messages.</param>
public sealed class KvWatchers(TimeProvider clock, string database)
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(1);
    private readonly Lock _latch = new();
    private readonly Dictionary<ReadOnlyMemory<byte>, List<Watcher>> _byKey = new(KvKeyComparer.Instance);
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

    /// <summary>Keys may have changed.</summary>
    public void Changed(IEnumerable<ReadOnlyMemory<byte>> keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        lock (_latch)
        {
            if (_all.Count == 0) return;
            foreach (ReadOnlyMemory<byte> key in keys)
            {
                if (!_byKey.TryGetValue(key, out List<Watcher>? watchers)) continue;
                foreach (Watcher watcher in watchers) watcher.Signal();
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
        ReadRange[] ranges = [.. keys.Select(ReadRange.Of)];
        KvEntry?[]? told = null;
        using var watcher = new Watcher(clock);
        Add(watcher, keys);
        try
        {
            while (true)
            {
                // Before the read: what changes after it is told by the next signal.
                Task signal = watcher.Next();
                if (Volatile.Read(ref _isClosed)) throw StorageException.Closed("watch", database);
                IReadOnlyList<KvRange> found = await read(ranges, cancellationToken).ConfigureAwait(false);
                KvEntry?[] entries = [.. found.Select(r => r.Entries.Count == 0 ? null : r.Entries[0])];
                if (told is null || Differ(told, entries))
                {
                    told = entries;
                    yield return new WatchUpdate(entries);
                }

                if (told.Min(e => e?.Expires) is { } expires) watcher.SignalAt(expires);
                await signal.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            Remove(watcher, keys);
        }
    }

    private static bool Differ(KvEntry?[] before, KvEntry?[] now)
    {
        for (int i = 0; i < now.Length; i++)
        {
            if (before[i]?.Versionstamp != now[i]?.Versionstamp) return true;
        }

        return false;
    }

    private void Add(Watcher watcher, IReadOnlyList<ReadOnlyMemory<byte>> keys)
    {
        lock (_latch)
        {
            _all.Add(watcher);
            foreach (ReadOnlyMemory<byte> key in keys)
            {
                if (!_byKey.TryGetValue(key, out List<Watcher>? watchers)) _byKey.Add(key, watchers = []);
                watchers.Add(watcher);
            }
        }
    }

    private void Remove(Watcher watcher, IReadOnlyList<ReadOnlyMemory<byte>> keys)
    {
        lock (_latch)
        {
            _all.Remove(watcher);
            foreach (ReadOnlyMemory<byte> key in keys)
            {
                if (!_byKey.TryGetValue(key, out List<Watcher>? watchers)) continue;
                watchers.Remove(watcher);
                if (watchers.Count == 0) _byKey.Remove(key);
            }
        }
    }

    /// <summary>One watch: many signals before it looks are one.</summary>
    private sealed class Watcher(TimeProvider clock) : IDisposable
    {
        private TaskCompletionSource _signal = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private ITimer? _timer;

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
