namespace Strata.Cli;

/// <summary>A failure for the user: one line that says what was wrong, where, and what to do; and the exit code.</summary>
internal sealed class CliException(int exitCode, string message, Exception? inner = null) : Exception(message, inner)
{
    public int ExitCode { get; } = exitCode;

    public static CliException Usage(string message) => new(Cli.ExitCode.Usage, message);

    public static CliException NotFound(string message) => new(Cli.ExitCode.NotFound, message);
}
