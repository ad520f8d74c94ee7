using Microsoft.Extensions.Logging;

namespace Strata;

/// <content>Completed uploads: a change of the key like a stream, in the home that has kept the parts.</content>
internal sealed partial class ExclusiveBlobStore
{
    /// <summary>Completes an upload in the home that has its parts; nothing of the payload moves.</summary>
    internal async ValueTask<CompleteResult> CompleteAsync(HomeTier home, BlobKey key, string id, IReadOnlyList<PartReference> parts, CompleteOptions? options, CancellationToken cancellationToken)
    {
        using KeyLocks.Held held = await _locks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
        if (await FindUploadAsync(home, key, id, cancellationToken).ConfigureAwait(false) is null) return new CompleteResult(CompleteStatus.Missing);
        KeyState state = await ReadyAsync(key, cancellationToken).ConfigureAwait(false);
        BlobInfo? current = state.Visible(_clock.GetUtcNow())?.Info;
        if (options?.Condition.Holds(current, state.Tombstone) == false) return new CompleteResult(CompleteStatus.PreconditionFailed, current);
        if (IsBlocked(key, home.Name)) throw Blocked("complete", key, home);
        PlacementChange change = NewStream(key, state, home);

        // What must hold has been judged, by what the index says.
        CompleteOptions? below = options is null ? null : options with { Condition = default };
        (CompleteResult completed, PlacedBlob? placed) = await MakeAsync(new HomeChange<CompleteResult>
        {
            Key = key, State = state, Change = change, Home = home, Operation = "complete", Place = found => Adopted(state, change, found),
            Make = () => home.Uploads!.CompleteAsync(key, id, parts, below, cancellationToken),
            InfoOf = result => result.Status == CompleteStatus.Completed ? result.Info : null,
        }).ConfigureAwait(false);
        if (placed is null) return completed;
        home.NoteWritten(placed.Info.Length);
        return completed with { Info = Told(placed) };
    }

    /// <summary>Moves a blob to where it belongs by its length; where that fails it stays where it is, and a tiering run moves it.</summary>
    /// <returns>The blob, with its home told.</returns>
    internal async ValueTask<BlobInfo> TakeHomeAsync(BlobInfo blob, WriteOptions? wish, CancellationToken cancellationToken)
    {
        if (HomesFor(blob.Key, wish, blob.Length).FirstOrDefault(home => !IsBlocked(blob.Key, home.Name)) is not { } target || target.Name == blob.Tier) return blob;
        try
        {
            return await MoveAsync(blob.Key, target.Name, keepInSource: false, cancellationToken).ConfigureAwait(false) == MoveStatus.Moved ? blob with { Tier = target.Name } : blob;
        }
        catch (Exception e) when (e is StorageException or OperationCanceledException)
        {
            _log.LogWarning(e, "The completed upload '{Key}' stays in tier '{Tier}', as it could not be moved to '{Target}'", blob.Key, blob.Tier, target.Name);
            return blob;
        }
    }

    internal void LogLeft(StorageException e, string upload) => _log.LogWarning(e, "The row of upload '{Upload}' in '{Database}' stays until it expires", upload, _index.Name);

    private static async ValueTask<MultipartUpload?> FindUploadAsync(HomeTier home, BlobKey key, string id, CancellationToken cancellationToken)
    {
        try
        {
            return await home.Uploads!.FindAsync(key, id, cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            home.NoteError(e, "complete", key);
            throw home.Named(e, "complete", key);
        }
    }
}
