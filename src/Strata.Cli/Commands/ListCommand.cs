using System.CommandLine;
using Strata.Server;

namespace Strata.Cli;

/// <summary><c>strata ls</c></summary>
internal sealed class ListCommand : StrataCommand
{
    private const int Locators = 8;

    private readonly Argument<string?> _source = new("ADDRESS")
    {
        Description = "A store or prefix, or a data folder (./data) for its stores (default: the stores of the data folder).", Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<bool> _long = new("--long", "-l") { Description = "Size, time of the last write and fastest tier of each blob." };
    private readonly Option<bool> _recursive = new("--recursive", "-r") { Description = "All keys below, not folder by folder." };
    private readonly Option<int?> _limit = new("--limit") { Description = "At most this many lines.", HelpName = "COUNT" };

    public ListCommand()
        : base("ls", "List stores, or the blobs of a store.", "strata ls", "strata ls -l main/photos/", "strata ls -r --limit 100 main", "strata ls ./data", "strata ls -l 's3://my-bucket/photos/?endpoint=https://s3.example.com'")
    {
        Add(_source);
        Add(_long);
        Add(_recursive);
        Add(_limit);
    }

    public override string Notes =>
        """
        KEY is a prefix: main/ph lists all that begins with it; a folder's own name lists what is in the folder.
        Of a bucket of S3, lines of text show what its own listing tells, which may hold what has expired; --json asks for
        each blob besides.
        With --json, a line each: {"key","length","etag",…} a blob, {"prefix"} a folder, {"store","tiers":[…]} a store.
        """;

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        string? text = run.Parsed.GetValue(_source);
        int? limit = run.Parsed.GetValue(_limit);
        if (limit < 1) throw CliException.Usage($"--limit takes 1 or more; this is {limit}.");
        if (text is null)
        {
            await ListStoresAsync(run.Report, run.Stores, cancellationToken);
            return ExitCode.Done;
        }

        if (text.StartsWith('.') || Path.IsPathRooted(text))
        {
            await using var folder = new StoreSource(run.Options with { Data = text });
            await ListStoresAsync(run.Report, folder, cancellationToken);
            return ExitCode.Done;
        }

        Address source = Address.OfStore(text, run.Stores.Urls.Prefixes);
        IBlobStore store = await run.Stores.OpenAsync(source, StoreUse.Reading, cancellationToken);
        await ListBlobsAsync(run, store, source, limit ?? int.MaxValue, cancellationToken);
        return ExitCode.Done;
    }

    private static async Task ListStoresAsync(Report report, StoreSource source, CancellationToken cancellationToken)
    {
        StoreSet stores = await source.ConfiguredAsync(mayCreate: false, cancellationToken);
        foreach (StoreLine store in await stores.ListAsync(cancellationToken))
        {
            TierStatistics[] origins = [.. store.Tiers.Where(tier => tier.IsOrigin)];
            string held = origins.All(origin => origin.Blobs is not null) ? $"{Columns.Count(origins.Sum(o => o.Blobs ?? 0)),9} blobs  {ByteSize.Format(origins.Sum(o => o.Bytes ?? 0)),9}" : "";
            report.Result($"{store.Store,-16} {held}  {string.Join(" > ", store.Tiers.Select(t => t.Name))}{FaultsOf(store)}", store, JsonLines.Context.StoreLine);
        }
    }

    private static string FaultsOf(StoreLine store) => string.Concat(store.Tiers.Where(t => t.Fault is not null).Select(t => $"  ! {t.Name}: {t.Fault}"));

    private async Task ListBlobsAsync(Run run, IBlobStore store, Address source, int limit, CancellationToken cancellationToken)
    {
        bool recursive = run.Parsed.GetValue(_recursive), details = run.Parsed.GetValue(_long);
        var request = new ListRequest { Prefix = source.Key, Delimiter = recursive ? null : "/", Limit = Math.Min(limit, 1000), Exact = run.Report.IsJson };
        ListPage page = await store.ListPageAsync(request, cancellationToken);
        if (!recursive && page is { Items: [], Prefixes: [var only], Token: null } && only == source.Key + "/")
        {
            request = request with { Prefix = only };
            page = await store.ListPageAsync(request, cancellationToken);
        }

        while (true)
        {
            if (details) page = page with { Items = await WithTiersAsync(store, source, page.Items, cancellationToken) };
            foreach (object entry in InOrder(page))
            {
                if (limit-- == 0) return;
                if (entry is BlobInfo info) run.Report.Result(Line(info, details), BlobInfoWire.From(info), JsonLines.Context.BlobInfoWire);
                else run.Report.Result(details ? $"{"",9}  {"",19}  {"",-8}  {entry}" : (string)entry, new PrefixLine((string)entry), JsonLines.Context.PrefixLine);
            }

            run.Report.Flush();
            if (page.Token is null) return;
            page = await store.ListPageAsync(request = request with { Token = page.Token }, cancellationToken);
        }
    }

    /// <summary>A listing comes from the origin; which faster tier has a copy is asked blob by blob, some side by side.</summary>
    private static async ValueTask<BlobInfo[]> WithTiersAsync(IBlobStore store, Address source, IReadOnlyList<BlobInfo> items, CancellationToken cancellationToken)
    {
        var located = new BlobInfo[items.Count];
        var options = new ParallelOptions { MaxDegreeOfParallelism = Locators, CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, items.Count, options, async (i, cancel) =>
        {
            IReadOnlyList<string> tiers = source.TiersOf(await Reading.LocateAsync(store, items[i].Key, cancel));
            located[i] = items[i] with { Tier = tiers.Count > 0 ? tiers[0] : null };
        });
        return located;
    }

    private static string Line(BlobInfo info, bool details) =>
        details ? $"{ByteSize.Format(info.Length),9}  {Columns.Time(info.Modified)}  {info.Tier ?? "",-8}  {info.Key}" : info.Key.Value;

    /// <summary>Blobs and folders of a page, merged in key order.</summary>
    private static IEnumerable<object> InOrder(ListPage page)
    {
        int item = 0;
        foreach (string prefix in page.Prefixes)
        {
            for (; item < page.Items.Count && BlobKey.CompareText(page.Items[item].Key.Value, prefix) < 0; item++) yield return page.Items[item];
            yield return prefix;
        }

        for (; item < page.Items.Count; item++) yield return page.Items[item];
    }
}
