namespace Strata;

/// <summary>What a write, update or copy came to. An expected failure is a status, not an exception.</summary>
public sealed class WriteResult
{
    private WriteResult(WriteStatus status, BlobInfo? info, IReadOnlyList<string> tiers)
    {
        Status = status;
        Info = info;
        Tiers = tiers;
    }

    /// <summary>What it came to.</summary>
    public WriteStatus Status { get; }

    /// <summary>After a commit the blob as written; after a failed condition the blob that is there, where known.</summary>
    public BlobInfo? Info { get; }

    /// <summary>Names of the tiers that hold the write at the acknowledgement, fastest first; one name for a plain store.</summary>
    public IReadOnlyList<string> Tiers { get; }

    /// <summary>True if committed.</summary>
    public bool IsWritten => Status == WriteStatus.Written;

    /// <summary>A committed write.</summary>
    public static WriteResult Written(BlobInfo info, params IReadOnlyList<string> tiers)
    {
        ArgumentNullException.ThrowIfNull(info);
        return new(WriteStatus.Written, info, tiers);
    }

    /// <summary>A condition that did not hold.</summary>
    public static WriteResult PreconditionFailed(BlobInfo? current) => new(WriteStatus.PreconditionFailed, current, []);

    /// <summary>Nothing to update or copy.</summary>
    public static WriteResult Missing { get; } = new(WriteStatus.Missing, null, []);
}
