namespace Strata;

/// <content>KV databases: a scheme may open both, a store and a database.</content>
public sealed partial class StoreUrlRegistry
{
    /// <summary>The environment variable whose address is opened where none is given for a KV database.</summary>
    public const string KvEnvironmentVariable = "STRATA_KV_URL";

    private readonly SortedDictionary<string, KvDatabaseOpener> _kvOpeners = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The registered prefixes of KV databases, in order.</summary>
    public IReadOnlyList<string> KvPrefixes => [.. _kvOpeners.Keys];

    /// <summary>
    /// Registers an opener of KV databases for addresses that begin with a prefix; the longest one wins, a later one
    /// replaces an equal one. Who registers <c>file:</c> says what plain paths open.
    /// </summary>
    /// <param name="prefix">A scheme with its colon (<c>sqlite:</c>), or more of an address (<c>https://kv.example/</c>).</param>
    /// <param name="opener">Opens the database.</param>
    public void RegisterKv(string prefix, KvDatabaseOpener opener)
    {
        ArgumentNullException.ThrowIfNull(opener);
        CheckPrefix(prefix);
        _kvOpeners[prefix] = opener;
    }

    /// <summary>Opens a KV database.</summary>
    /// <param name="url">Its address; null for that of the environment variable <c>STRATA_KV_URL</c>.</param>
    /// <param name="context">Clock, loggers, buffers.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="StrataConfigurationException">The address is malformed, its scheme unknown, or an option wrong.</exception>
    /// <exception cref="StorageException">The database cannot be opened.</exception>
    public ValueTask<IKvDatabase> OpenKvAsync(string? url = null, StoreContext? context = null, CancellationToken cancellationToken = default)
    {
        string address = url ?? FromEnvironment(KvEnvironmentVariable, KvPrefixes);
        string setting = url is null ? KvEnvironmentVariable : "URL";
        return OpenKvAsync(setting, address, new KvOpening { Name = StoreUrl.SchemeOf(address) ?? "file", Context = context ?? StoreContext.Default }, cancellationToken);
    }

    /// <summary>Opens a KV database by a setting.</summary>
    /// <param name="setting">The setting that holds the address, for messages.</param>
    /// <param name="url">Its address.</param>
    /// <param name="opening">Its name.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="StrataConfigurationException">The address is malformed, its scheme unknown, or an option wrong.</exception>
    /// <exception cref="StorageException">The database cannot be opened.</exception>
    public ValueTask<IKvDatabase> OpenKvAsync(string setting, string url, KvOpening opening, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(opening);
        return OpenAsync(setting, url, _kvOpeners, (opener, parsed) => opener(parsed, opening, cancellationToken));
    }

    /// <summary>Checks the address of a KV database as far as that goes without opening it.</summary>
    /// <exception cref="StrataConfigurationException">It is malformed, or its scheme unknown; the message says what can be written.</exception>
    internal void CheckKv(string setting, string url) => Find(setting, url, _kvOpeners);

    private static ValueTask<IKvDatabase> OpenMemoryKvAsync(StoreUrl url, KvOpening opening, CancellationToken cancellationToken)
    {
        _ = new StoreUrlOptions(url);
        if (url.Path.Length > 0) throw new FormatException($"has a path ('{url.Path}'), and a memory database has none");
        return new(new MemoryKvDatabase(new MemoryKvDatabaseOptions { Name = opening.Name }, opening.Context));
    }

    private static async ValueTask<IKvDatabase> OpenFileKvAsync(StoreUrl url, KvOpening opening, CancellationToken cancellationToken)
    {
        StoreUrlOptions options = new(url, "durability", "syncInterval", "maxIndexBytes", "mapReads");
        if (url.Path.Length == 0) throw new FormatException("names no folder");
        long? maxIndexBytes = options.Size("maxIndexBytes");
        StoreUrlOptions.AtLeast("maxIndexBytes", maxIndexBytes ?? long.MaxValue, 1 << 20);
        var standard = new DiskKvDatabaseOptions { Path = url.Path };
        return await DiskKvDatabase.OpenAsync(
            standard with
            {
                Name = opening.Name,
                Durability = options.Choice(
                    "durability",
                    DiskDurability.Flush,
                    ("flush", DiskDurability.Flush), ("interval", DiskDurability.Interval), ("system", DiskDurability.OperatingSystem)),
                SyncInterval = options.Time("syncInterval") ?? standard.SyncInterval,
                MaxIndexBytes = maxIndexBytes,
                MapReads = options.Choice("mapReads", standard.MapReads, ("true", true), ("false", false)),
            },
            opening.Context,
            cancellationToken).ConfigureAwait(false);
    }
}
