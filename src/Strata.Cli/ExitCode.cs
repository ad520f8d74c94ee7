namespace Strata.Cli;

/// <summary>What the process answers to its caller.</summary>
internal static class ExitCode
{
    /// <summary>All done.</summary>
    public const int Done = 0;

    /// <summary>Some or all of it failed.</summary>
    public const int Failed = 1;

    /// <summary>The command line or the configuration is wrong; nothing was done.</summary>
    public const int Usage = 2;

    /// <summary>No such blob, store or local file.</summary>
    public const int NotFound = 3;

    /// <summary>A condition (<c>--if-absent</c>, <c>--if-match</c>) did not hold; nothing was changed.</summary>
    public const int ConditionFailed = 4;

    /// <summary>The store cannot be reached or opened, or another process owns its folder.</summary>
    public const int Unavailable = 5;

    /// <summary>Ctrl-C.</summary>
    public const int Cancelled = 130;

    /// <summary>The paragraph that every help text ends with.</summary>
    public const string Help =
        """
        Exit codes:
          0  all done                          4    a condition did not hold
          1  some or all failed                5    store unavailable, or its folder is owned
          2  wrong usage or configuration      130  cancelled
          3  blob, store or file not found
        """;
}
