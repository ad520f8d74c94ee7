using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace Strata;

/// <summary>
/// Stores by name, in the order of their names. Readers see one state or the next, and are never disturbed while they
/// enumerate; whoever changes it does so alone.
/// </summary>
internal sealed class StoreTable : IReadOnlyDictionary<string, IBlobStore>
{
    private volatile Dictionary<string, IBlobStore> _stores = [];

    public int Count => _stores.Count;

    public IEnumerable<string> Keys => _stores.Keys;

    public IEnumerable<IBlobStore> Values => _stores.Values;

    public IBlobStore this[string key] => _stores[key];

    public void Add(string name, IBlobStore store) =>
        _stores = _stores.Append(new(name, store)).OrderBy(s => s.Key, StringComparer.Ordinal).ToDictionary(StringComparer.Ordinal);

    public void Remove(string name) => _stores = _stores.Where(s => s.Key != name).ToDictionary(StringComparer.Ordinal);

    public bool ContainsKey(string key) => _stores.ContainsKey(key);

    public bool TryGetValue(string key, [MaybeNullWhen(false)] out IBlobStore value) => _stores.TryGetValue(key, out value);

    public IEnumerator<KeyValuePair<string, IBlobStore>> GetEnumerator() => _stores.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
