using Strata.Server;

namespace Strata.Cli;

/// <summary><c>strata access list</c></summary>
internal sealed class AccessListCommand : StrataCommand
{
    public AccessListCommand()
        : base("list", "List the access keys and what they may do; never their secrets.", "strata access list", "strata access list --json")
    {
    }

    public override string Notes => "With --json, a line a key: {\"id\",\"name\",\"grants\":[…],\"created\",\"configured\"}.";

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        await using AccessKeySet keys = AccessKeySet.Open(run.Options, mayCreate: false);
        IReadOnlyList<AccessKeyWire> list = await keys.ListAsync(cancellationToken);
        if (list.Count == 0) run.Report.Note("There are no access keys. Make one with 'strata access create --admin'.");
        int width = list.Select(k => k.Id.Length).DefaultIfEmpty(0).Max();
        foreach (AccessKeyWire key in list) run.Report.Result(Describe(key, width), key, AccessWire.Context.AccessKeyWire);
        return ExitCode.Done;
    }

    private static string Describe(AccessKeyWire key, int width) =>
        $"{key.Id.PadRight(width)}  {(key.Created is { } created ? Columns.Time(created) : "configured"),-19}  {string.Join(' ', key.Grants)}{(key.Name.Length > 0 ? $"  ({key.Name})" : "")}";
}
