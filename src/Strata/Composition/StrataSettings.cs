using Microsoft.Extensions.Configuration;

namespace Strata;

/// <summary>The configuration of the stores: the section <c>Strata</c>, whose groups <c>Server</c> and <c>Access</c> are the server's to read.</summary>
public sealed record StrataSettings
{
    /// <summary>The data folder. Default <c>./data</c>.</summary>
    public string Data { get; init; } = "./data";

    /// <summary>The stores by name. Without any there is <c>main</c>: memory over two folders below <see cref="Data"/>.</summary>
    public IReadOnlyDictionary<string, StoreSettings> Stores { get; init; } = new Dictionary<string, StoreSettings>();

    /// <summary>The stores that are made and removed at run time.</summary>
    public BucketSettings Buckets { get; init; } = new();

    /// <summary>Addresses of KV databases by name, besides those below the folder <c>kv</c> of <see cref="Data"/>.</summary>
    public IReadOnlyDictionary<string, string> Kv { get; init; } = new Dictionary<string, string>();

    /// <summary>Reads and checks the section <c>Strata</c>. Unknown settings are errors, so that a mistyped one is never ignored.</summary>
    /// <param name="configuration">The root of the configuration.</param>
    /// <param name="data">The data folder, where a command line gives it; it wins.</param>
    /// <exception cref="StrataConfigurationException">A setting is wrong; the message names it and says what it takes.</exception>
    public static StrataSettings Read(IConfiguration configuration, string? data = null)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var section = new SettingsSection(configuration.GetSection("Strata"), "Data", "Stores", "Buckets", "Kv", "Server", "Access");
        string folder = data ?? section.Text("Data") ?? "./data";
        Dictionary<string, StoreSettings> stores = section.Children("Stores").ToDictionary(s => s.Key, s => StoreSettings.Read(s, folder), StringComparer.Ordinal);
        BucketSettings buckets = BucketSettings.Read(configuration.GetSection("Strata:Buckets"), hasStores: stores.Count > 0);
        if (stores.Count == 0) stores["main"] = StoreSettings.Default("main", folder);
        return new StrataSettings { Data = folder, Stores = stores, Buckets = buckets, Kv = section.Children("Kv").ToDictionary(d => d.Key, UrlOf, StringComparer.Ordinal) };
    }

    private static string UrlOf(IConfigurationSection database)
    {
        if (!KvCatalog.IsName(database.Key)) throw new StrataConfigurationException(database.Path, "names a database that cannot have this name: 3 to 63 of a-z, 0-9, '.' and '-', beginning and ending with a letter or digit.");
        return database.Value is { Length: > 0 } url ? url : throw new StrataConfigurationException(database.Path, "takes the address of a KV database, such as file:./data/app.");
    }
}
