namespace Strata;

/// <summary>What tiering runs have done since the store was opened.</summary>
public sealed record TieringStatus
{
    /// <summary>The most <see cref="Recent"/> reports that are kept.</summary>
    public const int MostRecent = 10;

    /// <summary>Whether a run is under way.</summary>
    public bool IsRunning { get; init; }

    /// <summary>How far that one has come.</summary>
    public TieringProgress Progress { get; init; }

    /// <summary>Runs that came to an end, dry ones not among them.</summary>
    public long Runs { get; init; }

    /// <summary>Runs that ended by an error, or against a tier that is out.</summary>
    public long FailedRuns { get; init; }

    /// <summary>Blobs taken to a faster tier by all runs.</summary>
    public long Promoted { get; init; }

    /// <summary>Blobs taken to a slower tier by all runs.</summary>
    public long Demoted { get; init; }

    /// <summary>Bytes copied by all runs.</summary>
    public long Bytes { get; init; }

    /// <summary>Blobs of which a tier failed, in all runs.</summary>
    public long Failed { get; init; }

    /// <summary>The reports of the runs that came to an end last, at most <see cref="MostRecent"/>, the last one first; dry ones are not among them.</summary>
    public IReadOnlyList<TieringReport> Recent { get; init; } = [];

    /// <summary>The report of the last run that came to an end; null if there was none.</summary>
    public TieringReport? Last => Recent.Count > 0 ? Recent[0] : null;

    /// <summary>The last error's message, of a run, of the rows of uses or of a row of a pin; null once that has succeeded again.</summary>
    public string? LastError { get; init; }

    /// <summary>When the background worker runs next; null if there is none, or one is running.</summary>
    public DateTimeOffset? Next { get; init; }

    /// <summary>Whether uses, what is due and pins outlive a restart.</summary>
    public bool IsDurable { get; init; }

    /// <summary>Figures of the tracker of accesses.</summary>
    public AccessTrackerStatistics Tracker { get; init; }
}
