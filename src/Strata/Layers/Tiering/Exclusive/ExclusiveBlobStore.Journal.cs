using Microsoft.Extensions.Logging;

namespace Strata;

/// <content>
/// The journal: what is not finished of a key, in the index and, as it is there, in memory. Everything here is called while the key is
/// held.
/// </content>
internal sealed partial class ExclusiveBlobStore
{
    private const int SettledAtOnce = 4;

    /// <summary>Whether a request for the key that may still come through keeps new bytes off the tier.</summary>
    internal bool IsBlocked(BlobKey key, string tier)
    {
        if (!_journal.TryGetValue(key, out PlacementIntent? intent)) return false;
        DateTimeOffset now = _clock.GetUtcNow();
        return (intent.Change is { } change && change.To == tier && change.PendingUntil > now) || intent.Leftovers.Any(l => l.Tier == tier && l.PendingUntil > now);
    }

    private PlacementIntent IntentOf(BlobKey key) => _journal.TryGetValue(key, out PlacementIntent? intent) ? intent : new PlacementIntent { Key = key };

    private void Remember(PlacementIntent intent)
    {
        if (intent.Change is null) _left.TryRemove(intent.Key, out _);
        if (intent.IsEmpty) _journal.TryRemove(intent.Key, out _);
        else _journal[intent.Key] = intent;
    }

    /// <summary>
    /// Finds out what a change came to that nobody is at any more: whoever was shown the state before it must not be shown the one after
    /// it by nobody's doing. While its request may still come through, the state is what it is.
    /// </summary>
    /// <exception cref="StorageException">The tier does not tell.</exception>
    private async ValueTask EndLeftAsync(BlobKey key, CancellationToken cancellationToken)
    {
        using KeyLocks.Held held = await _locks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
        if (!_left.ContainsKey(key)) return;
        await ReadyAsync(key, cancellationToken).ConfigureAwait(false);
        if (!_left.ContainsKey(key) || IntentOf(key).Change is not { } change || change.PendingUntil > _clock.GetUtcNow()) return;
        throw new StorageException(StorageErrorKind.Unavailable, $"A change of '{key}' was interrupted, and tier '{change.To}' does not tell what it came to.") { Operation = "read", Key = key, Store = change.To, IsTransient = true };
    }

    private async ValueTask SaveAsync(PlacementIntent intent)
    {
        await _index.CommitAsync([_index.Note(intent)], CancellationToken.None).ConfigureAwait(false);
        Remember(intent);
    }

    /// <summary>What the rows say of a key, once a change that was interrupted is carried on or taken back.</summary>
    private async ValueTask<KeyState> ReadyAsync(BlobKey key, CancellationToken cancellationToken)
    {
        KeyState state = await _index.ReadAsync(key, cancellationToken).ConfigureAwait(false);
        return _journal.ContainsKey(key) ? await SettleAsync(key, state).ConfigureAwait(false) : state;
    }

    /// <summary>
    /// Ends a change that nobody is at any more: the index takes it where the target holds it whole, and forgets it where it does not and
    /// nothing can come through any more. Where the tier does not answer all stays as it is.
    /// </summary>
    private async ValueTask<KeyState> SettleAsync(BlobKey key, KeyState state)
    {
        PlacementIntent intent = IntentOf(key);
        if (intent.Change is not { } change || (_moves.TryGetValue(key, out PlacementChange? moving) && ReferenceEquals(moving, change))) return state;
        HomeTier? target = HomeOf(change.To);
        BlobInfo? found;
        try
        {
            found = target is null ? null : await target.Store.StatAsync(key).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            target!.NoteError(e, "stat", key);
            return state;
        }

        bool isMade = found is not null && change.Made(found);
        if (change.Kind == PlacementChangeKind.Move) isMade &= change.State >= MoveState.Verified && state.Placed is { } before && before.Home == change.From && before.Info.Version == change.Version;
        if (isMade) return await PublishAsync(state, change, Adopted(state, change, found!)).ConfigureAwait(false);
        if (change.Kind == PlacementChangeKind.Move) await SaveAsync(intent.Abandoned()).ConfigureAwait(false);
        else if (!(change.PendingUntil > _clock.GetUtcNow())) await SaveAsync(found is not null && state.Placed?.Home != change.To ? intent.Abandoned() : intent with { Change = null }).ConfigureAwait(false);
        return state;
    }

