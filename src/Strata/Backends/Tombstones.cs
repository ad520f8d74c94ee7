using System.Collections.Concurrent;

namespace Strata;

/// <summary>
/// The versions of deletes, kept for a stated time so that <see cref="WriteCondition.IfOlder"/> refuses an older copy.
/// </summary>
internal sealed class Tombstones(TimeProvider clock)
{
    /// <summary>Longer than the longest request may live (15 minutes; CONSISTENCY 5).</summary>
    public static readonly TimeSpan Retention = TimeSpan.FromHours(1);

    private readonly ConcurrentDictionary<BlobKey, BlobVersion> _versions = new();
    private readonly ConcurrentQueue<(DateTimeOffset Due, BlobKey Key, BlobVersion Version)> _due = new();

    public BlobVersion Get(BlobKey key) => _versions.GetValueOrDefault(key);

    public void Set(BlobKey key, BlobVersion version)
    {
        if (!version.IsKnown) return;
        _versions[key] = version;
        _due.Enqueue((clock.GetUtcNow() + Retention, key, version));
    }

    /// <summary>Forgets the key's delete: it was written again.</summary>
    public void Forget(BlobKey key) => _versions.TryRemove(key, out _);

    /// <summary>Forgets what is older than the retention; returns the keys that have no tombstone any more. Called by the store's sweep.</summary>
    public IReadOnlyList<BlobKey> TakeDue()
    {
        List<BlobKey>? dropped = null;
        DateTimeOffset now = clock.GetUtcNow();
        while (_due.TryPeek(out var oldest) && oldest.Due <= now && _due.TryDequeue(out oldest))
        {
            if (_versions.TryRemove(KeyValuePair.Create(oldest.Key, oldest.Version))) (dropped ??= []).Add(oldest.Key);
        }

        return dropped ?? [];
    }
}
