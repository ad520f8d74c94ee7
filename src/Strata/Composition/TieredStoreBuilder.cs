namespace Strata;

/// <summary>Composes a tiered store from addresses or from stores that are open already, fastest first.</summary>
/// <example><code>
/// await using TieredBlobStore store = await new TieredStoreBuilder()
///     .AddTier("hot", "memory:?maxBytes=256MiB")
///     .AddTier("cold", "file:./archive")
///     .OpenAsync();
/// </code></example>
public sealed class TieredStoreBuilder
{
    private readonly List<TierSettings> _tiers = [];
    private readonly Dictionary<string, IBlobStore> _open = [];
    private StoreUrlRegistry _urls = new();
    private StoreContext _context = StoreContext.Default;
    private TieringOptions _options = new();

    /// <summary>Adds a tier by its address.</summary>
    public TieredStoreBuilder AddTier(string name, string url, long? maxBytes = null, long? maxBlobBytes = null) =>
        AddTier(new TierSettings { Name = name, Url = url, Setting = $"tier '{name}'", MaxBytes = maxBytes, MaxBlobBytes = maxBlobBytes });

    /// <summary>Adds a tier by its settings.</summary>
    public TieredStoreBuilder AddTier(TierSettings tier)
    {
        _tiers.Add(tier);
        return this;
    }

    /// <summary>Adds a store that is open already; the tiered store owns it from then on.</summary>
    public TieredStoreBuilder AddTier(string name, IBlobStore store, long? maxBlobBytes = null)
    {
        ArgumentNullException.ThrowIfNull(store);
        if (!_open.TryAdd(name, store)) throw new ArgumentException($"Two tiers are named '{name}'; names must differ.", nameof(name));
        return AddTier(new TierSettings { Name = name, Url = "", MaxBlobBytes = maxBlobBytes });
    }

    /// <summary>Sets how copies come and go.</summary>
    public TieredStoreBuilder WithOptions(TieringOptions options)
    {
        _options = options;
        return this;
    }

    /// <summary>Sets which schemes are known.</summary>
    public TieredStoreBuilder WithUrls(StoreUrlRegistry urls)
    {
        _urls = urls;
        return this;
    }

    /// <summary>Sets clock, loggers and buffers.</summary>
    public TieredStoreBuilder WithContext(StoreContext context)
    {
        _context = context;
        return this;
    }

    /// <summary>Opens the tiers, checks that they fit together, and composes them. If anything fails, what was opened is closed.</summary>
    /// <exception cref="StrataConfigurationException">An address is wrong.</exception>
    /// <exception cref="ArgumentException">The tiers do not fit together; the message names the culprit and the fix.</exception>
    /// <exception cref="StorageException">A store cannot be opened.</exception>
    public async ValueTask<TieredBlobStore> OpenAsync(CancellationToken cancellationToken = default)
    {
        var tiers = new List<Tier>();
        try
        {
            for (int i = 0; i < _tiers.Count; i++) tiers.Add(await OpenTierAsync(_tiers[i], isOrigin: i == _tiers.Count - 1, cancellationToken).ConfigureAwait(false));
            return new TieredBlobStore(tiers, _options, _context);
        }
        catch
        {
            foreach (Tier tier in tiers) await tier.Store.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async ValueTask<Tier> OpenTierAsync(TierSettings tier, bool isOrigin, CancellationToken cancellationToken)
    {
        if (_open.TryGetValue(tier.Name, out IBlobStore? store)) return new Tier { Name = tier.Name, Store = store, MaxBlobBytes = tier.MaxBlobBytes };
        var opening = new StoreOpening
        {
            Name = tier.Name, IsCopy = !isOrigin, MaxBytes = tier.MaxBytes, MaxBlobBytes = isOrigin ? null : tier.MaxBlobBytes, Context = _context,
        };
        store = await _urls.OpenAsync(tier.Setting, tier.Url, opening, cancellationToken).ConfigureAwait(false);

        // One blob must not push out most of a tier.
        return new Tier { Name = tier.Name, Store = store, MaxBlobBytes = tier.MaxBlobBytes ?? tier.MaxBytes / 8 };
    }
}
