using System.CommandLine;
using Strata.Server;

namespace Strata.Cli;

/// <summary><c>strata access revoke</c></summary>
internal sealed class AccessRevokeCommand : StrataCommand
{
    private readonly Argument<string[]> _ids = new("ID") { Description = "The keys.", Arity = ArgumentArity.OneOrMore };

    public AccessRevokeCommand()
        : base("revoke", "Revoke access keys: from the next request on they open nothing.", "strata access revoke STRATA2VUIY2BTVEE4XK") =>
        Add(_ids);

    public override string Notes =>
        """
        Needs no sealing key. When the last key is gone, the server goes on asking for one.
        With --json, a line a key: {"id","status":"Revoked|Missing|Configured","message"}.
        """;

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        await using AccessKeySet keys = AccessKeySet.Open(run.Options, mayCreate: false);
        int code = ExitCode.Done;
        foreach (string id in run.Parsed.GetRequiredValue(_ids).Distinct(StringComparer.Ordinal))
        {
            AccessKeyRevocation status = await keys.RevokeAsync(id, cancellationToken);
            var line = RevokedAccessKeyWire.Of(id, status);
            if (run.Report.IsJson) run.Report.Json(line, AccessWire.Context.RevokedAccessKeyWire);
            else if (line.Message is null) run.Report.Text($"revoked {id}");
            if (line.Message is { } message) Report.Error(message);
            if (status != AccessKeyRevocation.Revoked && code != ExitCode.Failed) code = status == AccessKeyRevocation.Missing ? ExitCode.NotFound : ExitCode.Failed;
        }

        return code;
    }
}
