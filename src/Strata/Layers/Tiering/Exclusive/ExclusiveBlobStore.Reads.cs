namespace Strata;

/// <content>Reads: the index says where, the home gives the bytes, and both must name the same write.</content>
internal sealed partial class ExclusiveBlobStore
{
    /// <summary>So often may a blob be written anew or moved away before a reader gets hold of it.</summary>
    private const int MostLooks = 1_000;

    /// <inheritdoc/>
    public async ValueTask<BlobReadResult?> ReadAsync(BlobKey key, ReadOptions? options = null, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(key, "read", cancellationToken);
        for (int look = 0; look < MostLooks; look++)
        {
            if (await FindAsync(key, cancellationToken).ConfigureAwait(false) is not { } placed) return null;
            if (Refusal(placed, options) is { } refused) return refused;
            HomeTier home = HomeOf(placed, "read");
            if (await TryReadAsync(home, placed, options?.Range, cancellationToken).ConfigureAwait(false) is { } read) return read;
            home.NoteMiss();
            if (!await HasMovedOnAsync(home, placed, cancellationToken).ConfigureAwait(false))
                throw StorageException.Corrupt("read", key, home.Name, $"the tier holds nothing of it, or another write than {placed.AtHome}, which the index says is there");
        }

        throw new StorageException(StorageErrorKind.Changed, $"'{key}' is written or moved again and again; read it later.") { Operation = "read", Key = key, Store = _options.Name, IsTransient = true };
    }

    /// <summary>What the index alone can answer.</summary>
    private static BlobReadResult? Refusal(PlacedBlob placed, ReadOptions? options)
    {
        if (options is null) return null;
        BlobReadStatus status = options.Evaluate(placed.Info.ETag);
        if (status == BlobReadStatus.Found && options.Range?.TryResolve(placed.Info.Length, out _, out _) == false) status = BlobReadStatus.RangeNotSatisfiable;
        return status == BlobReadStatus.Found ? null : BlobReadResult.WithoutBytes(status, placed.Info, placed.Home);
    }

    /// <summary>The bytes; null: the home has not this write.</summary>
    private async ValueTask<BlobReadResult?> TryReadAsync(HomeTier home, PlacedBlob placed, BlobRange? range, CancellationToken cancellationToken)
    {
        long started = _clock.GetTimestamp();
        BlobReadResult? read;
        try
        {
            read = await home.Store.ReadAsync(placed.Info.Key, range is null ? null : new ReadOptions { Range = range }, cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            home.NoteError(e, "read", placed.Info.Key);
            throw home.Named(e, "read", placed.Info.Key);
        }

        if (read is null) return null;
        if (read.Status == BlobReadStatus.Found && placed.IsIn(read.Info))
        {
            home.NoteHit(started, read.Length);
            return new HomeReadResult(read, placed.Info, home.Name);
        }

        await read.DisposeAsync().ConfigureAwait(false);
        return null;
    }

    /// <summary>
    /// Whether there is a reason to look again: the index names another write by now, or does so as a change that was interrupted is
    /// finished. Waits for changes of the key under way.
    /// </summary>
    private async ValueTask<bool> HasMovedOnAsync(HomeTier home, PlacedBlob seen, CancellationToken cancellationToken)
    {
        BlobKey key = seen.Info.Key;
        using KeyLocks.Held held = await _locks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
        KeyState state = await ReadyAsync(key, cancellationToken).ConfigureAwait(false);
        if (state.Visible(_clock.GetUtcNow()) is not { } placed || placed.Home != seen.Home || placed.AtHome != seen.AtHome) return true;
        BlobInfo? found = await home.Store.StatAsync(key, cancellationToken).ConfigureAwait(false);
        if (found is null) return false;
        return placed.IsIn(found) || await TryAdoptAsync(state, found).ConfigureAwait(false);
    }
}
