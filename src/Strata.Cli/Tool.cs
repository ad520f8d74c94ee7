using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Strata.Cli;

/// <summary>The command line of Strata, from arguments to exit code.</summary>
internal static class Tool
{
    /// <summary>The data folder of this run.</summary>
    public static readonly Option<string?> Data = new("--data")
    {
        Description = "The data folder (default: $STRATA_DATA, else the configuration's, else ./data).", HelpName = "DIR", Recursive = true,
    };

    /// <summary>The configuration of this run.</summary>
    public static readonly Option<string?> Config = new("--config")
    {
        Description = "A JSON file with the section Strata. Environment variables Strata__… come before it.", HelpName = "FILE", Recursive = true,
    };

    /// <summary>Output for machines.</summary>
    public static readonly Option<bool> Json = new("--json")
    {
        Description = "Write one JSON document, or JSON lines for lists, to standard output.", Recursive = true,
    };

    /// <summary>Runs the tool.</summary>
    public static async Task<int> RunAsync(string[] args, CancellationToken cancellationToken)
    {
        RootCommand root = Build();

        // '@name' is a key like any other, not a file with more arguments.
        ParseResult parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Action is ParseErrorAction || (parsed.Errors.Count > 0 && parsed.Action is not HelpWithExamples))
            return WrongUsage(parsed, args.Contains("--json", StringComparer.Ordinal));
        var invocation = new InvocationConfiguration { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false };
        return await parsed.InvokeAsync(invocation, cancellationToken);
    }

    private static RootCommand Build()
    {
        var root = new RootCommand("Tiered storage: blobs in memory over disk over object stores, from the command line.")
        {
            Data, Config, Json,
            new PutCommand(), new GetCommand(), new CatCommand(), new ListCommand(), new StatCommand(), new RemoveCommand(), new CopyCommand(), new PresignCommand(), new SweepCommand(),
            new TierCommand(), new ServeCommand(), new AccessCommand(), new KvCommand(), new LogCommand(), new CompletionCommand(),
        };
        foreach (Option option in root.Options)
            if (option is HelpOption { Action: HelpAction help }) option.Action = new HelpWithExamples(help);
        return root;
    }

    private static int WrongUsage(ParseResult parsed, bool json)
    {
        Command command = parsed.CommandResult.Command;
        string name = StrataCommand.LineOf(command);
        IEnumerable<string> messages = parsed.Errors.Select(e => e.Message).Distinct(StringComparer.Ordinal);

        // A word that is no command is told last, and says all there is to say.
        string faults = command is RootCommand or AccessCommand or KvCommand or LogCommand or TierCommand ? messages.Last() : string.Join(' ', messages);
        using var report = new Report(json);
        return StrataCommand.Fail(report, new Fault(ExitCode.Usage, $"{faults} See '{name} --help'."));
    }
}
