using Microsoft.Extensions.Logging;

namespace Strata;

/// <content>
/// How a change of a home's bytes and its row of the index come together: in one commit where both share a log, else one after the other,
/// with what a crash in between must know written down first. Everything here is called while the key is held.
/// </content>
internal sealed partial class ExclusiveBlobStore
{
    private SharedLog? _shared;

    /// <summary>Makes a change in a home and has the index take it.</summary>
    /// <returns>What the home answered, and the row; none: the home changed nothing, and the index says what it said.</returns>
    private async ValueTask<(T Answer, PlacedBlob? Placed)> MakeAsync<T>(HomeChange<T> made)
    {
        if (IsShared(made.Key, made.Home)) return await MakeAtOnceAsync(made).ConfigureAwait(false);
        await NoteAsync(made.Key, made.Change, made.Issued).ConfigureAwait(false);
        T answer = await InTierAsync(made).ConfigureAwait(false);
        if (made.InfoOf(answer) is not { } info) return (answer, null);
        PlacedBlob placed = made.Place(info);
        await PublishedAsync(made.State, made.Change, placed).ConfigureAwait(false);
        return (answer, placed);
    }

    /// <summary>Whether changes of the key there take their rows along. Not while a move brings the key there, whose copy must not.</summary>
    private bool IsShared(BlobKey key, HomeTier home) => _shared?.Home == home && !(_moves.TryGetValue(key, out PlacementChange? moving) && moving.To == home.Name);

    private async ValueTask<(T Answer, PlacedBlob? Placed)> MakeAtOnceAsync<T>(HomeChange<T> made)
    {
        (BlobKey key, HomeTier home, KeyState state) = (made.Key, made.Home, made.State);
        PlacementIntent before = IntentOf(key).Abandoned();
        if (state.Placed is { } old && old.Home != home.Name) before = before.With(new Leftover(old.Home, old.AtHome));
        PlacementIntent after = before.Without(home.Name);
        bool isNoted = !after.IsEmpty || _journal.ContainsKey(key);

        // A home that stamps by itself may need a version that passes what the key had elsewhere.
        await ReserveAsync(key, made.Issued.IsKnown ? made.Issued : _versions.Next(Highest(state.Floor, before.Floor))).ConfigureAwait(false);
        PlacedBlob? placed = null;
        T answer;
        try
        {
            answer = await _shared!.CommitAsync(key, Rows, made.Make).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            NoteUnlessUndone(before, e);
            if (e is not StorageException error) throw;
            home.NoteError(error, made.Operation, key);
            throw home.Named(error, made.Operation, key);
        }

        if (made.InfoOf(answer) is null) return (answer, null);
        if (placed is null) throw StorageException.Corrupt(made.Operation, key, home.Name, "the tier committed the blob without its row of the placement index");
        Remember(after);
        await CleanAsync(new KeyState(placed, default), key, isBackground: false).ConfigureAwait(false);
        return (answer, placed);

        IReadOnlyList<KvMutation> Rows(BlobChange told)
        {
            if (made.Change.Kind == PlacementChangeKind.Write && !made.Change.Made(told.Info!))
                throw StorageException.Corrupt(made.Operation, key, home.Name, "the tier tells of another length, checksum or version than it was given");
            placed = made.Place(told.Info!);
            return [.. _index.Place(placed, state.Tombstone), .. isNoted ? [_index.Note(after)] : (KvMutation[])[]];
        }
    }

    /// <summary>Removes a blob from the home that shares its log with the index, and its row, in one commit.</summary>
    /// <returns>False: the home had nothing of it, and nothing was changed.</returns>
    private async ValueTask<bool> DeleteAtOnceAsync(BlobKey key, KeyState state, BlobVersion version, bool isReserved)
    {
        HomeTier home = _shared!.Home;
        PlacementIntent before = IntentOf(key).Abandoned().With(new Leftover(home.Name, state.Placed!.AtHome)), after = before.Without(home.Name);
        bool isNoted = !after.IsEmpty || _journal.ContainsKey(key);
        if (!isReserved) await TryReserveAsync(key, version).ConfigureAwait(false);
        try
        {
            DeleteResult deleted = await _shared.CommitAsync(
                key,
                _ => [_index.Remove(key), _index.Bury(key, version, isConfirmed: after.IsEmpty), .. isNoted ? [_index.Note(after)] : (KvMutation[])[]],
                () => home.Store.DeleteAsync(key)).ConfigureAwait(false);
            if (deleted.Status != DeleteStatus.Deleted) return false;
        }
        catch (Exception e)
        {
            NoteUnlessUndone(before, e);
            if (e is not StorageException error) throw;
            home.NoteError(error, "delete", key);
            throw home.Named(error, "delete", key);
        }

        Remember(after);
        return true;
    }

    /// <summary>
    /// Where nobody knows what became of a commit, bytes and row are there, or neither: what the journal has to say if they are is looked at
    /// later, and finds nothing to do if they are not.
    /// </summary>
    private void NoteUnlessUndone(PlacementIntent before, Exception e)
    {
        if (IsUndone(e)) return;
        Remember(before);
        _settler.Wake();
    }

    private static bool IsUndone(Exception e) => e is ArgumentException or InvalidOperationException or OperationCanceledException or StorageException { Outcome: WriteOutcome.NotApplied };

    /// <summary>Takes care that a version is never issued again after a restart, before it is used: about one commit a minute.</summary>
    private async ValueTask ReserveAsync(BlobKey key, BlobVersion version)
    {
        KvMutation[] rows = [.. _index.Reserve(version)];
        if (rows.Length == 0) return;
        try
        {
            await _index.CommitAsync(rows, CancellationToken.None).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            throw Unwritten(e, key);
        }
    }

    /// <summary>A delete makes room, and a full disk takes it; its version is in its own row as well.</summary>
    private async ValueTask TryReserveAsync(BlobKey key, BlobVersion version)
    {
        try
        {
            await ReserveAsync(key, version).ConfigureAwait(false);
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.Full)
        {
            _log.LogWarning(e, "The delete of '{Key}' goes ahead though '{Database}' is full", key, _index.Name);
        }
    }

    /// <summary>The index could not be told of a change before it: nothing of it was done.</summary>
    private StorageException Unwritten(StorageException e, BlobKey key) => new(e.Kind, $"The placement index in '{_index.Name}' takes no change of '{key}': {e.Message}", e)
    {
        Operation = "write", Key = key, Store = _index.Name, IsTransient = e.IsTransient,
    };
}
