namespace Strata.Sqlite;

/// <summary>When a commit is acknowledged.</summary>
public enum SqliteDurability
{
    /// <summary>When it is on the medium: a power cut loses nothing (SQLite's <c>synchronous=FULL</c>).</summary>
    Flush,

    /// <summary>
    /// When the operating system has it: a killed process loses nothing; a power cut may lose the latest commits, whole and
    /// from the end, never the file (SQLite's <c>synchronous=NORMAL</c>). The first commit after an opening is flushed, and no
    /// versionstamp is issued again, not even that of a commit which was lost.
    /// </summary>
    OperatingSystem,
}
