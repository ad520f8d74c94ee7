namespace Strata;

/// <summary>Composes a store of mounts: by address, from stores that are open already, or of tiers.</summary>
/// <example><code>
/// await using RoutedBlobStore store = await new RoutedStoreBuilder()
///     .Mount("", "file:./data/rest")
///     .Mount("photos/", new TieredStoreBuilder().AddTier("hot", "memory:").AddTier("cold", "s3://photos"))
///     .Mount("scratch/", "memory:")
///     .OpenAsync();
/// </code></example>
public sealed class RoutedStoreBuilder
{
    private readonly List<(string Prefix, Func<CancellationToken, ValueTask<IBlobStore>> Open)> _mounts = [];
    private StoreUrlRegistry _urls = new();
    private StoreContext _context = StoreContext.Default;
    private RoutingOptions _options = new();

    /// <summary>Mounts a store by its address.</summary>
    public RoutedStoreBuilder Mount(string prefix, string url) => Add(prefix, token =>
        _urls.OpenAsync($"mount '{prefix}'", url, new StoreOpening { Name = $"{_options.Name}/{prefix.TrimEnd('/')}", Context = _context }, token));

    /// <summary>Mounts a store that is open already; the routed store owns it from then on.</summary>
    public RoutedStoreBuilder Mount(string prefix, IBlobStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        return Add(prefix, _ => new(store));
    }

    /// <summary>Mounts a store of tiers, which has its own schemes, context and options.</summary>
    public RoutedStoreBuilder Mount(string prefix, TieredStoreBuilder tiers)
    {
        ArgumentNullException.ThrowIfNull(tiers);
        return Add(prefix, async token => await tiers.OpenAsync(token).ConfigureAwait(false));
    }

    /// <summary>Sets the name.</summary>
    public RoutedStoreBuilder WithOptions(RoutingOptions options)
    {
        _options = options;
        return this;
    }

    /// <summary>Sets which schemes are known.</summary>
    public RoutedStoreBuilder WithUrls(StoreUrlRegistry urls)
    {
        _urls = urls;
        return this;
    }

    /// <summary>Sets clock, loggers and buffers of the stores that are opened by their addresses.</summary>
    public RoutedStoreBuilder WithContext(StoreContext context)
    {
        _context = context;
        return this;
    }

    /// <summary>Opens the stores and composes them. If anything fails, the stores that were reached by then are closed.</summary>
    /// <exception cref="StrataConfigurationException">An address is wrong.</exception>
    /// <exception cref="ArgumentException">The mounts do not fit together; the message names the culprit.</exception>
    /// <exception cref="StorageException">A store cannot be opened.</exception>
    public async ValueTask<RoutedBlobStore> OpenAsync(CancellationToken cancellationToken = default)
    {
        var mounts = new List<StoreMount>();
        try
        {
            foreach ((string prefix, Func<CancellationToken, ValueTask<IBlobStore>> open) in _mounts)
                mounts.Add(new StoreMount { Prefix = prefix, Store = await open(cancellationToken).ConfigureAwait(false) });
            return new RoutedBlobStore(mounts, _options);
        }
        catch
        {
            foreach (IBlobStore store in mounts.Select(mount => mount.Store).Distinct()) await store.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private RoutedStoreBuilder Add(string prefix, Func<CancellationToken, ValueTask<IBlobStore>> open)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        _mounts.Add((prefix, open));
        return this;
    }
}
