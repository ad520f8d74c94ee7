namespace Strata;

/// <summary>
/// What must hold at the commit of a write, update or delete. One value, so that no two conditions can contradict each other.
/// </summary>
public readonly record struct WriteCondition
{
    private WriteCondition(WriteConditionKind kind, string? etag, BlobVersion version)
    {
        Kind = kind;
        ETag = etag;
        Version = version;
    }

    /// <summary>Which condition this is.</summary>
    public WriteConditionKind Kind { get; }

    /// <summary>For <see cref="WriteConditionKind.IfMatch"/>: the expected ETag.</summary>
    public string? ETag { get; }

    /// <summary>For <see cref="WriteConditionKind.IfOlder"/>: the version that must be newer than what is there.</summary>
    public BlobVersion Version { get; }

    /// <summary>No condition.</summary>
    public static WriteCondition None => default;

    /// <summary>The key must be missing (or expired).</summary>
    public static WriteCondition IfAbsent => new(WriteConditionKind.IfAbsent, null, default);

    /// <summary>The key must hold a blob with this ETag; <c>*</c> means any blob.</summary>
    public static WriteCondition IfMatch(string etag)
    {
        ArgumentException.ThrowIfNullOrEmpty(etag);
        return new(WriteConditionKind.IfMatch, etag, default);
    }

    /// <summary>
    /// What is there, blob or tombstone, must be older than <paramref name="version"/>; with neither the write succeeds.
    /// Fills, replicas and sync use it, so that an old copy never covers a newer one.
    /// </summary>
    public static WriteCondition IfOlder(BlobVersion version)
    {
        if (!version.IsKnown) throw new ArgumentException("IfOlder needs a known version.", nameof(version));
        return new(WriteConditionKind.IfOlder, null, version);
    }

    /// <summary>Whether the condition holds.</summary>
    /// <param name="current">The visible blob (not expired), or null.</param>
    /// <param name="tombstone">The version of the key's last delete, or <see cref="BlobVersion.None"/>.</param>
    public bool Holds(BlobInfo? current, BlobVersion tombstone = default) => Kind switch
    {
        WriteConditionKind.None => true,
        WriteConditionKind.IfAbsent => current is null,
        WriteConditionKind.IfMatch => current is not null && (ETag == "*" || string.Equals(current.ETag, ETag, StringComparison.Ordinal)),
        WriteConditionKind.IfOlder => (current is null || current.Version < Version) && tombstone < Version,
        _ => throw new InvalidOperationException($"Unknown condition {Kind}."),
    };

    /// <summary>For messages and logs.</summary>
    public override string ToString() => Kind switch
    {
        WriteConditionKind.IfMatch => $"IfMatch({ETag})",
        WriteConditionKind.IfOlder => $"IfOlder({Version})",
        _ => Kind.ToString(),
    };
}