    /// <summary>The row of what a tier holds by a change.</summary>
    private PlacedBlob Adopted(in KeyState state, PlacementChange change, BlobInfo found)
    {
        if (change.Kind == PlacementChangeKind.Move) return new PlacedBlob(change.To, state.Placed!.Info, found.Version);
        found = found with { Tier = null };
        if (change.Kind == PlacementChangeKind.Write) return new PlacedBlob(change.To, found, found.Version);

        // The tier stamped it: by its own clock, which may be behind what the key had in another tier.
        BlobInfo? current = state.Visible(_clock.GetUtcNow())?.Info;
        BlobVersion floor = Highest(state.Floor, (IntentOf(found.Key) with { Change = null }).Floor), version = found.Version > floor ? found.Version : _versions.Next(floor);
        bool isUpdate = change.Kind == PlacementChangeKind.Update;
        return new PlacedBlob(change.To, found with
        {
            Version = version,
            ETag = isUpdate && change.KeepsETag && current is not null ? current.ETag : found.Version.IsETag(found.ETag) ? version.ToETag() : found.ETag,
            Created = current?.Created ?? (isUpdate ? found.Created : found.Modified),
        }, found.Version);
    }

    /// <summary>The commit point: the index takes a change. Then the older home's bytes go.</summary>
    private async ValueTask<KeyState> PublishAsync(KeyState state, PlacementChange change, PlacedBlob placed)
    {
        BlobKey key = placed.Info.Key;
        PlacementIntent intent = (IntentOf(key) with { Change = null }).Without(change.To);
        if (state.Placed is { } old && old.Home != placed.Home) intent = intent.With(new Leftover(old.Home, old.AtHome));
        bool isStamped = change.Kind is PlacementChangeKind.Stream or PlacementChangeKind.Update && placed.Info.Version != placed.AtHome;
        await _index.CommitAsync(
            [.. _index.Place(placed, state.Tombstone), .. intent.IsEmpty && !_journal.ContainsKey(key) ? (KvMutation[])[] : [_index.Note(intent)], .. isStamped ? _index.Reserve(placed.Info.Version) : []], CancellationToken.None).ConfigureAwait(false);
        Remember(intent);
        var published = new KeyState(placed, default);
        await CleanAsync(published, key, isBackground: false).ConfigureAwait(false);
        return published;
    }

    /// <summary>Takes what a home holds in place of what the index says, if it is newer: a change that was given up and came through all the same.</summary>
    private async ValueTask<bool> TryAdoptAsync(KeyState state, BlobInfo found)
    {
        if (state.Placed is not { } placed || found.Version <= placed.AtHome) return false;
        var change = new PlacementChange { Kind = PlacementChangeKind.Stream, From = placed.Home, To = placed.Home, Version = placed.AtHome, Began = _clock.GetUtcNow() };
        await PublishAsync(state, change, Adopted(state, change, found)).ConfigureAwait(false);
        return true;
    }

    /// <summary>Removes the bytes that are left of a key where it does not live; what fails stays written down.</summary>
    private async ValueTask CleanAsync(KeyState state, BlobKey key, bool isBackground)
    {
        PlacementIntent intent = IntentOf(key), rest = intent;
        foreach (Leftover leftover in intent.Leftovers)
        {
            HomeTier? tier = HomeOf(leftover.Tier);
            if (leftover.PendingUntil > _clock.GetUtcNow() || (_moves.TryGetValue(key, out PlacementChange? moving) && moving.To == leftover.Tier)) continue;

            // Nobody waits for a network because of bytes that nobody sees.
            if (tier is { IsRemote: true } && !isBackground) continue;
            rest = tier is null ? rest.Without(leftover.Tier) : await CleanAsync(state, rest, leftover, tier).ConfigureAwait(false);
        }

        if (rest.Leftovers.Count > 0) _settler.Wake();
        if (ReferenceEquals(rest, intent) || (rest.IsEmpty ? !_journal.ContainsKey(key) : ReferenceEquals(rest, IntentOf(key)))) return;
        try
        {
            await _index.CommitAsync(Cleaned(state, rest), CancellationToken.None).ConfigureAwait(false);
            Remember(rest);
        }
        catch (StorageException e)
        {
            _log.LogWarning(e, "The journal of '{Key}' in '{Database}' could not be brought up to date; it is looked at later", key, _index.Name);
            _settler.Wake();
        }
    }

