using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>A tier above the origin: its copies, how far they are trusted, and what it has done.</summary>
internal sealed class UpperTier : TierCounters
{
    private const int MostTrusted = 1 << 18;
    private readonly ConcurrentDictionary<BlobKey, bool> _trusted = new();
    private readonly TierEvents _events;
    private readonly bool _isShared;

    public UpperTier(Tier tier, TierEvents events, TimeProvider clock, ILogger log)
        : base(tier, isOrigin: false, clock, log)
    {
        _events = events;
        _isShared = tier.Store.TryGetFacet(out ISharedReads? shared);
        Shared = shared;
        if (tier.Store.TryGetFacet(out IEvictionSource? source)) source.Evicted += OnEvicted;
    }

    /// <summary>The tier's synchronous reads, where it has them.</summary>
    public ISharedReads? Shared { get; }

    /// <summary>
    /// Whether a copy may be served without asking the origin: a memory tier's, because it came empty; another tier's
    /// once it was made or confirmed since the store was opened (CONSISTENCY 4).
    /// </summary>
    public bool Trusts(BlobKey key) => _isShared || _trusted.ContainsKey(key);

    public void Trust(BlobKey key)
    {
        if (_isShared) return;

        // Forgetting costs a stat of the origin at the next read, never a wrong answer.
        if (_trusted.Count >= MostTrusted) _trusted.Clear();
        _trusted[key] = true;
    }

    public void Distrust(BlobKey key) => _trusted.TryRemove(key, out _);

    /// <summary>Removes the key's copy. If that fails the copy is distrusted, so that it is compared with the origin before it is served.</summary>
    public async ValueTask DropAsync(BlobKey key)
    {
        Distrust(key);
        try
        {
            await Store.DeleteAsync(key).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            NoteError(e, "drop", key);
        }
    }

    /// <summary>Removes a copy that is damaged or not the origin's write, and says so.</summary>
    public async ValueTask RepairAsync(BlobKey key, long length)
    {
        await DropAsync(key).ConfigureAwait(false);
        Repairs.Increment();
        _events.Add(TierEventKind.Repaired, Name, key, length);
    }

    /// <summary>Writes a copy of what the origin has committed; a failure costs the copy, and the older one goes.</summary>
    /// <returns>True if the tier holds the copy.</returns>
    public async ValueTask<bool> FillAsync(BlobInfo info, BlobContent content)
    {
        try
        {
            await Store.WriteAsync(info.Key, content, new WriteOptions { AsCopyOf = info }, CancellationToken.None).ConfigureAwait(false);
            NoteCopy(info, isFill: true);
            return true;
        }
        catch (Exception e)
        {
            NoteError(e, "fill", info.Key);
            await DropAsync(info.Key).ConfigureAwait(false);
            return false;
        }
    }

    /// <summary>Notes that the tier holds a copy of what the origin has committed.</summary>
    public void NoteCopy(BlobInfo info, bool isFill)
    {
        Trust(info.Key);
        (isFill ? Fills : Promotions).Increment();
        if (!isFill) _events.Add(TierEventKind.Promoted, Name, info.Key, info.Length);
    }

    private void OnEvicted(BlobKey key, long length)
    {
        Distrust(key);
        _events.Add(TierEventKind.Evicted, Name, key, length);
    }
}
