using System.Collections.Concurrent;

namespace Strata.Server;

/// <summary>The access keys that a server knows. Keys come and go while it runs; safe for concurrent use.</summary>
public sealed class AccessKeyRing
{
    private readonly ConcurrentDictionary<string, AccessKey> _keys = new(StringComparer.Ordinal);
    private volatile bool _isRequired;

    /// <summary>A ring with these keys.</summary>
    /// <exception cref="ArgumentException">Two keys have one id.</exception>
    public AccessKeyRing(params IEnumerable<AccessKey> keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        foreach (AccessKey key in keys)
        {
            if (!TryAdd(key)) throw new ArgumentException($"Two access keys have the id '{key.Id}'.", nameof(keys));
        }
    }

    /// <summary>
    /// True as soon as there was a key: from then on every request needs credentials, also when the last key has been
    /// revoked, so that nothing is ever opened by taking something away.
    /// </summary>
    public bool IsRequired => _isRequired;

    /// <summary>All keys, in order of their ids.</summary>
    public IReadOnlyList<AccessKey> Keys => [.. _keys.Values.OrderBy(k => k.Id, StringComparer.Ordinal)];

    /// <summary>The key of this id, or null.</summary>
    public AccessKey? Find(string id) => _keys.GetValueOrDefault(id);

    /// <summary>Asks for credentials from now on: there were keys once.</summary>
    internal void Require() => _isRequired = true;

    /// <summary>Adds a key; false if there is one of its id.</summary>
    internal bool TryAdd(AccessKey key)
    {
        if (!_keys.TryAdd(key.Id, key)) return false;
        _isRequired = true;
        return true;
    }

    /// <summary>Removes a key; from the next request on it opens nothing.</summary>
    internal bool Remove(string id) => _keys.TryRemove(id, out _);
}
