namespace Strata.Cli;

/// <summary>What became of one file or blob of a copy.</summary>
internal enum CopyStatus
{
    /// <summary>It was copied.</summary>
    Copied,

    /// <summary>It was there already, and equal.</summary>
    Equal,

    /// <summary>It would be copied (<c>--dry-run</c>).</summary>
    Planned,

    /// <summary>It was left out on purpose, such as a symbolic link.</summary>
    Skipped,

    /// <summary>It was not copied; the error says why.</summary>
    Failed,
}
