using System.CommandLine;

namespace Strata.Cli;

/// <summary><c>strata kv enqueue</c></summary>
internal sealed class KvEnqueueCommand : StrataCommand
{
    private readonly Argument<string> _value = new("VALUE") { Description = "The message, as JSON." };
    private readonly Option<string?> _database = KvSource.Option();
    private readonly Option<string> _queue = new("--queue") { Description = "The queue's name (default: the one without a name).", HelpName = "NAME", DefaultValueFactory = _ => "" };
    private readonly Option<string?> _delay = new("--delay") { Description = "Not delivered before: 90s, 15m, 12h, 30d.", HelpName = "DURATION" };

    public KvEnqueueCommand()
        : base("enqueue", "Put a message into a queue.", "strata kv enqueue '{\"mail\":\"ann\"}'", "strata kv enqueue 1 --queue jobs --delay 15m")
    {
        Add(_value);
        Add(_database);
        Add(_queue);
        Add(_delay);
    }

    public override string Notes => "With --json: {\"versionstamp\"}.";

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        var value = new KvValue(KvText.FromJson(run.Parsed.GetRequiredValue(_value)).ToBytes(), KvEncoding.V8);
        TimeSpan delay = run.Parsed.GetValue(_delay) is { } text ? Times.Duration(text, "--delay") : TimeSpan.Zero;
        await using KvSource source = await KvSource.OpenAsync(run, run.Parsed.GetValue(_database), forWriting: true, cancellationToken);
        CommitResult result = await new KvQueue(source.Database, run.Parsed.GetRequiredValue(_queue)).EnqueueAsync(value, new EnqueueOptions { Delay = delay }, cancellationToken);
        run.Report.Result(result.Versionstamp.ToString(), new KvDoneLine(result.Versionstamp.ToString()), JsonLines.Context.KvDoneLine);
        return ExitCode.Done;
    }
}
