using System.CommandLine;

namespace Strata.Cli;

/// <summary><c>strata rm</c></summary>
internal sealed class RemoveCommand : StrataCommand
{
    private const int BatchKeys = 1000;

    private readonly Argument<string> _target = new("STORE/KEY") { Description = "The blob, or with -r the folder." };
    private readonly Option<bool> _recursive = new("--recursive", "-r") { Description = "Everything below KEY/; asks first." };
    private readonly Option<bool> _yes = new("--yes", "-y") { Description = "Do not ask." };

    public RemoveCommand()
        : base("rm", "Delete a blob, or with -r all blobs of a folder.", "strata rm main/photos/1.jpg", "strata rm -r main/photos", "strata rm -r --yes main/demo", "strata rm -r s3://my-bucket/old")
    {
        Add(_target);
        Add(_recursive);
        Add(_yes);
    }

    public override string Notes =>
        """
        With --json, a line a key: {"key","status":"Deleted|Missing|Failed","error"}; -r ends with {"deleted","missing","failed"}.
        """;

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        Address target = run.AddressOf(_target);
        if (run.Parsed.GetValue(_recursive)) return await RemoveFolderAsync(run, target, cancellationToken);
        BlobKey key = target.RequireKey();
        IBlobStore store = await run.Stores.OpenAsync(target, StoreUse.Writing, cancellationToken);
        DeleteResult result = await store.DeleteAsync(key, default, cancellationToken);
        if (result.Status == DeleteStatus.Missing) throw await Reading.MissingAsync(store, target, cancellationToken);
        run.Report.Result($"deleted {target.Text}", new RemovedLine(key.Value, result.Status, null), JsonLines.Context.RemovedLine);
        return ExitCode.Done;
    }

    private async Task<int> RemoveFolderAsync(Run run, Address target, CancellationToken cancellationToken)
    {
        string prefix = target.Key is "" || target.Key.EndsWith('/') ? target.Key : target.Key + "/";
        IBlobStore store = await run.Stores.OpenAsync(target, StoreUse.Writing, cancellationToken);
        if (!run.Parsed.GetValue(_yes)) Confirm(target);
        long deleted = 0, missing = 0, failed = 0;
        var request = new ListRequest { Prefix = prefix, Limit = BatchKeys, Exact = false };
        do
        {
            ListPage page = await store.ListPageAsync(request, cancellationToken);
            DeleteManyResult result = await store.DeleteManyAsync([.. page.Items.Select(i => i.Key)], cancellationToken);
            foreach (DeleteOutcome outcome in result.Outcomes)
            {
                if (outcome.Status == DeleteStatus.Deleted) deleted++;
                else if (outcome.Status == DeleteStatus.Missing) missing++;
                else failed++;
                if (outcome.Error is { } error) Report.Error($"'{outcome.Key}' was not deleted: {Fault.Of(error).Message}");
                if (run.Report.IsJson) run.Report.Json(new RemovedLine(outcome.Key.Value, outcome.Status, outcome.Error?.Message), JsonLines.Context.RemovedLine);
            }

            request = request with { Token = page.Token };
        }
        while (request.Token is not null);

        if (deleted + missing + failed == 0) throw CliException.NotFound($"There are no blobs below '{target.Text}'.");
        run.Report.Result(
            $"deleted {Columns.Count(deleted)} blobs below {target.Text}" + (failed > 0 ? $", {Columns.Count(failed)} failed" : ""),
            new RemovedSummary(deleted, missing, failed),
            JsonLines.Context.RemovedSummary);
        return failed > 0 ? ExitCode.Failed : ExitCode.Done;
    }

    private static void Confirm(Address target)
    {
        if (Console.IsInputRedirected) throw CliException.Usage($"Deleting all below '{target.Text}' needs a yes: add --yes.");
        Console.Error.Write($"Delete all blobs below '{target.Text}'? [y/N] ");
        if (Console.ReadLine()?.Trim() is not ("y" or "Y" or "yes")) throw new CliException(ExitCode.Cancelled, "Nothing was deleted.");
    }
}
