namespace Strata;

/// <summary>The facet by which a person keeps a tiered store in order: copies dropped, made and checked, metadata taken out and in.</summary>
/// <remarks>
/// Reads and writes go on meanwhile. <c>Invalidate…</c> touches nothing but copies above the origin: no blob is lost by it.
/// <c>Delete…Everywhere</c> deletes blobs. A call that is cancelled or fails has done a part; it may be made again.
/// </remarks>
public interface ITierUpkeep
{
    /// <summary>Drops the key's copies: the next read asks the origin, and no fill that began before brings an older copy back.</summary>
    ValueTask<InvalidateResult> InvalidateAsync(BlobKey key, CancellationToken cancellationToken = default);

    /// <summary>Drops the copies of all keys that begin with a text. Cost: a listing of each tier above the origin, and what is dropped.</summary>
    /// <param name="prefix">Ordinal; not empty (<see cref="InvalidateAllAsync"/> is for that).</param>
    /// <param name="progress">Told after each page of keys; null for nobody.</param>
    /// <param name="cancellationToken">Gives up between two pages.</param>
    ValueTask<InvalidateResult> InvalidatePrefixAsync(string prefix, IProgress<UpkeepProgress>? progress = null, CancellationToken cancellationToken = default);

    /// <summary>Drops all copies; what could not be dropped is compared with the origin before it is served.</summary>
    ValueTask<InvalidateResult> InvalidateAllAsync(IProgress<UpkeepProgress>? progress = null, CancellationToken cancellationToken = default);

    /// <summary>Deletes the blob in every tier, the origin included.</summary>
    ValueTask<DeleteEverywhereResult> DeleteEverywhereAsync(BlobKey key, CancellationToken cancellationToken = default);

    /// <summary>
    /// Deletes, in every tier, the origin included, all blobs whose keys begin with a text. One that is written meanwhile may stay.
    /// </summary>
    /// <param name="prefix">Ordinal; not empty (<see cref="DeleteAllEverywhereAsync"/> is for that).</param>
    /// <param name="progress">Told after each page of keys; null for nobody.</param>
    /// <param name="cancellationToken">Gives up between two pages.</param>
    ValueTask<DeleteEverywhereResult> DeletePrefixEverywhereAsync(string prefix, IProgress<UpkeepProgress>? progress = null, CancellationToken cancellationToken = default);

    /// <summary>Deletes all blobs of the store, in every tier. It cannot be undone.</summary>
    ValueTask<DeleteEverywhereResult> DeleteAllEverywhereAsync(IProgress<UpkeepProgress>? progress = null, CancellationToken cancellationToken = default);

    /// <summary>Empties a tier above the origin. Reads and writes that come meanwhile may leave copies there again.</summary>
    /// <exception cref="ArgumentException">There is no such tier, or it is the origin or a part of it, which holds the blobs themselves.</exception>
    ValueTask<ClearTierResult> ClearTierAsync(string tier, IProgress<UpkeepProgress>? progress = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Fills a tier above the origin from a slower one, the best blobs first: one listing, and memory for as many keys as
    /// <see cref="BootstrapOptions.Limit"/> says. A write or delete meanwhile wins over the copy.
    /// </summary>
    /// <exception cref="ArgumentException">A tier that is not there, or not slower than the one to be filled; an option out of its range.</exception>
    ValueTask<BootstrapResult> BootstrapTierAsync(
        string tier, BootstrapOptions? options = null, IProgress<UpkeepProgress>? progress = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Writes what is known of every blob, without its bytes, as lines of JSON (docs/formats/tier-metadata.md), in bounded memory.
    /// Not one instant: each blob is as it was when its page was listed.
    /// </summary>
    /// <param name="target">Written and flushed, not disposed.</param>
    /// <param name="progress">Told now and then; null for nobody.</param>
    /// <param name="cancellationToken">Gives up; the file then lacks its end, and no import takes it.</param>
    ValueTask<MetadataExport> ExportMetadataAsync(Stream target, IProgress<UpkeepProgress>? progress = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Gives blobs that are here the metadata, types and expiry of an export. The whole file is checked before the first change; one that
    /// cannot be read twice is kept in a temporary file meanwhile.
    /// </summary>
    /// <param name="source">Read from where it stands to its end, not disposed.</param>
    /// <param name="options">Settings.</param>
    /// <param name="progress">Told now and then; null for nobody.</param>
    /// <param name="cancellationToken">Gives up; a second import finds what the first one did as unchanged.</param>
    /// <exception cref="StorageException">Of kind Corrupt: the file is cut, damaged or no export, and nothing was changed; of kind Unsupported: a later version wrote it.</exception>
    ValueTask<MetadataImport> ImportMetadataAsync(
        Stream source, ImportMetadataOptions? options = null, IProgress<UpkeepProgress>? progress = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Compares every copy above the origin with the origin and, where asked, all bytes with their checksums; drops or makes again what
    /// is wrong. A damaged blob at the origin is written again from a copy of the same write whose bytes have the right checksum.
    /// </summary>
    /// <exception cref="StorageException">The origin failed. Go on behind the last key that <paramref name="progress"/> was told of.</exception>
    ValueTask<ScrubReport> ScrubAsync(ScrubOptions? options = null, IProgress<UpkeepProgress>? progress = null, CancellationToken cancellationToken = default);
}
