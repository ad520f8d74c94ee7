using System.CommandLine;
using System.CommandLine.Parsing;

namespace Strata.Cli;

/// <summary>What all commands share: examples in their help, and one way to fail.</summary>
internal abstract class StrataCommand : Command, IExplained
{
    private const string DebugVariable = "STRATA_DEBUG";

    protected StrataCommand(string name, string description, params IReadOnlyList<string> examples)
        : base(name, description)
    {
        Examples = examples;
        SetAction(InvokeAsync);
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Examples { get; }

    /// <inheritdoc/>
    public virtual string Notes => "";

    /// <summary>A command as the user writes it, such as <c>strata access list</c>.</summary>
    public static string LineOf(Command command) =>
        command is RootCommand ? "strata" : $"{command.Parents.OfType<Command>().Select(LineOf).FirstOrDefault("strata")} {command.Name}";

    /// <summary>Reports a failure and returns its exit code.</summary>
    public static int Fail(Report report, Fault fault)
    {
        try
        {
            if (report.IsJson) report.Json(new FaultLine(new FaultBody(fault.Message, fault.ExitCode)), JsonLines.Context.FaultLine);
            report.Flush();
        }
        catch (IOException)
        {
            // Standard output takes nothing more; standard error says why.
        }

        Report.Error(fault.Message);
        return fault.ExitCode;
    }

    protected abstract Task<int> RunAsync(Run run, CancellationToken cancellationToken);

    /// <summary>The parser takes a mistyped option for an argument; nothing is named so by chance.</summary>
    private void RefuseUnknownOptions(CommandResult command)
    {
        foreach (ArgumentResult argument in command.Children.OfType<ArgumentResult>())
        {
            if (argument.Tokens.FirstOrDefault(t => t.Value.Length > 1 && t.Value[0] == '-') is { } option)
                throw CliException.Usage($"'{option.Value}' is no option of '{Name}'. A file of that name is ./{option.Value}. See '{LineOf(this)} --help'.");
        }
    }

    private async Task<int> InvokeAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        using var report = new Report(parsed.GetValue(Tool.Json));
        var options = new StoreSourceOptions(parsed.GetValue(Tool.Data), parsed.GetValue(Tool.Config));
        try
        {
            RefuseUnknownOptions(parsed.CommandResult);
            await using var stores = new StoreSource(options);
            int code = await RunAsync(new Run(parsed, report, stores, options), cancellationToken);
            report.Flush();
            return code;
        }
        catch (Exception e)
        {
            if (Environment.GetEnvironmentVariable(DebugVariable) == "1") await Console.Error.WriteLineAsync(e.ToString());
            return Fail(report, cancellationToken.IsCancellationRequested ? Fault.Of(new OperationCanceledException()) : Fault.Of(e));
        }
    }
}

/// <summary>One run of a command.</summary>
internal sealed record Run(ParseResult Parsed, Report Report, StoreSource Stores, StoreSourceOptions Options)
{
    /// <summary>An address of a store.</summary>
    public Address AddressOf(Argument<string> argument) => Address.OfStore(Parsed.GetRequiredValue(argument), Stores.Urls.Prefixes);
}
