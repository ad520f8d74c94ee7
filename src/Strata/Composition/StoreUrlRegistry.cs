namespace Strata;

/// <summary>
/// The one place that knows which address opens which store, and which KV database. <c>memory:</c> and <c>file:</c> are
/// registered; packages and users add theirs. An unknown scheme is an error that lists the known ones, never a local
/// folder by surprise.
/// </summary>
public sealed partial class StoreUrlRegistry
{
    /// <summary>The environment variable whose address is opened where none is given.</summary>
    public const string EnvironmentVariable = "STRATA_URL";

    private readonly SortedDictionary<string, BlobStoreOpener> _openers = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>A registry of what needs no package.</summary>
    public StoreUrlRegistry()
    {
        Register("memory:", OpenMemoryAsync);
        Register("file:", OpenFileAsync);
        RegisterKv("memory:", OpenMemoryKvAsync);
        RegisterKv("file:", OpenFileKvAsync);
    }

    /// <summary>The registered prefixes, in order.</summary>
    public IReadOnlyList<string> Prefixes => [.. _openers.Keys];

    /// <summary>Registers an opener for addresses that begin with a prefix; the longest one wins, a later one replaces an equal one.</summary>
    /// <param name="prefix">A scheme with its colon (<c>s3:</c>), or more of an address (<c>s3://archive/</c>).</param>
    /// <param name="opener">Opens the store.</param>
    public void Register(string prefix, BlobStoreOpener opener)
    {
        ArgumentNullException.ThrowIfNull(opener);
        CheckPrefix(prefix);
        _openers[prefix] = opener;
    }

    /// <summary>Opens a store as a store of its own.</summary>
    /// <param name="url">Its address; null for that of the environment variable <c>STRATA_URL</c>.</param>
    /// <param name="context">Clock, loggers, buffers.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    public ValueTask<IBlobStore> OpenAsync(string? url = null, StoreContext? context = null, CancellationToken cancellationToken = default)
    {
        string address = url ?? FromEnvironment(EnvironmentVariable, Prefixes);
        string setting = url is null ? EnvironmentVariable : "URL";
        return OpenAsync(setting, address, new StoreOpening { Name = StoreUrl.SchemeOf(address) ?? "file", Context = context ?? StoreContext.Default }, cancellationToken);
    }

    /// <summary>Opens a store in a role.</summary>
    /// <param name="setting">The setting that holds the address, for messages.</param>
    /// <param name="url">Its address.</param>
    /// <param name="opening">Its name and role.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="StrataConfigurationException">The address is malformed, its scheme unknown, or an option wrong.</exception>
    /// <exception cref="StorageException">The store cannot be opened.</exception>
    public async ValueTask<IBlobStore> OpenAsync(string setting, string url, StoreOpening opening, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(opening);
        return await OpenAsync(setting, url, _openers, (opener, parsed) => opener(parsed, opening, cancellationToken)).ConfigureAwait(false);
    }

    private static async ValueTask<T> OpenAsync<TOpener, T>(string setting, string url, SortedDictionary<string, TOpener> openers, Func<TOpener, StoreUrl, ValueTask<T>> open)
    {
        (string prefix, StoreUrl address) = Find(setting, url, openers);
        try
        {
            return await open(openers[prefix], address).ConfigureAwait(false);
        }
        catch (FormatException e)
        {
            throw Malformed(setting, prefix, e);
        }
    }

    private static (string Prefix, StoreUrl Address) Find<TOpener>(string setting, string url, SortedDictionary<string, TOpener> openers)
    {
        if (string.IsNullOrWhiteSpace(url)) throw new StrataConfigurationException(setting, $"is empty; it takes {Accepted(openers.Keys)}.");
        string full = StoreUrl.SchemeOf(url) is null ? "file:" + url : url;
        string? prefix = openers.Keys.Where(p => full.StartsWith(p, StringComparison.OrdinalIgnoreCase)).MaxBy(p => p.Length);
        if (prefix is null)
        {
            throw new StrataConfigurationException(setting, $"unknown scheme '{StoreUrl.SchemeOf(url)}:'. Known are {string.Join(", ", openers.Keys)} and plain paths "
                + "(for a path that begins so, write ./ before it).");
        }

        try
        {
            return (prefix, StoreUrl.Parse(full));
        }
        catch (FormatException e)
        {
            throw Malformed(setting, prefix, e);
        }
    }

