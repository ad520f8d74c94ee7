using Microsoft.Extensions.Configuration;
using Strata.Azure;
using Strata.S3;
using Strata.Server;
using Strata.Sqlite;

namespace Strata.Cli;

/// <summary>Opens what addresses name, once each, and closes all of it at the end of the command.</summary>
internal sealed class StoreSource(StoreSourceOptions options) : IAsyncDisposable
{
    private readonly Dictionary<string, IBlobStore> _byUrl = [];
    private StoreSet? _configured;

    /// <summary>URL schemes that open a store or a KV database, for every command: what one opens, the server does too.</summary>
    public StoreUrlRegistry Urls { get; } = Schemes();

    /// <summary>The store that an address points into.</summary>
    /// <remarks>Of one command all addresses of a store have one use, or no conditions.</remarks>
    public async ValueTask<IBlobStore> OpenAsync(Address address, StoreUse use, CancellationToken cancellationToken)
    {
        if (address.Kind == AddressKind.Store) return await (await ConfiguredAsync(use != StoreUse.Reading, cancellationToken)).OpenAsync(address.Container, cancellationToken);
        if (!_byUrl.TryGetValue(address.Container, out IBlobStore? store))
        {
            string name = address.Kind == AddressKind.Bucket ? address.Place : StoreUrl.SchemeOf(address.Container)!;
            string url = use == StoreUse.WritingUnderConditions ? address.Container : BucketOptions.WithoutTrying(address.Container);
            _byUrl[address.Container] = store = await Urls.OpenAsync("address", url, new StoreOpening { Name = name }, cancellationToken);
        }

        return store;
    }

    /// <summary>The stores of the data folder.</summary>
    /// <param name="mayCreate">False: a folder that is not there is an error, not a new, empty one.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask<StoreSet> ConfiguredAsync(bool mayCreate, CancellationToken cancellationToken)
    {
        if (_configured is not null) return _configured;
        StrataSettings settings = options.ReadSettings();
        if (!Directory.Exists(settings.Data))
        {
            if (File.Exists(settings.Data)) throw new CliException(ExitCode.Unavailable, $"'{settings.Data}' is a file, not a data folder. Name another with --data.");
            if (!mayCreate) throw CliException.NotFound($"There is no data folder '{settings.Data}'. Name one with --data or STRATA_DATA, or make one with 'strata put' or 'strata serve'.");
        }
        else if (DataFolder.FindOwner(settings.Data) is { } owner)
        {
            return _configured = FolderServer.Of(owner, settings.Data);
        }

        return _configured = new OpenedStores(await StoreCatalog.OpenAsync(settings, Urls, null, cancellationToken));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (IBlobStore store in _byUrl.Values) await store.DisposeAsync();
        if (_configured is not null) await _configured.DisposeAsync();
    }

    private static StoreUrlRegistry Schemes()
    {
        var urls = new StoreUrlRegistry();
        urls.RegisterSqlite();
        urls.RegisterS3();
        urls.RegisterAzure();
        urls.RegisterKv("http:", KvSource.OpenRemoteAsync);
        urls.RegisterKv("https:", KvSource.OpenRemoteAsync);
        return urls;
    }
}

/// <summary>Where the configuration comes from.</summary>
/// <param name="Data">The data folder that the command line names, or null.</param>
/// <param name="ConfigFile">A JSON file with the section Strata, or null.</param>
internal sealed record StoreSourceOptions(string? Data, string? ConfigFile)
{
    private const string DataVariable = "STRATA_DATA";

    /// <summary>The file, then environment variables <c>Strata__…</c>; <c>--data</c> before <c>STRATA_DATA</c> before both.</summary>
    /// <exception cref="CliException">The file is missing or no JSON.</exception>
    /// <exception cref="StrataConfigurationException">A setting is wrong; the message names its path.</exception>
    public StrataSettings ReadSettings() => StrataSettings.Read(ReadConfiguration(), NamedFolder);

    /// <summary>The server's options, from the same places.</summary>
    /// <param name="defaults">What holds where nothing is set.</param>
    /// <exception cref="CliException">The file is missing or no JSON.</exception>
    /// <exception cref="StrataConfigurationException">A setting is wrong; the message names its path.</exception>
    public StrataServerOptions ReadServerOptions(StrataServerOptions? defaults = null) => StrataServerOptions.Read(ReadConfiguration(), defaults);

    /// <summary>True if no store is configured, so that there is only the default one.</summary>
    public bool HasNoStores() => !ReadConfiguration().GetSection("Strata:Stores").GetChildren().Any();

    /// <summary>The folder that the user named, or null.</summary>
    private string? NamedFolder => Data ?? (Environment.GetEnvironmentVariable(DataVariable) is { Length: > 0 } named ? named : null);

    private IConfigurationRoot ReadConfiguration()
    {
        var builder = new ConfigurationBuilder();
        if (ConfigFile is not null)
        {
            if (!File.Exists(ConfigFile)) throw CliException.NotFound($"There is no configuration file '{ConfigFile}' (--config).");
            builder.AddJsonFile(Path.GetFullPath(ConfigFile), optional: false, reloadOnChange: false);
        }

        builder.AddEnvironmentVariables();
        try
        {
            return builder.Build();
        }
        catch (InvalidDataException e)
        {
            throw CliException.Usage($"The configuration file '{ConfigFile}' cannot be read: {(e.InnerException ?? e).Message}");
        }
    }
}
