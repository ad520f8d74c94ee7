namespace Strata;

/// <summary>
/// Uploads of one blob in parts, which may come in any order, side by side, from several connections and across restarts
/// of the store: a facet of <see cref="IBlobStore"/>, there where <see cref="StoreCapabilities.MultipartUploads"/> says so.
/// </summary>
/// <remarks>
/// <para>Nothing of an upload is visible as a blob before <see cref="CompleteAsync"/>, whose commit point is that of the
/// store's writes: atomic, and under a condition if one is given. A part is kept when its writer's commit returns; a store
/// that outlives its process keeps uploads as well.</para>
/// <para>An upload that nobody touched for the store's upload expiry is removed with its parts. All members are safe for
/// concurrent use; an upload that does not exist (any more) is an answer, not an exception.</para>
/// </remarks>
public interface IMultipartUploads
{
    /// <summary>The greatest number of a part, and of parts in an upload: 10,000, as in S3.</summary>
    const int MaxParts = 10_000;

    /// <summary>Begins an upload.</summary>
    /// <param name="key">Where the blob will be.</param>
    /// <param name="options">Types, metadata and expiry of the blob; a condition, an ETag, a checksum and a copy's
    /// identity are told at the completion or not at all.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException">The options hold what is not allowed here, or are out of range.</exception>
    ValueTask<MultipartUpload> CreateAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>The upload, or null if there is none of this key and identity.</summary>
    ValueTask<MultipartUpload?> FindAsync(BlobKey key, string uploadId, CancellationToken cancellationToken = default);

    /// <summary>
    /// Begins to write a part; null if there is no such upload. At the writer's commit the part replaces an older one of
    /// its number, atomically; the commit's status is <see cref="WriteStatus.Missing"/> if the upload has ended meanwhile.
    /// The result's info has the part's length, ETag, checksum and metadata. Disposing without a commit leaves nothing.
    /// </summary>
    /// <param name="key">The upload's key.</param>
    /// <param name="uploadId">The upload.</param>
    /// <param name="number">1 to <see cref="MaxParts"/>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    ValueTask<IBlobWriter?> OpenPartAsync(BlobKey key, string uploadId, int number, CancellationToken cancellationToken = default);

    /// <summary>The parts behind a number, in order of their numbers, at most <paramref name="limit"/>; null if there is no such upload.</summary>
    ValueTask<IReadOnlyList<UploadedPart>?> ListPartsAsync(BlobKey key, string uploadId, int after = 0, int limit = 1000, CancellationToken cancellationToken = default);

    /// <summary>Uploads under way, by key and, for one key, in the order of their ids.</summary>
    ValueTask<IReadOnlyList<MultipartUpload>> ListUploadsAsync(UploadListRequest request, CancellationToken cancellationToken = default);

    /// <summary>
    /// Makes the named parts, one after the other, the blob; parts that are not named are dropped. Moves no payload where
    /// the store can. A failed condition or a part that is not as named leaves the upload as it was.
    /// </summary>
    /// <param name="key">The upload's key.</param>
    /// <param name="uploadId">The upload.</param>
    /// <param name="parts">One or more, their numbers strictly rising.</param>
    /// <param name="options">What is known only now.</param>
    /// <param name="cancellationToken">Gives up; ignored from the moment the commit is dispatched.</param>
    /// <exception cref="ArgumentException">The parts are none, too many or not in order.</exception>
    ValueTask<CompleteResult> CompleteAsync(
        BlobKey key, string uploadId, IReadOnlyList<PartReference> parts, CompleteOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Ends an upload and drops its parts, also those that are being written.</summary>
    /// <returns>False if there is no such upload.</returns>
    ValueTask<bool> AbortAsync(BlobKey key, string uploadId, CancellationToken cancellationToken = default);
}
