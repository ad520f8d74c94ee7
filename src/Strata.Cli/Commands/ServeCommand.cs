using System.CommandLine;
using System.Net.Sockets;
using Strata.Server;

namespace Strata.Cli;

/// <summary><c>strata serve</c></summary>
internal sealed class ServeCommand : StrataCommand
{
    // Metadata travels in a header of the blob API; at its limit and in the worst spelling it has some 64 KiB.
    private const int MaxHeaderBytes = 256 * 1024;

    private readonly Option<string> _listen = new("--listen")
    {
        Description = "Where to listen; only on loopback. Port 0 takes a free one.", HelpName = "HOST:PORT", DefaultValueFactory = _ => "127.0.0.1:9000",
    };

    private readonly Option<string?> _demo = new("--demo")
    {
        Description = "Fill the store main with a folder's files (default: the .NET SDK's) and read them, to see the tiers at work.",
        HelpName = "FOLDER",
        Arity = ArgumentArity.ZeroOrOne,
    };

    public ServeCommand()
        : base(
            "serve",
            "Serve a data folder: S3, a page to watch it, and the other commands of this tool.",
            "strata serve",
            "strata serve --data ./data --listen 127.0.0.1:9000",
            "strata serve --demo",
            "strata serve --config strata.json --demo ./photos")
    {
        Add(_listen);
        Add(_demo);
    }

    public override string Notes =>
        """
        Stops on Ctrl-C or SIGTERM, once requests under way have finished.
        With --json, a line each: {"event":"ready","address","data"}, {"event":"demo","message"}, {"event":"stopped"}.
        """;

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        string? demoFolder = run.Parsed.GetResult(_demo) is null ? null : run.Parsed.GetValue(_demo) ?? DemoFolder.Default();
        if (demoFolder is not null && !Directory.Exists(demoFolder)) throw CliException.NotFound($"There is no folder '{demoFolder}' (--demo).");
        StrataSettings settings = run.Options.ReadSettings();
        if (demoFolder is not null && run.Options.HasNoStores()) settings = DemoFolder.WithSmallTiers(settings);
        if (DataFolder.FindOwner(settings.Data) is { } owner) throw Owned(settings.Data, owner);

        await using StoreCatalog catalog = await StoreCatalog.OpenAsync(settings, run.Stores.Urls, null, cancellationToken);
        await using StrataServer server = await StartAsync(catalog, run.Parsed.GetRequiredValue(_listen), cancellationToken);
        catalog.Folder.Announce(server.Address);
        Greet(run.Report, server.Address, catalog);
        await ServeAsync(run.Report, catalog, demoFolder, cancellationToken);
        run.Report.Result("Stopping: requests under way are finishing.", new ServeLine("stopped"), JsonLines.Context.ServeLine);
        run.Report.Flush();
        return ExitCode.Done;
    }

    private static async Task<StrataServer> StartAsync(StoreCatalog catalog, string listen, CancellationToken cancellationToken)
    {
        try
        {
            return await StrataServer.StartAsync(catalog.Stores, new StrataServerOptions { Listen = listen, MaxHeaderBytes = MaxHeaderBytes }, null, cancellationToken);
        }
        catch (StrataConfigurationException e) when (e.InnerException is IOException or SocketException)
        {
            // The address is well formed, but cannot be had: somebody else has the port.
            throw new CliException(ExitCode.Unavailable, $"{e.Message} Choose another with --listen.", e);
        }
    }

    private static CliException Owned(string data, DataFolderOwner owner) => new(
        ExitCode.Unavailable,
        $"The data folder '{data}' is owned by process {owner.ProcessId}" + (owner.Address is null ? "." : $", which serves it at {owner.Address}.")
        + " Stop that process, or name another folder with --data.");

    /// <summary>Runs until the command is cancelled, which is how a server ends well.</summary>
    private static async Task ServeAsync(Report report, StoreCatalog catalog, string? demoFolder, CancellationToken cancellationToken)
    {
        try
        {
            if (demoFolder is not null) await new Demo(report, catalog, demoFolder).RunAsync(cancellationToken);
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Ctrl-C or SIGTERM.
        }
    }

    private static void Greet(Report report, Uri address, StoreCatalog catalog)
    {
        string at = address.ToString().TrimEnd('/'), data = catalog.Folder.Path, store = catalog.Stores.Keys.Order(StringComparer.Ordinal).First();
        string option = data == "./data" ? "" : $" --data {data}";
        report.Result(
            $"""
            Strata is ready at {at} (data in {data})

              in a browser:   {at}/
              this tool:      strata put FILE {store}/KEY{option}
                              strata ls -l {store}{option}
              curl:           curl -T FILE {at}/{store}/KEY
              aws:            aws --no-sign-request --endpoint-url {at} s3 ls s3://{store}
              s3cmd:          s3cmd --access_key=any --secret_key=any --host={address.Authority} --host-bucket={address.Authority} --no-ssl --disable-multipart ls s3://{store}

            Ctrl-C stops it.
            """,
            new ServeLine("ready", at, data),
            JsonLines.Context.ServeLine);
        report.Flush();
    }
}
