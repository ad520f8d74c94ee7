namespace Strata;

/// <summary>Changes at the origin of which nobody knows whether they came through, or will (CONSISTENCY 5).</summary>
public sealed record DoubtStatus
{
    /// <summary>Keys in doubt now: they are read at the origin alone, and no tier above it gets a copy.</summary>
    public int Keys { get; init; }

    /// <summary>True if a restart finds them again, because there is a database for the store's state.</summary>
    public bool IsDurable { get; init; }

    /// <summary>Times, since the store was opened, that an older change came through behind a later one, and the later one was made again.</summary>
    public long Repeated { get; init; }

    /// <summary>Times that this could not be done, because the bytes of the later write were not kept: what the origin holds then counts.</summary>
    public long Lost { get; init; }

    /// <summary>Why a key could not be cleared up, or its row not be written, the last time that this was so; else null.</summary>
    public string? LastError { get; init; }
}
