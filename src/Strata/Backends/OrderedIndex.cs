using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Text;

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

    /// <summary>One page. Cost: O(log n) for its start and for each common prefix, then O(1) an entry looked at.</summary>
    /// <param name="request">A validated request.</param>
    /// <param name="visible">The entry's metadata, or null if it is not to be shown.</param>
    public ListPage List(ListRequest request, Func<TEntry, BlobInfo?> visible)
    {
        var items = new List<BlobInfo>();
        var prefixes = new List<string>();
        string? position = request.Position(), emitted = null;
        string? covered = position is not null && CommonPrefix(position, request) == position ? position : null;
        lock (_gate)
        {
            string from = position is not null && BlobKey.CompareText(position, request.Prefix) > 0 ? position : request.Prefix;
            while (true)
            {
                string? skipTo = null;
                foreach (string text in _order.GetViewBetween(from, Last))
                {
                    if (!text.StartsWith(request.Prefix, StringComparison.Ordinal)) return new(items, prefixes, null);
                    string? group = CommonPrefix(text, request);
                    string emit = group ?? text;
                    bool isCovered = covered is not null && group == covered;
                    bool isBehind = !isCovered && (position is null || BlobKey.CompareText(text, position) > 0);
                    BlobInfo? info = isBehind ? visible(_entries[BlobKey.Parse(text)]) : null;
                    if (info is not null)
                    {
                        if (items.Count + prefixes.Count == request.Limit) return new(items, prefixes, ListToken.Encode(emitted!, request));
                        if (group is null) items.Add(info);
                        else prefixes.Add(group);
                        emitted = emit;
                    }

                    if (group is not null && (info is not null || isCovered))
                    {
                        skipTo = group;
                        break;
                    }
                }

                if (skipTo is null || AfterAll(skipTo) is not { } next) return new(items, prefixes, null);
                from = next;
            }
        }
    }

    private static string? CommonPrefix(string text, ListRequest request)
    {
        if (request.Delimiter is not { } delimiter || !text.StartsWith(request.Prefix, StringComparison.Ordinal)) return null;
        int at = text.IndexOf(delimiter, request.Prefix.Length, StringComparison.Ordinal);
        return at < 0 ? null : text[..(at + delimiter.Length)];
    }

    /// <summary>The least text that is behind every text beginning with <paramref name="prefix"/>; null if there is none.</summary>
    private static string? AfterAll(string prefix)
    {
        ReadOnlySpan<char> head = prefix;
        while (Rune.DecodeLastFromUtf16(head, out Rune last, out int length) == OperationStatus.Done)
        {
            head = head[..^length];
            if (last.Value < 0x10FFFF) return $"{head}{new Rune(last.Value == 0xD7FF ? 0xE000 : last.Value + 1)}";
        }

        return null;
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
