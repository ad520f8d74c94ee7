namespace Strata;

/// <summary>What a KV database holds and has done since it was opened.</summary>
public sealed record KvStatistics
{
    /// <summary>Entries held, expired ones that are not yet removed included.</summary>
    public long Entries { get; init; }

    /// <summary>Bytes of keys and values, with what each takes besides.</summary>
    public long Bytes { get; init; }

    /// <summary>Memory of the index of keys, bytes; null for a database without one.</summary>
    public long? IndexBytes { get; init; }

    /// <summary>Bytes of all its files on the medium, garbage and spares included; null for a database without files of its own.</summary>
    public long? FileBytes { get; init; }

    /// <summary>What is wrong with the database at this moment, as a sentence for whoever runs it; null while all is well.</summary>
    public string? Fault { get; init; }

    /// <summary>Entries removed because they had expired.</summary>
    public long Expirations { get; init; }

    /// <summary>Watches under way.</summary>
    public int Watches { get; init; }

    /// <summary>
    /// The last commit, so that who shows the database knows whether anything was written since; <see cref="Versionstamp.None"/>:
    /// there was none. What has expired since is no commit. After a crash it may be one that never was.
    /// </summary>
    public Versionstamp LastCommit { get; init; }
}
