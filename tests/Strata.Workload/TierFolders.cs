namespace Strata.Workload;

/// <summary>A store of two folders as tiers, opened over and over with nothing but its settings, and the folders one by one.</summary>
internal sealed class TierFolders : IAsyncDisposable
{
    public const string Warm = "warm", Cold = "cold";

    /// <summary>The name of a write-back store's outbox.</summary>
    private const string Outbox = "write-back";
    private readonly DiskBlobStore _warm;

    private TierFolders(TieredBlobStore store, DiskBlobStore warm) => (Store, _warm) = (store, warm);

    /// <summary>All tiers as one.</summary>
    public TieredBlobStore Store { get; }

    public ITiering Tiering => Store.TryGetFacet(out ITiering? tiering) ? tiering : throw new InvalidOperationException("the store moves nothing");

    public static async Task<TierFolders> OpenAsync(WorkloadSettings settings)
    {
        DiskBlobStore warm = await OpenFolderAsync(settings, Warm);
        bool isBack = settings.Layers == StoreLayers.WriteBack;
        var options = new TieringOptions
        {
            Writes = isBack ? TieringWrites.Back : TieringWrites.Through,
            Containment = isBack ? Containment.Inclusive : Containment.Exclusive,

            // What its process asked of a folder does not outlive it.
            RequestLife = TimeSpan.Zero,

            // What is not read five times within ten seconds goes down at once, and what is goes up.
            Policy = new TieringPolicy { HotFor = TimeSpan.Zero, WarmFor = TimeSpan.Zero, AccessWindow = TimeSpan.FromSeconds(10) },
        };
        TieredBlobStore store = await new TieredStoreBuilder().WithOptions(options).AddTier(Warm, warm).AddTier(Cold, await OpenFolderAsync(settings, Cold)).OpenAsync();
        return new TierFolders(store, warm);
    }

    /// <summary>One of the folders by itself, while the store is closed.</summary>
    public static async Task<DiskBlobStore> OpenFolderAsync(WorkloadSettings settings, string tier) =>
        await DiskBlobStore.OpenAsync(settings.Store with { Name = tier, Path = Path.Combine(settings.Folder, tier) });

    /// <summary>What is not finished: rows of the outbox, dead letters included, or of the journal.</summary>
    public async Task<string> UnfinishedAsync()
    {
        IReadOnlyList<PlacementIntent> journal = await new PlacementIndex(_warm.Rows, new TieringOptions().Name, TimeProvider.System).ReadJournalAsync(CancellationToken.None);
        OutboxStatus sending = await new Outbox(_warm.Rows, new OutboxOptions { Name = Outbox }).GetStatusAsync();
        return sending.Pending + sending.Dead + journal.Count == 0 ? "" : $"{sending.Pending} intents pend, {sending.Leased} of them leased and {sending.Failed} failed, {sending.Dead} are dead, {journal.Count} keys are in the journal; {(Store.TryGetFacet(out IWriteBack? back) ? back.GetStatus().LastError : "")}";
    }

    public ValueTask DisposeAsync() => Store.DisposeAsync();
}