    /// <summary>The rows of a key of which bytes are gone where it does not live.</summary>
    private KvMutation[] Cleaned(in KeyState state, PlacementIntent rest)
    {
        bool isConfirmed = rest.IsEmpty && state.Placed is null && state.Tombstone.IsKnown;
        return [_index.Note(rest), .. isConfirmed ? [_index.Bury(rest.Key, state.Tombstone, isConfirmed: true)] : (KvMutation[])[]];
    }

    private async ValueTask<PlacementIntent> CleanAsync(KeyState state, PlacementIntent intent, Leftover leftover, HomeTier tier)
    {
        PlacementIntent rest = intent.Without(tier.Name);
        try
        {
            if (state.Placed is { } placed && placed.Home == tier.Name)
            {
                // An older request was given up here, and the blob has stayed: it may have come through since.
                if (await tier.Store.StatAsync(intent.Key).ConfigureAwait(false) is { } found && !placed.IsIn(found)) await TryAdoptAsync(state, found).ConfigureAwait(false);
            }
            else if (!IsShared(intent.Key, tier))
            {
                await tier.Store.DeleteAsync(intent.Key).ConfigureAwait(false);
            }
            else if ((await _shared!.CommitAsync(intent.Key, _ => Cleaned(state, rest), () => tier.Store.DeleteAsync(intent.Key)).ConfigureAwait(false)).Status == DeleteStatus.Deleted)
            {
                Remember(rest);
            }

            return rest;
        }
        catch (Exception e)
        {
            tier.NoteError(e, "remove", intent.Key);
            return e is StorageException { Outcome: WriteOutcome.Unknown } ? intent.With(leftover with { PendingUntil = _clock.GetUtcNow() + _options.RequestLife }) : intent;
        }
    }

    /// <summary>Takes up what was under way when the store was closed or killed.</summary>
    private async ValueTask RecoverAsync(PlacementHeader header, CancellationToken cancellationToken)
    {
        await TakeTiersAsync(header, cancellationToken).ConfigureAwait(false);
        DateTimeOffset end = _clock.GetUtcNow() + _options.RequestLife;
        foreach (PlacementIntent intent in await _index.ReadJournalAsync(cancellationToken).ConfigureAwait(false))
        {
            // What a request of the process before may do to a disk it has done; over a network it may still be on its way.
            _journal[intent.Key] = intent with
            {
                Change = intent.Change is { } change ? change with { PendingUntil = HomeOf(change.To) is { IsRemote: true } ? end : null } : null,
                Leftovers = [.. intent.Leftovers.Select(l => l with { PendingUntil = HomeOf(l.Tier) is { IsRemote: true } ? end : null })],
            };

            // A move changes nothing that is read.
            if (intent.Change is { Kind: not PlacementChangeKind.Move }) _left[intent.Key] = true;
        }

        // What an interrupted change came to is settled before anybody reads: nobody sees first the one and then the other.
        foreach (PlacementIntent intent in _journal.Values.Where(i => i.Change is { PendingUntil: null })) await SettleKeyAsync(intent.Key).ConfigureAwait(false);
    }

    /// <summary>Finishes what can be finished; false: something is left.</summary>
    private async ValueTask<bool> SettleJournalAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset now = _clock.GetUtcNow();
        await Parallel.ForEachAsync(
            _journal.Values.Where(intent => intent.Change is not null || intent.Leftovers.Any(l => !(l.PendingUntil > now))),
            new ParallelOptions { MaxDegreeOfParallelism = SettledAtOnce, CancellationToken = cancellationToken },
            async (intent, _) => await SettleKeyAsync(intent.Key).ConfigureAwait(false)).ConfigureAwait(false);
        return _journal.IsEmpty;
    }

    private async ValueTask SettleKeyAsync(BlobKey key)
    {
        try
        {
            using OperationGate.Pass pass = _gate.Enter("settle");

            // Whoever holds it is at it.
            if (!_locks.TryEnter(key, out KeyLocks.Held held)) return;
            using (held)
            {
                KeyState state = await ReadyAsync(key, CancellationToken.None).ConfigureAwait(false);
                await CleanAsync(state, key, isBackground: true).ConfigureAwait(false);
            }
        }
        catch (StorageException e)
        {
            _log.LogWarning(e, "What is not finished of '{Key}' cannot be finished yet", key);
        }
    }

    /// <summary>Finishes what can be finished, now.</summary>
    internal async ValueTask SettleNowAsync() => await SettleJournalAsync(CancellationToken.None).ConfigureAwait(false);
}
