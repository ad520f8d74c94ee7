using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>A tier above the origin: its copies, and what it has done.</summary>
internal sealed class UpperTier : TierCounters
{
    private readonly TierEvents _events;

    public UpperTier(Tier tier, TierEvents events, TimeProvider clock, ILogger log)
        : base(tier, isOrigin: false, clock, log)
    {
        _events = events;
        Shared = tier.Store.TryGetFacet(out ISharedReads? shared) ? shared : null;
        if (tier.Store.TryGetFacet(out IEvictionSource? source)) source.Evicted += OnEvicted;
    }

    /// <summary>The tier's synchronous reads, where it has them.</summary>
    public ISharedReads? Shared { get; private set; }

    /// <summary>From now on its copies are compared with the origin like any other tier's, until the store is opened again.</summary>
    public void StopSharing() => Shared = null;

    /// <summary>Removes the key's copy; a failure is noted.</summary>
    /// <returns>False if the copy may still be there.</returns>
    public async ValueTask<bool> DropAsync(BlobKey key)
    {
        try
        {
            await Store.DeleteAsync(key).ConfigureAwait(false);
            return true;
        }
        catch (Exception e)
        {
            NoteError(e, "drop", key);
            return false;
        }
    }

    /// <summary>Removes a copy that is damaged, and says so.</summary>
    public async ValueTask RepairAsync(BlobKey key, long length)
    {
        await DropAsync(key).ConfigureAwait(false);
        NoteRepair(key, length);
    }

    /// <summary>Removes a copy that is not the origin's write, unless a promotion has replaced it already, and says so.</summary>
    public async ValueTask RepairAsync(BlobInfo copy)
    {
        try
        {
            if (await Store.StatAsync(copy.Key).ConfigureAwait(false) is { } held && !held.IsSameWriteAs(copy))
            {
                NoteRepair(copy.Key, copy.Length);
                return;
            }
        }
        catch (Exception e)
        {
            NoteError(e, "stat", copy.Key);
        }

        await RepairAsync(copy.Key, copy.Length).ConfigureAwait(false);
    }

    /// <summary>Writes a copy of what the origin has committed; a failure costs the copy, and leaves the older one, if any.</summary>
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
            return false;
        }
    }

    /// <summary>Notes that the tier holds a copy of what the origin has committed.</summary>
    public void NoteCopy(BlobInfo info, bool isFill)
    {
        (isFill ? Fills : Promotions).Increment();
        NoteWritten(info.Length);
        if (!isFill) _events.Add(TierEventKind.Promoted, Name, info.Key, info.Length);
    }

    /// <summary>Notes that a blob was taken from here to a slower tier.</summary>
    public void NoteDemotion(BlobInfo info)
    {
        Demotions.Increment();
        _events.Add(TierEventKind.Demoted, Name, info.Key, info.Length);
    }

    private void NoteRepair(BlobKey key, long length)
    {
        Repairs.Increment();
        _events.Add(TierEventKind.Repaired, Name, key, length);
    }

    private void OnEvicted(BlobKey key, long length)
    {
        _events.Add(TierEventKind.Evicted, Name, key, length);
    }
}
