namespace Strata.Cli;

/// <summary>What an exception means to the user: one line and an exit code.</summary>
internal readonly record struct Fault(int ExitCode, string Message)
{
    public static Fault Of(Exception e) => e switch
    {
        CliException cli => new(cli.ExitCode, cli.Message),
        StorageException storage => new(CodeOf(storage.Kind), OneLine(storage.Message + BucketAdvice.For(storage) + (storage.Outcome == WriteOutcome.Unknown ? " Whether it was applied is unknown: look with 'strata stat'." : ""))),
        StrataConfigurationException => new(Cli.ExitCode.Usage, OneLine(e.Message)),
        OperationCanceledException => new(Cli.ExitCode.Cancelled, "Cancelled."),
        FileNotFoundException or DirectoryNotFoundException => new(Cli.ExitCode.NotFound, OneLine(e.Message)),
        ArgumentException => new(Cli.ExitCode.Usage, OneLine(WithoutParameter(e))),
        IOException or UnauthorizedAccessException => new(Cli.ExitCode.Failed, OneLine(e.Message)),
        _ => new(Cli.ExitCode.Failed, OneLine($"Unexpected: {e.Message} Set STRATA_DEBUG=1 to see where, and please report it.")),
    };

    private static int CodeOf(StorageErrorKind kind) => kind switch
    {
        StorageErrorKind.Unavailable or StorageErrorKind.Timeout or StorageErrorKind.Owned or StorageErrorKind.Closed or StorageErrorKind.AccessDenied => Cli.ExitCode.Unavailable,
        _ => Cli.ExitCode.Failed,
    };

    private static string WithoutParameter(Exception e) =>
        e is ArgumentException { ParamName: { } name } ? e.Message.Replace($" (Parameter '{name}')", "", StringComparison.Ordinal) : e.Message;

    private static string OneLine(string text) => string.Join(' ', text.Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
}
