using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>All stores of a data folder, open: those of the configuration, and buckets that were created at run time; and its KV databases.</summary>
public sealed class StoreCatalog : IAsyncDisposable
{
    private readonly StoreTable _stores = new();
    private readonly StoreUrlRegistry _urls;
    private readonly StoreContext _context;
    private readonly Meter _meter;
    private readonly CreatedBuckets _created;

    private StoreCatalog(StrataSettings settings, StoreUrlRegistry urls, StoreContext context)
    {
        Folder = DataFolder.Own(settings.Data);
        _urls = urls;
        _context = context;
        _meter = new Meter(context.Meter.Name);
        KeyValues = new KvCatalog(settings, urls, context);
        _created = new CreatedBuckets(settings.Buckets, new BucketFolder(settings.Data, context.Loggers.CreateLogger<StoreCatalog>()), _stores, OpenStoreAsync, context);
    }

    /// <summary>The folder that they live in; this process owns it.</summary>
    public DataFolder Folder { get; }

    /// <summary>The stores by name. Buckets come and go in it; reading it meanwhile is safe, and sees one state or the next.</summary>
    public IReadOnlyDictionary<string, IBlobStore> Stores => _stores;

    /// <summary>The KV databases.</summary>
    public KvCatalog KeyValues { get; }

    /// <summary>Takes the data folder and opens the stores. If one fails, all are closed again.</summary>
    /// <exception cref="StrataConfigurationException">A setting is wrong, the address of a KV database among them; the message names it.</exception>
    /// <exception cref="StorageException">
    /// A store cannot be opened, the record of the created buckets is damaged, or another process owns the folder (kind Owned).
    /// </exception>
    public static async ValueTask<StoreCatalog> OpenAsync(
        StrataSettings settings, StoreUrlRegistry? urls = null, StoreContext? context = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(settings);
        urls ??= new StoreUrlRegistry();
        KvCatalog.Check(settings, urls);
        var catalog = new StoreCatalog(settings, urls, context ?? StoreContext.Default);
        try
        {
            foreach (StoreSettings store in settings.Stores.Values)
                catalog._stores.Add(store.Name, await catalog.OpenConfiguredAsync(store, cancellationToken).ConfigureAwait(false));
            await catalog._created.OpenAsync(cancellationToken).ConfigureAwait(false);
            TierMetrics.Register(catalog._meter, catalog._stores, catalog._context.Clock);
            return catalog;
        }
        catch
        {
            await catalog.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Creates a bucket: a store of memory over a folder, which is there again whenever the folder is opened.</summary>
    /// <param name="name">As <see cref="StoreSettings.Name"/>, without <c>..</c> and not like an IPv4 address.</param>
    /// <param name="cancellationToken">Gives up; ignored from the moment that the bucket is recorded.</param>
    /// <exception cref="StorageException">The disk's error; the bucket is not served.</exception>
    public ValueTask<BucketCreation> CreateAsync(string name, CancellationToken cancellationToken = default) => _created.CreateAsync(name, cancellationToken);

    /// <summary>
    /// Deletes a created bucket if it is empty. While it is looked at, what begins in it is refused with kind
    /// <see cref="StorageErrorKind.Changed"/>, so that no write is acknowledged and then lost.
    /// </summary>
    /// <param name="name">The bucket.</param>
    /// <param name="cancellationToken">Gives up; ignored from the moment that the bucket is no longer recorded.</param>
    /// <exception cref="StorageException">The disk's error. The bucket is as it was or, where that is in doubt, out of service until the folder is opened anew.</exception>
    public ValueTask<BucketDeletion> DeleteAsync(string name, CancellationToken cancellationToken = default) => _created.DeleteAsync(name, cancellationToken);

    /// <summary>When a bucket was created; null for a store of the configuration.</summary>
    public DateTimeOffset? CreatedAt(string name) => _created.CreatedAt(name);

    /// <summary>Closes the stores and gives the folder free.</summary>
    public async ValueTask DisposeAsync()
    {
        _meter.Dispose();
        try
        {
            await Owned.DisposeAllAsync([KeyValues, _created, .. _stores.Values]).ConfigureAwait(false);
        }
        finally
        {
            Folder.Dispose();
        }
    }

    private async ValueTask<IBlobStore> OpenConfiguredAsync(StoreSettings store, CancellationToken cancellationToken)
    {
        if (store.Mounts.Count == 0) return await OpenStoreAsync(store, cancellationToken).ConfigureAwait(false);
        var mounts = new List<StoreMount>();
        try
        {
            foreach (MountSettings mount in store.Mounts)
                mounts.Add(new StoreMount { Prefix = mount.Prefix, Store = await OpenStoreAsync(mount.Store, cancellationToken).ConfigureAwait(false) });
            return new RoutedBlobStore(mounts, new RoutingOptions { Name = store.Name });
        }
        catch
        {
            foreach (StoreMount mount in mounts) await mount.Store.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async ValueTask<TieredBlobStore> OpenStoreAsync(StoreSettings store, CancellationToken cancellationToken)
    {
        TieredStoreBuilder builder = new TieredStoreBuilder().WithUrls(_urls).WithContext(_context).WithOptions(store.Tiering with { Name = store.Name });
        foreach (TierSettings tier in store.Tiers) builder.AddTier(tier);
        if (store.State is { } state) builder.WithState(state, $"{store.Setting}:Tiering:State");
        if (store.Tiers.Count > 1) builder.WithSpareState(StoreSettings.FolderUrl(Path.Combine(Folder.Path, "state", store.Name.Replace('/', '@'))));
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
