namespace Strata.Cli;

/// <summary>What became of one file or blob of a copy.</summary>
internal enum CopyStatus
{
    /// <summary>It is there.</summary>
    Copied,

    /// <summary>It was left out on purpose, such as a symbolic link.</summary>
    Skipped,

    /// <summary>It was not copied; the error says why.</summary>
    Failed,
}
