namespace Strata;

/// <summary>What the log said of a key at one moment: a blob, expired ones included, the tombstone of one, or nothing.</summary>
internal readonly record struct DiskBlob
{
    /// <summary>The blob; null if there is none that can be read.</summary>
    public BlobInfo? Info { get; init; }

    /// <summary>Version of the delete, if that is what is there.</summary>
    public BlobVersion Tombstone { get; init; }

    /// <summary>Where its entry is; what a commit expects to be there still.</summary>
    public LogLocation Location { get; init; }

    /// <summary>The payload is an entry of its own.</summary>
    public bool IsApart { get; init; }

    /// <summary>LSN of that entry.</summary>
    public ulong PayloadSequence { get; init; }

    /// <summary>There is a blob, and its entry cannot be read. For conditions it is not there; it can be replaced and deleted.</summary>
    public bool IsDamaged { get; init; }

    /// <summary>The version that what comes next must pass.</summary>
    public BlobVersion Version => Info?.Version ?? Tombstone;

    /// <summary>The blob, unless it has expired.</summary>
    public BlobInfo? Visible(long now) => Info is { Expires: { } expires } && expires.ToUnixTimeMilliseconds() <= now ? null : Info;

    /// <summary>The version that an older copy must not pass: that of the last delete, or of what has expired.</summary>
    public BlobVersion Floor(long now) => Visible(now) is null ? Version : Tombstone;
}
