using System.CommandLine;
using System.Net.Security;
using System.Security.Cryptography;
using Strata.KvConnect;
using Strata.Server;

namespace Strata.Cli;

/// <summary>The KV database that a command names: by its address, or by its name in the data folder, which is worked on directly or through the server that owns it.</summary>
internal sealed class KvSource : IAsyncDisposable
{
    /// <summary>The database that is meant where none is named.</summary>
    public const string StandardName = "default";

    private const string TokenVariable = "STRATA_KV_TOKEN", DenoTokenVariable = "DENO_KV_ACCESS_TOKEN";
    private readonly List<IAsyncDisposable> _closing = [];

    private KvSource(IKvDatabase database) => Database = database;

    public IKvDatabase Database { get; }

    /// <summary>Names the database.</summary>
    public static Option<string?> Option() => new("--db")
    {
        Description = $"A database of the data folder by its name (default: {StandardName}), or an address: sqlite:./app.db, file:./folder, https://kv.example/app.", HelpName = "NAME|URL",
    };

    /// <summary>Opens it.</summary>
    /// <param name="run">The command.</param>
    /// <param name="named">What <see cref="Option"/> says.</param>
    /// <param name="forWriting">False: a database that is not there is an error, not a new, empty one.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async ValueTask<KvSource> OpenAsync(Run run, string? named, bool forWriting, CancellationToken cancellationToken)
    {
        string name = named ?? StandardName;
        if (StoreUrl.SchemeOf(name) is not null || name.Contains('/', StringComparison.Ordinal)) return Owning(await run.Stores.Urls.OpenKvAsync(name, null, cancellationToken));
        if (!KvCatalog.IsName(name)) throw CliException.Usage($"'{name}' cannot name a database: 3 to 63 of a-z, 0-9, '.' and '-', beginning and ending with a letter or digit. An address has a scheme: sqlite:./app.db.");
        StrataSettings settings = run.Options.ReadSettings();
        if (File.Exists(settings.Data)) throw new CliException(ExitCode.Unavailable, $"'{settings.Data}' is a file, not a data folder. Name another with --data.");
        if (!Directory.Exists(settings.Data) && !forWriting) throw CliException.NotFound($"There is no data folder '{settings.Data}'. Name one with --data or STRATA_DATA.");
        if (Directory.Exists(settings.Data) && DataFolder.FindOwner(settings.Data) is { } owner) return await ServedAsync(owner, settings.Data, name, forWriting, cancellationToken);

        DataFolder folder = DataFolder.Own(settings.Data);
        var catalog = new KvCatalog(settings, run.Stores.Urls, StoreContext.Default);
        try
        {
            if (!forWriting) Require(catalog.List(), name, $"the data folder '{settings.Data}'");
            return new KvSource(await catalog.OpenAsync(name, cancellationToken)) { _closing = { catalog, new Given(folder) } };
        }
        catch
        {
            await catalog.DisposeAsync();
            folder.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (IAsyncDisposable closing in _closing) await closing.DisposeAsync();
    }

    /// <summary>Opens a database of a server that speaks KV Connect.</summary>
    public static async ValueTask<IKvDatabase> OpenRemoteAsync(StoreUrl url, KvOpening opening, CancellationToken cancellationToken)
    {
        string token = Environment.GetEnvironmentVariable(TokenVariable) ?? Environment.GetEnvironmentVariable(DenoTokenVariable)
            ?? throw new StrataConfigurationException(TokenVariable, $"is not set, and the database at {url} asks for an access token; it takes the one that {DenoTokenVariable} has elsewhere.");
        return await KvConnectDatabase.OpenAsync(new KvConnectOptions { Url = new Uri($"{url.Scheme}://{url.Path}"), AccessToken = token, Name = opening.Name }, opening.Context, null, cancellationToken);
    }

    private static async ValueTask<KvSource> ServedAsync(DataFolderOwner owner, string folder, string name, bool forWriting, CancellationToken cancellationToken)
    {
        using (ServedConnection connection = FolderServer.Connect(owner, folder))
        {
            if (!forWriting)
            {
                string[] known = await connection.SendAsync(connection.Request(HttpMethod.Get, "kv"), JsonLines.Context.StringArray, WriteOutcome.NotApplied, "list", cancellationToken);
                Require(known, name, $"the server at {owner.Address}");
            }
        }

        var options = new KvConnectOptions { Url = new Uri(owner.Address!, "/_strata/v1/kv/" + name), AccessToken = owner.Token, Name = name, Limits = KvLimits.Embedded };
        return Owning(await KvConnectDatabase.OpenAsync(options, null, HandlerOf(owner, folder), cancellationToken));
    }

    private static SocketsHttpHandler HandlerOf(DataFolderOwner owner, string folder)
    {
        var tls = new SslClientAuthenticationOptions();
        if (owner.Certificates.Count > 0)
        {
            // The folder says which certificate is its server's; it says so anew when that is renewed.
            tls.RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                certificate is not null && Convert.ToHexStringLower(SHA256.HashData(certificate.GetRawCertData())) is var print
                && (owner.Certificates.Contains(print) || DataFolder.FindOwner(folder)?.Certificates.Contains(print) == true);
        }

        return new SocketsHttpHandler { SslOptions = tls, UseProxy = false, AllowAutoRedirect = false };
    }

    private static void Require(IReadOnlyList<string> known, string name, string where)
    {
        if (known.Contains(name)) return;
        string there = known.Count == 0 ? "has none" : $"has {string.Join(", ", known)}";
        throw CliException.NotFound($"There is no KV database '{name}': {where} {there}. 'strata kv set' makes one.");
    }

    private static KvSource Owning(IKvDatabase database) => new(database) { _closing = { database } };

    private sealed class Given(DataFolder folder) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            folder.Dispose();
            return default;
        }
    }
}
