using System.CommandLine;

namespace Strata.Cli;

/// <summary><c>strata log</c>: its commands.</summary>
internal sealed class LogCommand : Command, IExplained
{
    public LogCommand()
        : base("log", "Look into the files of a disk store, verify, compact and repair them.")
    {
        Add(new LogInspectCommand());
        Add(new LogVerifyCommand());
        Add(new LogCompactCommand());
        Add(new LogRepairCommand());
    }

    public IReadOnlyList<string> Examples { get; } =
        ["strata log inspect ./data", "strata log verify ./data", "strata log compact ./data/main/cold", "strata log repair ./data/main/cold ./rescued"];

    public string Notes =>
        """
        A disk that fails gets worse: before anything else copy the folder to another disk, and work on the copy.
        inspect and verify change nothing, and work beside a server. compact and repair need the folder for themselves.
        """;
}
