using Strata.Server;

namespace Strata.Cli;

/// <summary>The tiers of one store, opened here or through the server that owns it: what the commands of <c>strata tier</c> do, and see.</summary>
/// <remarks>What <see cref="ITiering"/> and <see cref="ITierUpkeep"/> promise holds; their snapshots are asked for, as a server may be far away.</remarks>
internal abstract class TierControl
{
    /// <summary>The tiers of the store that an address names.</summary>
    public static async ValueTask<TierControl> OpenAsync(Run run, Address address, CancellationToken cancellationToken)
    {
        IBlobStore store = await run.Stores.OpenAsync(address, StoreUse.Reading, cancellationToken);
        return store is ServedBlobStore served ? served.Tiers : new OpenedTiers(address.Place, store);
    }

    /// <summary>Figures of the tiers, of runs and of moves; of a store without tiers those of its only one.</summary>
    public abstract ValueTask<TieringWire> LookAsync(CancellationToken cancellationToken);

    /// <inheritdoc cref="ITiering.RunTieringAsync"/>
    public abstract ValueTask<TieringReport> RunAsync(TieringRun run, IProgress<TieringProgress> progress, CancellationToken cancellationToken);

    /// <inheritdoc cref="ITiering.ExplainAsync"/>
    public abstract ValueTask<TierExplanation?> ExplainAsync(BlobKey key, CancellationToken cancellationToken);

    /// <inheritdoc cref="ITiering.PromoteAsync"/>
    public abstract ValueTask<MoveStatus> PromoteAsync(BlobKey key, string? tier, CancellationToken cancellationToken);

    /// <inheritdoc cref="ITiering.DemoteAsync"/>
    public abstract ValueTask<MoveStatus> DemoteAsync(BlobKey key, string? tier, bool keepInSource, CancellationToken cancellationToken);

    /// <inheritdoc cref="ITiering.PinAsync"/>
    public abstract ValueTask<MoveStatus> PinAsync(BlobKey key, string tier, CancellationToken cancellationToken);

    /// <inheritdoc cref="ITiering.UnpinAsync"/>
    public abstract ValueTask<bool> UnpinAsync(BlobKey key, CancellationToken cancellationToken);

    /// <inheritdoc cref="ITiering.GetPins"/>
    public abstract ValueTask<IReadOnlyList<TierPin>> PinsAsync(CancellationToken cancellationToken);

    /// <inheritdoc cref="ITierUpkeep.BootstrapTierAsync"/>
    public abstract ValueTask<BootstrapResult> BootstrapAsync(string tier, BootstrapOptions options, IProgress<UpkeepProgress> progress, CancellationToken cancellationToken);

    /// <inheritdoc cref="ITierUpkeep.ClearTierAsync"/>
    public abstract ValueTask<ClearTierResult> ClearAsync(string tier, IProgress<UpkeepProgress> progress, CancellationToken cancellationToken);

    /// <inheritdoc cref="ITierUpkeep.InvalidateAsync"/>
    public abstract ValueTask<InvalidateResult> InvalidateAsync(BlobKey key, CancellationToken cancellationToken);

    /// <summary>Drops the copies of all keys that begin with a text; an empty one is all.</summary>
    public abstract ValueTask<InvalidateResult> InvalidateAsync(string prefix, IProgress<UpkeepProgress> progress, CancellationToken cancellationToken);

    /// <inheritdoc cref="ITierUpkeep.ScrubAsync"/>
    public abstract ValueTask<ScrubReport> ScrubAsync(ScrubOptions options, IProgress<UpkeepProgress> progress, CancellationToken cancellationToken);

    /// <inheritdoc cref="ITierUpkeep.ExportMetadataAsync"/>
    public abstract ValueTask<MetadataExport> ExportAsync(Stream target, IProgress<UpkeepProgress> progress, CancellationToken cancellationToken);

    /// <inheritdoc cref="ITierUpkeep.ImportMetadataAsync"/>
    public abstract ValueTask<MetadataImport> ImportAsync(Stream source, ImportMetadataOptions options, IProgress<UpkeepProgress> progress, CancellationToken cancellationToken);
}