    private static StrataConfigurationException Malformed(string setting, string prefix, FormatException e) => new(setting, $"'{prefix}…' {e.Message}.", e);

    private static void CheckPrefix(string prefix)
    {
        if (StoreUrl.SchemeOf(prefix) is null) throw new ArgumentException($"'{prefix}' does not begin with a scheme and a colon.", nameof(prefix));
    }

    private static string FromEnvironment(string variable, IEnumerable<string> prefixes) =>
        Environment.GetEnvironmentVariable(variable) ?? throw new StrataConfigurationException(variable, $"no address was given and this variable is not set; it takes {Accepted(prefixes)}.");

    private static string Accepted(IEnumerable<string> prefixes) => $"an address that begins with {string.Join(", ", prefixes)} or is a path";

    private static ValueTask<IBlobStore> OpenMemoryAsync(StoreUrl url, StoreOpening opening, CancellationToken cancellationToken)
    {
        StoreUrlOptions options = new(url, "maxBytes", "yieldsToPressure");
        if (url.Path.Length > 0) throw new FormatException($"has a path ('{url.Path}'), and a memory store has none");
        var standard = new MemoryBlobStoreOptions();
        long maxBytes = options.Size("maxBytes") ?? opening.MaxBytes ?? standard.MaxBytes;
        StoreUrlOptions.AtLeast("MaxBytes", maxBytes, 64 << 10);
        bool yields = options.Choice("yieldsToPressure", standard.YieldsToPressure, ("true", true), ("false", false));
        if (yields && !opening.IsCopy) throw new FormatException("has yieldsToPressure=true, and a store that keeps the only copy drops nothing; it is for the tiers above");
        return new(new MemoryBlobStore(
            standard with { Name = opening.Name, MaxBytes = maxBytes, MaxBlobBytes = opening.MaxBlobBytes, Evicts = opening.IsCopy, YieldsToPressure = yields },
            opening.Context));
    }

    private static async ValueTask<IBlobStore> OpenFileAsync(StoreUrl url, StoreOpening opening, CancellationToken cancellationToken)
    {
        StoreUrlOptions options = new(url, "maxBytes", "durability", "syncInterval", "maxIndexBytes", "mapReads", "compactionBytesPerSecond", "uploadExpiry");
        if (url.Path.Length == 0) throw new FormatException("names no folder");
        long? maxBytes = options.Size("maxBytes") ?? opening.MaxBytes, maxIndexBytes = options.Size("maxIndexBytes"), compaction = options.Size("compactionBytesPerSecond");
        StoreUrlOptions.AtLeast("MaxBytes", maxBytes ?? long.MaxValue, 64 << 10);
        StoreUrlOptions.AtLeast("maxIndexBytes", maxIndexBytes ?? long.MaxValue, 1 << 20);
        StoreUrlOptions.AtLeast("compactionBytesPerSecond", compaction ?? long.MaxValue, 1 << 20);
        var standard = new DiskBlobStoreOptions { Path = url.Path };
        return await DiskBlobStore.OpenAsync(
            standard with
            {
                Name = opening.Name,
                MaxBytes = maxBytes,
                Evicts = opening.IsCopy && maxBytes is not null,
                Durability = options.Choice(
                    "durability",
                    opening is { IsCopy: true, IsCommitPoint: false } ? DiskDurability.OperatingSystem : DiskDurability.Flush,
                    ("flush", DiskDurability.Flush), ("interval", DiskDurability.Interval), ("system", DiskDurability.OperatingSystem)),
                SyncInterval = options.Time("syncInterval") ?? standard.SyncInterval,
                MaxIndexBytes = maxIndexBytes,
                MapReads = options.Choice("mapReads", standard.MapReads, ("true", true), ("false", false)),
                CompactionBytesPerSecond = compaction ?? standard.CompactionBytesPerSecond,
                UploadExpiry = options.Time("uploadExpiry") ?? standard.UploadExpiry,
            },
            opening.Context,
            cancellationToken).ConfigureAwait(false);
    }
}
