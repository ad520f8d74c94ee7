namespace Strata;

/// <summary>
/// A key of which a change is of unknown outcome (CONSISTENCY 5): what may still come through, and what must be so when nothing
/// can any more. Immutable.
/// </summary>
internal sealed record Doubt
{
    public required BlobKey Key { get; init; }

    /// <summary>When the last change of unknown outcome was given up.</summary>
    public required DateTimeOffset Since { get; init; }

    public required PendingChanges Pending { get; init; }

    /// <summary>What was acknowledged last.</summary>
    public LastIntention Intention { get; init; }

    /// <summary>Its stamp: the write's, or the delete's tombstone's.</summary>
    public BlobVersion Version { get; init; }

    /// <summary>The blob as it was acknowledged; null if no write was.</summary>
    public BlobInfo? Info { get; init; }

    /// <summary>What of unknown outcome came after it: what that leaves may be right, too.</summary>
    public PendingChanges FollowedBy { get; init; }

    /// <summary>How many rows hold the write's bytes; 0 if none does.</summary>
    public int Parts { get; init; }

    /// <summary>The write's bytes, where there is no database to keep them; never stored.</summary>
    public byte[]? Bytes { get; init; }

    /// <summary>Whether an older change came through behind the last intention.</summary>
    /// <param name="found">What the origin holds; null for nothing.</param>
    /// <param name="isSingleWriter">
    /// True if nobody else writes: then what bears no version is an older change of ours too. Else somebody else wrote it, and it
    /// stays. What bears a version is older if that is.
    /// </param>
    /// <param name="now">The time, for what has expired.</param>
    public bool IsUndone(BlobInfo? found, bool isSingleWriter, DateTimeOffset now)
    {
        if (Intention == LastIntention.None) return false;
        if (found is null)
            return Intention == LastIntention.Write && Pending.HasFlag(PendingChanges.Delete) && !FollowedBy.HasFlag(PendingChanges.Delete) && !(Info!.Expires <= now);
        if (!Pending.HasFlag(PendingChanges.Write) || Info?.IsSameWriteAs(found) == true) return false;
        return found.Version.IsKnown ? found.Version < Version : isSingleWriter && !FollowedBy.HasFlag(PendingChanges.Write);
    }
}
