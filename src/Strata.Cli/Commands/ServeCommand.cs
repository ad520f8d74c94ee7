using System.CommandLine;
using System.Net.Sockets;
using Strata.Server;

namespace Strata.Cli;

/// <summary><c>strata serve</c></summary>
internal sealed class ServeCommand : StrataCommand
{
    // Metadata travels in a header of the blob API; at its limit and in the worst spelling it has some 64 KiB.
    private const int MaxHeaderBytes = 256 * 1024;

    private readonly Option<string?> _listen = new("--listen")
    {
        Description = "Where to listen (default: the configuration's, else 127.0.0.1:9000); beyond loopback only with access keys, *:PORT for all addresses. Port 0 takes a free one.",
        HelpName = "HOST:PORT",
    };

    private readonly Option<string?> _certificate = new("--tls-cert") { Description = "Serve HTTPS with this certificate, in PEM or PKCS #12; taken anew when it is renewed.", HelpName = "FILE" };
    private readonly Option<string?> _key = new("--tls-key") { Description = "The certificate's private key in PEM, if its own file does not hold it.", HelpName = "FILE" };

    private readonly Option<string[]> _tokens = new("--kv-token") { Description = "A token by which clients of KV Connect, such as Deno, open KV databases, or one of them; may be repeated. Others see a command line: Strata__Server__KvTokens is private.", HelpName = "[DATABASE=]TOKEN" };

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
            "strata serve --listen '*:9000' --tls-cert server.pem --tls-key server.key",
            "strata serve --demo",
            "strata serve --config strata.json --demo ./photos")
    {
        Add(_listen);
        Add(_certificate);
        Add(_key);
        Add(_tokens);
        Add(_demo);
    }

    public override string Notes =>
        """
        Stops on Ctrl-C or SIGTERM, once requests under way have finished.
        Access keys are made with 'strata access create', also while it runs. Strata:Server of the configuration has its limits.
        With --json, a line each: {"event":"ready","address","data"}, {"event":"warning","message"}, {"event":"demo","message"},
        {"event":"stopped"}.
        """;

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        string? demoFolder = run.Parsed.GetResult(_demo) is null ? null : run.Parsed.GetValue(_demo) ?? DemoFolder.Default();
        if (demoFolder is not null && !Directory.Exists(demoFolder)) throw CliException.NotFound($"There is no folder '{demoFolder}' (--demo).");
        StrataSettings settings = run.Options.ReadSettings();
        if (demoFolder is not null && run.Options.HasNoStores()) settings = DemoFolder.WithSmallTiers(settings);
        StrataServerOptions options = OptionsOf(run);
        if (DataFolder.FindOwner(settings.Data) is { } owner) throw Owned(settings.Data, owner);

        await using StoreCatalog catalog = await StoreCatalog.OpenAsync(settings, run.Stores.Urls, null, cancellationToken);
        await using StrataServer server = await StartAsync(catalog, options, cancellationToken);
        Greet(run.Report, server.Address, catalog, options);
        await RemoteOrigins.WarnAsync(run.Report, settings, catalog, cancellationToken);
        await ServeAsync(run.Report, catalog, demoFolder, cancellationToken);
        run.Report.Result("Stopping: requests under way are finishing.", new ServeLine("stopped"), JsonLines.Context.ServeLine);
        run.Report.Flush();
        return ExitCode.Done;
    }

    /// <summary>What the configuration says, and the command line before it.</summary>
    private StrataServerOptions OptionsOf(Run run)
    {
        StrataServerOptions options = run.Options.ReadServerOptions(new StrataServerOptions { MaxHeaderBytes = MaxHeaderBytes });
        string? certificate = run.Parsed.GetValue(_certificate), key = run.Parsed.GetValue(_key);
        if (certificate is null && key is not null) throw CliException.Usage("--tls-key goes with --tls-cert.");
        string[] tokens = run.Parsed.GetValue(_tokens) ?? [];
        return options with
        {
            KvTokens = tokens.Length == 0 ? options.KvTokens : [.. tokens.Select(t => KvToken.TryParse(t, out KvToken? token) ? token : throw CliException.Usage($"--kv-token takes {KvToken.Accepted}."))],
            Listen = run.Parsed.GetValue(_listen) ?? options.Listen,
            Tls = certificate is null ? options.Tls : new TlsOptions { Certificate = certificate, Key = key, Password = options.Tls?.Password },
        };
    }

    private static async Task<StrataServer> StartAsync(StoreCatalog catalog, StrataServerOptions options, CancellationToken cancellationToken)
    {
        try
        {
            return await StrataServer.StartAsync(catalog, options, null, cancellationToken);
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

    private static void Greet(Report report, Uri address, StoreCatalog catalog, StrataServerOptions options)
    {
        string at = address.ToString().TrimEnd('/'), data = catalog.Folder.Path, store = catalog.Stores.Keys.Order(StringComparer.Ordinal).First();
        string option = data == "./data" ? "" : $" --data {data}";
        bool isSigned = options.Access.IsRequired, isBeyond = !ListenAddress.Parse(options.Listen).IsLoopback;
        IReadOnlyList<string> clients = isSigned
            ? ["export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…", .. ClientLines.Signed(address, store)]
            : ClientLines.Open(address, store);
        report.Result(
            $"""
            Strata is ready at {at} (data in {data}){(isBeyond ? $", for other machines too ({options.Listen})" : "")}

              in a browser:   {at}/
              this tool:      strata put FILE {store}/KEY{option}
                              strata ls -l {store}{option}
              S3 clients:     {string.Join("\n                  ", clients)}
              access keys:    {(isSigned ? $"{options.Access.Keys.Count}; strata access list{option}" : $"none, nobody is asked for one; strata access create --admin{option}")}

            Ctrl-C stops it.
            """,
            new ServeLine("ready", at, data),
            JsonLines.Context.ServeLine);
        if (isBeyond && options.Tls is null)
        {
            const string Open = "Other machines reach this server without TLS: whoever is on the way reads what is sent. Give it a certificate with --tls-cert, or put a proxy with TLS before it.";
            report.Result($"\nWarning: {Open}", new ServeLine("warning", Message: Open), JsonLines.Context.ServeLine);
        }

        report.Flush();
    }
}
