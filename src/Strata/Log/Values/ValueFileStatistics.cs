namespace Strata;

/// <summary>What the files of large values hold, at a moment.</summary>
internal sealed record ValueFileStatistics
{
    /// <summary>Files that hold values; those that are written now among them.</summary>
    public int Files { get; init; }

    /// <summary>Bytes of the values in them.</summary>
    public long Bytes { get; init; }

    /// <summary>Bytes that all files have on the disk: those that hold values, those that wait for their last reader or for their removal, spares.</summary>
    public long AllocatedBytes { get; init; }

    /// <summary>Files that wait to be recycled.</summary>
    public int Spares { get; init; }

    public long SpareBytes { get; init; }

    /// <summary>Files that nothing refers to any more, and somebody still reads.</summary>
    public int Retired { get; init; }

    /// <summary>Files that were recycled instead of created, and those that had to be created.</summary>
    public long Recycled { get; init; }

    public long Created { get; init; }

    /// <summary>Files that the log refers to and that were not there at the opening.</summary>
    public int Missing { get; init; }

    /// <summary>The last failure to remove a file, or null. The file is removed at the next opening.</summary>
    public string? LastBackgroundError { get; init; }
}
