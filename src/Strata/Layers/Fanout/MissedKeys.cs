using System.Collections.Concurrent;

namespace Strata;

/// <summary>The keys whose last change a layer does not have: in memory, so that no read has to look for them; about 150 bytes a key.</summary>
internal sealed class MissedKeys
{
    private readonly ConcurrentDictionary<BlobKey, bool> _keys = new();
    private readonly SortedSet<BlobKey> _order = [];
    private readonly Lock _gate = new();
    private int _count;

    public int Count => Volatile.Read(ref _count);

    public bool Contains(BlobKey key) => Count > 0 && _keys.ContainsKey(key);

    public void Add(BlobKey key)
    {
        lock (_gate)
        {
            _keys[key] = true;
            _order.Add(key);
            Volatile.Write(ref _count, _order.Count);
        }
    }

    public void Remove(BlobKey key)
    {
        lock (_gate)
        {
            _keys.TryRemove(key, out _);
            _order.Remove(key);
            Volatile.Write(ref _count, _order.Count);
        }
    }

    /// <summary>Some keys in order.</summary>
    /// <param name="prefix">They begin with it.</param>
    /// <param name="from">They are this text or behind it.</param>
    /// <param name="limit">So many at most.</param>
    public List<BlobKey> Page(string prefix, string from, int limit)
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
                page.Add(key);
            }
        }

        return page;
    }
}
