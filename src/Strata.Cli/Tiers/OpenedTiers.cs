using Strata.Server;

namespace Strata.Cli;

/// <summary>The tiers of a store that this process has opened.</summary>
internal sealed class OpenedTiers(string name, IBlobStore store) : TierControl
{
    private ITiering Tiering => store.TryGetFacet(out ITiering? facet) ? facet : throw TieringEndpoints.WithoutTiers(store);

    private ITierUpkeep Upkeep => store.TryGetFacet(out ITierUpkeep? facet) ? facet : throw TieringEndpoints.WithoutTiers(store);

    public override ValueTask<TieringWire> LookAsync(CancellationToken cancellationToken) => new(TieringWire.From(name, store));

    public override ValueTask<TieringReport> RunAsync(TieringRun run, IProgress<TieringProgress> progress, CancellationToken cancellationToken) =>
        Tiering.RunTieringAsync(run, progress, cancellationToken);

    public override ValueTask<TierExplanation?> ExplainAsync(BlobKey key, CancellationToken cancellationToken) => Tiering.ExplainAsync(key, cancellationToken);

    public override ValueTask<MoveStatus> PromoteAsync(BlobKey key, string? tier, CancellationToken cancellationToken) => Tiering.PromoteAsync(key, tier, cancellationToken);

    public override ValueTask<MoveStatus> DemoteAsync(BlobKey key, string? tier, bool keepInSource, CancellationToken cancellationToken) =>
        Tiering.DemoteAsync(key, tier, keepInSource, cancellationToken);

    public override ValueTask<MoveStatus> PinAsync(BlobKey key, string tier, CancellationToken cancellationToken) => Tiering.PinAsync(key, tier, cancellationToken);

    public override ValueTask<bool> UnpinAsync(BlobKey key, CancellationToken cancellationToken) => Tiering.UnpinAsync(key, cancellationToken);

    public override ValueTask<IReadOnlyList<TierPin>> PinsAsync(CancellationToken cancellationToken) => new(Tiering.GetPins());

    public override ValueTask<BootstrapResult> BootstrapAsync(string tier, BootstrapOptions options, IProgress<UpkeepProgress> progress, CancellationToken cancellationToken) =>
        Upkeep.BootstrapTierAsync(tier, options, progress, cancellationToken);

    public override ValueTask<ClearTierResult> ClearAsync(string tier, IProgress<UpkeepProgress> progress, CancellationToken cancellationToken) =>
        Upkeep.ClearTierAsync(tier, progress, cancellationToken);

    public override ValueTask<InvalidateResult> InvalidateAsync(BlobKey key, CancellationToken cancellationToken) => Upkeep.InvalidateAsync(key, cancellationToken);

    public override ValueTask<InvalidateResult> InvalidateAsync(string prefix, IProgress<UpkeepProgress> progress, CancellationToken cancellationToken) =>
        prefix.Length == 0 ? Upkeep.InvalidateAllAsync(progress, cancellationToken) : Upkeep.InvalidatePrefixAsync(prefix, progress, cancellationToken);

    public override ValueTask<ScrubReport> ScrubAsync(ScrubOptions options, IProgress<UpkeepProgress> progress, CancellationToken cancellationToken) =>
        Upkeep.ScrubAsync(options, progress, cancellationToken);

    public override ValueTask<MetadataExport> ExportAsync(Stream target, IProgress<UpkeepProgress> progress, CancellationToken cancellationToken) =>
        Upkeep.ExportMetadataAsync(target, progress, cancellationToken);

    public override ValueTask<MetadataImport> ImportAsync(Stream source, ImportMetadataOptions options, IProgress<UpkeepProgress> progress, CancellationToken cancellationToken) =>
        Upkeep.ImportMetadataAsync(source, options, progress, cancellationToken);
}
