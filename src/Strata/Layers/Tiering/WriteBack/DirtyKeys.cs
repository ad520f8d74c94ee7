using System.Collections.Concurrent;

namespace Strata;

/// <summary>
/// The keys of which the warm tier holds what the origin does not have: those with rows in the outbox. In memory, so that no read
/// has to look for them; about 200 bytes a key.
/// </summary>
/// <param name="maxBytes">Bytes of blobs beyond which writers wait; null: they never do.</param>
internal sealed class DirtyKeys(long? maxBytes)
{
    private readonly ConcurrentDictionary<BlobKey, DirtyKey> _keys = new();
    private readonly SortedSet<BlobKey> _order = [];
    private readonly Lock _gate = new();
    private TaskCompletionSource _freed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _bytes;
    private int _count;

    public int Count => Volatile.Read(ref _count);

    public long Bytes => Interlocked.Read(ref _bytes);

    public bool IsFull => Bytes >= maxBytes;

    public ICollection<DirtyKey> All => _keys.Values;

    /// <summary>Null: the origin has the key's state.</summary>
    public DirtyKey? Find(BlobKey key) => Volatile.Read(ref _count) == 0 ? null : _keys.GetValueOrDefault(key);

    /// <summary>Notes a change. Under the key's lock, once the change is visible in the warm tier.</summary>
    public void Set(BlobKey key, long length, DateTimeOffset now)
    {
        lock (_gate)
        {
            DirtyKey? before = _keys.GetValueOrDefault(key);
            _keys[key] = new DirtyKey(length, before?.Since ?? now);
            if (before is null) _order.Add(key);
            Interlocked.Add(ref _bytes, length - (before?.Length ?? 0));
            Volatile.Write(ref _count, _order.Count);
        }
    }

    /// <summary>The origin has the key's state. Under the key's lock.</summary>
    public void Remove(BlobKey key)
    {
        lock (_gate)
        {
            if (!_keys.TryRemove(key, out DirtyKey? removed)) return;
            _order.Remove(key);
            Interlocked.Add(ref _bytes, -removed.Length);
            Volatile.Write(ref _count, _order.Count);
            if (_freed.Task.IsCompleted) return;
            _freed.SetResult();
        }
    }

    /// <summary>Waits until there is room for a change.</summary>
    public ValueTask AdmitAsync(CancellationToken cancellationToken) => IsFull ? WaitAsync(cancellationToken) : default;

    /// <summary>Some keys in order.</summary>
    /// <param name="prefix">They begin with it.</param>
    /// <param name="from">They are this text or behind it.</param>
    /// <param name="but">But not this one.</param>
    /// <param name="limit">So many at most.</param>
    public List<BlobKey> Page(string prefix, string from, string? but, int limit)
    {
        var page = new List<BlobKey>();
        lock (_gate)
        {
            if (_order.Count == 0) return page;
            string start = BlobKey.CompareText(from, prefix) > 0 ? from : prefix;

            // A place in the order, whether or not the text could be a key's.
            BlobKey first = start.Length == 0 ? _order.Min : BlobKey.Restore(start, 0), last = _order.Max;
            if (first > last) return page;
            foreach (BlobKey key in _order.GetViewBetween(first, last))
            {
                if (page.Count == limit || !key.Value.StartsWith(prefix, StringComparison.Ordinal)) break;
                if (key.Value != but) page.Add(key);
            }
        }

        return page;
    }

    private async ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task freed;
            lock (_gate)
            {
                if (!IsFull) return;
                if (_freed.Task.IsCompleted) _freed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                freed = _freed.Task;
            }

            await freed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
