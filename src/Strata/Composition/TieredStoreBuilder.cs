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
    private IKvDatabase? _state;
    private (string Setting, string Url)? _stateUrl;
    private string? _spareState;

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

    /// <summary>Sets where the store keeps what must outlive the process: a database that is open already, owned by the tiered store from then on.</summary>
    public TieredStoreBuilder WithState(IKvDatabase state)
    {
        (_state, _stateUrl) = (state, null);
        return this;
    }

    /// <summary>
    /// Sets where the store keeps what must outlive the process, by the address of a KV database that is its own. Without it those
    /// are rows of the first durable tier that can hold some, origin first.
    /// </summary>
    /// <param name="url">The address.</param>
    /// <param name="setting">The setting that holds it, for messages.</param>
    public TieredStoreBuilder WithState(string url, string setting = "State")
    {
        (_state, _stateUrl) = (null, (setting, url));
        return this;
    }

    /// <summary>Sets where the state goes if nothing else is set and the origin cannot hold it: rather than into a tier of copies, which need not flush.</summary>
    internal TieredStoreBuilder WithSpareState(string url)
    {
        _spareState = url;
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
        IKvDatabase? state = _state;
        bool isExclusive = _options.Containment == Containment.Exclusive;
        try
        {
            bool isBack = _options.Writes == TieringWrites.Back;
            for (int i = 0; i < _tiers.Count; i++)
            {
                bool isOrigin = isExclusive ? !ExclusiveTiers.IsVolatile(_tiers[i].Url) : i == _tiers.Count - 1;
                tiers.Add(await OpenTierAsync(_tiers[i], isOrigin, isCommitPoint: isBack && i == _tiers.Count - 2, cancellationToken).ConfigureAwait(false));
            }

            if (_spareState is { } spare && _state is null && _stateUrl is null && !isBack && !(isExclusive ? ExclusiveTiers.HaveRows(tiers) : TieredBlobStore.HasRows(tiers[^1]))) _stateUrl = ("Data", spare);
            if (_stateUrl is var (setting, url))
                state = await _urls.OpenKvAsync(setting, url, new KvOpening { Name = $"{_options.Name} state", Context = _context }, cancellationToken).ConfigureAwait(false);
            if (!isExclusive) await ExclusiveTiers.LeaveAsync(tiers, _options, _context, state, cancellationToken).ConfigureAwait(false);
            else state = await ExclusiveTiers.ComposeAsync(tiers, _options, _context, state, cancellationToken).ConfigureAwait(false);
            return await TieredBlobStore.OpenAsync(tiers, _options, _context, state, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            if (state is not null) await state.DisposeAsync().ConfigureAwait(false);
            foreach (Tier tier in tiers) await tier.Store.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async ValueTask<Tier> OpenTierAsync(TierSettings tier, bool isOrigin, bool isCommitPoint, CancellationToken cancellationToken)
    {
        if (_open.TryGetValue(tier.Name, out IBlobStore? store)) return new Tier { Name = tier.Name, Store = store, MaxBlobBytes = tier.MaxBlobBytes, SoftTimeout = tier.SoftTimeout, HardTimeout = tier.HardTimeout };
        var opening = new StoreOpening
        {
            Name = tier.Name, IsCopy = !isOrigin, IsCommitPoint = isCommitPoint, MaxBytes = tier.MaxBytes, MaxBlobBytes = isOrigin ? null : tier.MaxBlobBytes, Context = _context,
        };
        store = await _urls.OpenAsync(tier.Setting, tier.Url, opening, cancellationToken).ConfigureAwait(false);

        // One blob must not push out most of a tier.
        return new Tier { Name = tier.Name, Store = store, MaxBlobBytes = tier.MaxBlobBytes ?? tier.MaxBytes / 8, SoftTimeout = tier.SoftTimeout, HardTimeout = tier.HardTimeout };
    }
}
