namespace Strata;

/// <content>Upkeep: copies dropped, made and checked, blobs deleted everywhere, metadata out and in.</content>
public sealed partial class TieredBlobStore
{
    private const int DeletePageKeys = 256;

    /// <summary>How much a blob is used, for what is to be filled first; null: by the time of modification.</summary>
    internal Func<BlobKey, double>? ScoreOf { get; set; }

    /// <summary>The tier that a blob is pinned to, or null, for exports.</summary>
    internal Func<BlobKey, string?> PinOf { get; set; }

    private UpkeepParts Upkeep => new()
    {
        Store = _options.Name, Upper = _upper, Origin = _origin, Fences = _fences, Trust = _trust, Doubts = _doubts, Events = _events, Clock = _clock,
        ScoreOf = ScoreOf, PinOf = PinOf, StopSharing = StopSharing, AtOrigin = (fence, write) => AtOriginAsync(fence, PendingChanges.Write, write),
    };

    /// <inheritdoc/>
    public async ValueTask<InvalidateResult> InvalidateAsync(BlobKey key, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(key, "invalidate", cancellationToken);
        return await new CopyRemoval(Upkeep).InvalidateAsync(key, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask<InvalidateResult> InvalidatePrefixAsync(string prefix, IProgress<UpkeepProgress>? progress = null, CancellationToken cancellationToken = default) =>
        InvalidateAsync(Prefix(prefix, nameof(InvalidateAllAsync)), progress, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<InvalidateResult> InvalidateAllAsync(IProgress<UpkeepProgress>? progress = null, CancellationToken cancellationToken = default) =>
        InvalidateAsync("", progress, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<DeleteEverywhereResult> DeleteEverywhereAsync(BlobKey key, CancellationToken cancellationToken = default)
    {
        DeleteResult result = await DeleteAsync(key, WriteCondition.None, cancellationToken).ConfigureAwait(false);
        return new DeleteEverywhereResult { Deleted = result.Status == DeleteStatus.Deleted ? 1 : 0 };
    }

    /// <inheritdoc/>
    public ValueTask<DeleteEverywhereResult> DeletePrefixEverywhereAsync(string prefix, IProgress<UpkeepProgress>? progress = null, CancellationToken cancellationToken = default) =>
        DeleteEverywhereAsync(Prefix(prefix, nameof(DeleteAllEverywhereAsync)), progress, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<DeleteEverywhereResult> DeleteAllEverywhereAsync(IProgress<UpkeepProgress>? progress = null, CancellationToken cancellationToken = default) =>
        DeleteEverywhereAsync("", progress, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<ClearTierResult> ClearTierAsync(string tier, IProgress<UpkeepProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        UpkeepParts parts = Upkeep;
        UpperTier cleared = parts.FindUpper(tier, $"To delete them, use {nameof(DeleteAllEverywhereAsync)}.");
        using OperationGate.Pass pass = Enter("clear");
        return await new CopyRemoval(parts).ClearAsync(cleared, progress, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<BootstrapResult> BootstrapTierAsync(
        string tier, BootstrapOptions? options = null, IProgress<UpkeepProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var bootstrap = new TierBootstrap(Upkeep, tier, options ?? new BootstrapOptions(), progress);
        using OperationGate.Pass pass = Enter("bootstrap");
        return await bootstrap.RunAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<MetadataExport> ExportMetadataAsync(Stream target, IProgress<UpkeepProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        using OperationGate.Pass pass = Enter("export");
        return await new MetadataExporter(Upkeep, target, progress).RunAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<MetadataImport> ImportMetadataAsync(
        Stream source, ImportMetadataOptions? options = null, IProgress<UpkeepProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        using OperationGate.Pass pass = Enter("import");
        return await new MetadataImporter(Upkeep, this, options ?? new ImportMetadataOptions(), progress).RunAsync(source, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<ScrubReport> ScrubAsync(ScrubOptions? options = null, IProgress<UpkeepProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        options ??= new ScrubOptions();
        options.Check();
        using OperationGate.Pass pass = Enter("scrub");
        return await new TierScrub(Upkeep, options, progress).RunAsync(cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<InvalidateResult> InvalidateAsync(string prefix, IProgress<UpkeepProgress>? progress, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = Enter("invalidate");
        return await new CopyRemoval(Upkeep).InvalidateAsync(prefix, progress, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<DeleteEverywhereResult> DeleteEverywhereAsync(string prefix, IProgress<UpkeepProgress>? progress, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = Enter("delete");
        long examined = 0, deleted = 0, failed = 0, bytes = 0;
        StorageException? first = null;
        var request = new ListRequest { Prefix = prefix, Limit = DeletePageKeys, Exact = false };
        do
        {
            ListPage page = await _origin.ListPageAsync(request, cancellationToken).ConfigureAwait(false);
            if (page.Items.Count > 0)
            {
                DeleteManyResult result = await DeleteManyAsync([.. page.Items.Select(i => i.Key)], cancellationToken).ConfigureAwait(false);
                deleted += result.Deleted;
                failed += result.Outcomes.Count(o => o.Status == DeleteStatus.Failed);
                first ??= result.Outcomes.FirstOrDefault(o => o.Error is not null).Error;
                examined += page.Items.Count;
                bytes += page.Items.Sum(i => i.Length);
                progress?.Report(new UpkeepProgress(examined, deleted, bytes, page.Items[^1].Key.Value));
            }

            request = request with { Token = page.Token };
        }
        while (request.Token is not null);
        InvalidateResult orphans = await new CopyRemoval(Upkeep).InvalidateAsync(prefix, null, cancellationToken).ConfigureAwait(false);
        return new DeleteEverywhereResult { Deleted = deleted, Failed = failed, FirstError = first, Orphans = orphans };
    }

    private static string Prefix(string prefix, string forAll)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        return prefix.Length > 0 ? prefix : throw new ArgumentException($"The prefix is empty, which is all keys: if that is meant, call {forAll}.", nameof(prefix));
    }

    /// <summary>A memory tier's copies are compared like any other's from now on: it holds some that nobody could look at.</summary>
    private void StopSharing(UpperTier tier)
    {
        tier.StopSharing();
        if (tier == _first) _shared = null;
    }
}
