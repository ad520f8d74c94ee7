using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Strata;

/// <summary>
/// Entries by key: look-ups without a lock, and listings in key order. Writers hold a lock of the caller's or none; a
/// listing holds this index's own for one page.
/// </summary>
internal sealed class OrderedIndex<TEntry>
    where TEntry : class
{
    private static readonly string Last = new('\uFFFF', 1);
    private readonly ConcurrentDictionary<BlobKey, TEntry> _entries = new();
    private readonly SortedSet<string> _order = new(TextOrder.Instance);
    private readonly Lock _gate = new();

    public int Count => _entries.Count;

    public IEnumerable<TEntry> Entries => _entries.Select(e => e.Value);

    public bool TryGet(BlobKey key, [NotNullWhen(true)] out TEntry? entry) => _entries.TryGetValue(key, out entry);

    public TEntry? Get(BlobKey key) => _entries.GetValueOrDefault(key);

    public void Set(BlobKey key, TEntry entry)
    {
        lock (_gate)
        {
            _entries[key] = entry;
            _order.Add(key.Value);
        }
    }

    /// <summary>Removes the key if it still holds this very entry.</summary>
    public bool Remove(BlobKey key, TEntry entry)
    {
        lock (_gate)
        {
            if (!_entries.TryRemove(KeyValuePair.Create(key, entry))) return false;
            _order.Remove(key.Value);
            return true;
        }
    }

    /// <summary>One page.</summary>
    /// <param name="request">A validated request.</param>
    /// <param name="visible">The entry's metadata, or null if it is not to be shown.</param>
    public ListPage List(ListRequest request, Func<TEntry, BlobInfo?> visible)
    {
        lock (_gate) return ListPager.Page(request, from => _order.GetViewBetween(from, Last), text => visible(_entries[BlobKey.Parse(text)]));
    }

    private sealed class TextOrder : IComparer<string>
    {
        public static readonly TextOrder Instance = new();

        public int Compare(string? x, string? y)
        {
            // The end of the order is told by identity: no key can be it.
            if (ReferenceEquals(x, y)) return 0;
            if (ReferenceEquals(x, Last)) return 1;
            if (ReferenceEquals(y, Last)) return -1;
            return BlobKey.CompareText(x!, y!);
        }
    }
}
