namespace Strata;

/// <summary>What a scrub is to look at, and how fast.</summary>
public sealed record ScrubOptions
{
    /// <summary>Only keys that begin with this text (ordinal); empty for all.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>Only keys behind this text: where an earlier scrub ended; null for the beginning.</summary>
    public string? After { get; init; }

    /// <summary>The most keys of this call: 1 or more; null (the default) for all.</summary>
    public long? MaxKeys { get; init; }

    /// <summary>True: the bytes of every copy are read and compared with their checksum. Default false: what the tiers say of their copies.</summary>
    public bool ReadBytes { get; init; }

    /// <summary>
    /// True: every blob of the origin is listed and its bytes are read, whether it has copies or not. Default false: the origin is asked
    /// for the blobs alone that have copies, and not for their bytes. Costs a read of all that is stored.
    /// </summary>
    public bool ReadOrigin { get; init; }

    /// <summary>The most payload bytes read a second, 1 or more; null (the default) for as fast as it goes.</summary>
    public long? BytesPerSecond { get; init; }

    /// <summary>True (default): a copy that was wrong is made again; false: it is dropped alone.</summary>
    public bool Remake { get; init; } = true;

    /// <summary>True: what is wrong is told and left as it is.</summary>
    public bool DryRun { get; init; }

    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    internal void Check()
    {
        ArgumentNullException.ThrowIfNull(Prefix);
        if (MaxKeys < 1) throw new ArgumentException($"MaxKeys must be 1 or more; it is {MaxKeys}.");
        if (BytesPerSecond < 1) throw new ArgumentException($"BytesPerSecond must be 1 or more; it is {BytesPerSecond}.");
    }
}
