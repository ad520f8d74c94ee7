using System.Diagnostics.Metrics;

namespace Strata;

/// <summary>All configured stores of a data folder, open.</summary>
public sealed class StoreCatalog : IAsyncDisposable
{
    private readonly Dictionary<string, IBlobStore> _stores = [];
    private readonly Meter _meter;

    private StoreCatalog(DataFolder folder, StoreContext context)
    {
        Folder = folder;
        _meter = new Meter(context.Meter.Name);
    }

    /// <summary>The folder that they live in; this process owns it.</summary>
    public DataFolder Folder { get; }

    /// <summary>The stores by name.</summary>
    public IReadOnlyDictionary<string, IBlobStore> Stores => _stores;

    /// <summary>Takes the data folder and opens the stores. If one fails, all are closed again.</summary>
    /// <exception cref="StrataConfigurationException">A setting is wrong; the message names it.</exception>
    /// <exception cref="StorageException">A store cannot be opened, or another process owns the folder (kind Owned).</exception>
    public static async ValueTask<StoreCatalog> OpenAsync(
        StrataSettings settings, StoreUrlRegistry? urls = null, StoreContext? context = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(settings);
        context ??= StoreContext.Default;
        var catalog = new StoreCatalog(DataFolder.Own(settings.Data), context);
        try
        {
            foreach (StoreSettings store in settings.Stores.Values)
                catalog._stores.Add(store.Name, await OpenStoreAsync(store, urls ?? new StoreUrlRegistry(), context, cancellationToken).ConfigureAwait(false));
            TierMetrics.Register(catalog._meter, catalog._stores);
            return catalog;
        }
        catch
        {
            await catalog.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Closes the stores and gives the folder free.</summary>
    public async ValueTask DisposeAsync()
    {
        _meter.Dispose();
        foreach (IBlobStore store in _stores.Values) await store.DisposeAsync().ConfigureAwait(false);
        Folder.Dispose();
    }

    private static async ValueTask<IBlobStore> OpenStoreAsync(StoreSettings store, StoreUrlRegistry urls, StoreContext context, CancellationToken cancellationToken)
    {
        TieredStoreBuilder builder = new TieredStoreBuilder().WithUrls(urls).WithContext(context).WithOptions(store.Tiering with { Name = store.Name });
        foreach (TierSettings tier in store.Tiers) builder.AddTier(tier);
        try
        {
            return await builder.OpenAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (ArgumentException e)
        {
            throw new StrataConfigurationException(store.Setting, e.Message, e);
        }
    }
}
