using System.Buffers;

namespace Strata;

/// <content>
/// Moves: planned, copied, verified, published, and the source removed. Each state is durable before the next step. The key is held for the
/// steps between, never while bytes are copied: a write or delete meanwhile takes the journal's row over, and so wins.
/// </content>
internal sealed partial class ExclusiveBlobStore
{
    /// <inheritdoc/>
    public async ValueTask<MoveStatus> MoveAsync(BlobKey key, string tier, bool keepInSource, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = Enter(key, "move", cancellationToken);
        if (keepInSource) throw StorageException.Unsupported("move", key, _options.Name, "a copy in the source of a move: each blob has one home");
        HomeTier target = HomeOf(tier) ?? throw new ArgumentException($"Store '{_options.Name}' has no tier '{tier}'; it has {string.Join(", ", Capabilities.Tiers)}.", nameof(tier));
        using KeyLocks.Held mover = await _movers.EnterAsync(key, cancellationToken).ConfigureAwait(false);
        (PlacedBlob? placed, MoveStatus refusal) = await PlanAsync(key, target, cancellationToken).ConfigureAwait(false);
        if (placed is null) return refusal;
        try
        {
            if (!await CopyAsync(placed, target, cancellationToken).ConfigureAwait(false) || !await AdvanceAsync(key, MoveState.Copied).ConfigureAwait(false)) return MoveStatus.Overtaken;
            await VerifyAsync(placed, target, cancellationToken).ConfigureAwait(false);
            return await AdvanceAsync(key, MoveState.Verified).ConfigureAwait(false) && await FlipAsync(key, placed, target).ConfigureAwait(false) ? MoveStatus.Moved : MoveStatus.Overtaken;
        }
        catch (StorageException e) when (e.Kind is StorageErrorKind.Full or StorageErrorKind.TooLarge && e.Store == target.Name)
        {
            return MoveStatus.Refused;
        }
        finally
        {
            await EndMoveAsync(key).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<TierMove> GetMoves() =>
        [.. _moves.Select(move => new TierMove { Key = move.Key, From = move.Value.From!, To = move.Value.To, Length = move.Value.Length, State = move.Value.State, Began = move.Value.Began })];

    /// <summary>Writes a move down; null: there is none to make.</summary>
    private async ValueTask<(PlacedBlob? Placed, MoveStatus Refusal)> PlanAsync(BlobKey key, HomeTier target, CancellationToken cancellationToken)
    {
        using KeyLocks.Held held = await _locks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
        KeyState state = await ReadyAsync(key, cancellationToken).ConfigureAwait(false);
        await CleanAsync(state, key, isBackground: true).ConfigureAwait(false);
        if (state.Visible(_clock.GetUtcNow()) is not { } placed) return (null, MoveStatus.Missing);
        if (placed.Home == target.Name) return (null, MoveStatus.Unchanged);
        if (!target.Takes(placed.Info.Length) || !target.HasRoom(placed.Info.Length)) return (null, MoveStatus.Refused);
        HomeOf(placed, "move");
        PlacementIntent intent = IntentOf(key);
        if (intent.Change is not null || IsBlocked(key, target.Name)) throw Blocked("move", key, target);
        PlacementChange change = NewChange(PlacementChangeKind.Move, state, target) with { Version = placed.Info.Version, Length = placed.Info.Length, Checksum = placed.Info.Checksum, State = MoveState.Planned };
        await NoteAsync(key, change, default).ConfigureAwait(false);
        _moves[key] = change;
        return (placed, default);
    }

    /// <summary>Copies the bytes; false: they are another write's by now.</summary>
    private async ValueTask<bool> CopyAsync(PlacedBlob placed, HomeTier target, CancellationToken cancellationToken)
    {
        BlobKey key = placed.Info.Key;
        HomeTier source = HomeOf(placed, "move");
        if (await TryReadAsync(source, placed, null, cancellationToken).ConfigureAwait(false) is not { } read)
            return await HasMovedOnAsync(source, placed, cancellationToken).ConfigureAwait(false) ? false : throw StorageException.Corrupt("move", key, source.Name, "the tier does not hold the write that the index says is there");
        await using (read.ConfigureAwait(false))
        {
            // Nothing may be there, as the key lives elsewhere: so a copy that comes late never covers a newer write.
            var options = new WriteOptions { AsCopyOf = placed.Info, Condition = WriteCondition.IfAbsent };
            WriteResult written = await InMoveAsync(target, key, () => target.Store.WriteAsync(key, BlobContent.From(read), options, cancellationToken)).ConfigureAwait(false);
            return written.IsWritten || written.Info?.Version == placed.Info.Version;
        }
    }

    /// <summary>Reads back what the target holds.</summary>
    private async ValueTask VerifyAsync(PlacedBlob placed, HomeTier target, CancellationToken cancellationToken)
    {
        BlobKey key = placed.Info.Key;
        BlobReadResult? read = await InMoveAsync(target, key, () => target.Store.ReadAsync(key, null, cancellationToken)).ConfigureAwait(false);

        // A write that came meanwhile has put its own bytes there; the next step will see that.
        if (read is null) return;
        await using (read.ConfigureAwait(false))
        {
            if (read.Info.Version != placed.Info.Version) return;
            (long length, uint checksum) = await InMoveAsync(target, key, () => MeasureAsync(read, cancellationToken)).ConfigureAwait(false);
            if (length != placed.Info.Length || checksum != (placed.Info.Checksum ?? read.Info.Checksum ?? checksum))
                throw StorageException.Corrupt("move", key, target.Name, $"its bytes, read back, are {length} with CRC-32C {checksum:x8}; the blob has {placed.Info.Length} and {placed.Info.Checksum:x8}");
        }
    }

    private static async ValueTask<(long Length, uint Checksum)> MeasureAsync(BlobReadResult read, CancellationToken cancellationToken)
    {
        var sum = default(Crc32C);
        long length = 0;
        if (read.TryGetSequence(out ReadOnlySequence<byte> bytes))
        {
            sum.Append(bytes);
            return (bytes.Length, sum.Value);
        }

        byte[] buffer = ArrayPool<byte>.Shared.Rent(128 << 10);
        try
        {
            Stream stream = read.OpenStream();
            await using (stream.ConfigureAwait(false))
            {
                for (int count; (count = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0; length += count) sum.Append(buffer.AsSpan(0, count));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return (length, sum.Value);
    }

    /// <summary>Writes down how far a move is; false: the key was written or deleted meanwhile.</summary>
    private async ValueTask<bool> AdvanceAsync(BlobKey key, MoveState state)
    {
        using KeyLocks.Held held = await _locks.EnterAsync(key, CancellationToken.None).ConfigureAwait(false);
        if (!_moves.TryGetValue(key, out PlacementChange? change) || !ReferenceEquals(IntentOf(key).Change, change)) return false;
        PlacementChange next = change with { State = state };
        await SaveAsync(IntentOf(key) with { Change = next }).ConfigureAwait(false);
        _moves[key] = next;
        return true;
    }

    /// <summary>The commit point of a move.</summary>
    private async ValueTask<bool> FlipAsync(BlobKey key, PlacedBlob planned, HomeTier target)
    {
        using KeyLocks.Held held = await _locks.EnterAsync(key, CancellationToken.None).ConfigureAwait(false);
        if (!_moves.TryGetValue(key, out PlacementChange? change) || !ReferenceEquals(IntentOf(key).Change, change)) return false;
        KeyState state = await _index.ReadAsync(key, CancellationToken.None).ConfigureAwait(false);
        if (state.Placed is not { } placed || placed.Home != planned.Home || placed.Info.Version != planned.Info.Version) return false;
        _moves[key] = change with { State = MoveState.Published };
        await PublishAsync(state, change, new PlacedBlob(target.Name, placed.Info, placed.Info.Version)).ConfigureAwait(false);
        target.NoteWritten(placed.Info.Length);
        HomeTier source = HomeOf(placed, "move");
        if (Array.IndexOf(_homes, target) < Array.IndexOf(_homes, source)) target.Promotions.Increment();
        else source.Demotions.Increment();
        return true;
    }

    /// <summary>Leaves nothing of a move that did not come to its end; what cannot be removed now stays written down.</summary>
    private async ValueTask EndMoveAsync(BlobKey key)
    {
        using KeyLocks.Held held = await _locks.EnterAsync(key, CancellationToken.None).ConfigureAwait(false);
        if (!_moves.TryRemove(key, out _) || !_journal.ContainsKey(key)) return;
        try
        {
            await CleanAsync(await ReadyAsync(key, CancellationToken.None).ConfigureAwait(false), key, isBackground: true).ConfigureAwait(false);
        }
        catch (StorageException)
        {
            // The caller hears of what failed first; the journal knows the rest.
        }

        if (_journal.ContainsKey(key)) _settler.Wake();
    }

    /// <summary>A step in the target. Where its outcome is unknown nothing new is put there until it must have ended.</summary>
    private async ValueTask<T> InMoveAsync<T>(HomeTier target, BlobKey key, Func<ValueTask<T>> step)
    {
        try
        {
            return await step().ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            target.NoteError(e, "move", key);
            if (e.Outcome == WriteOutcome.Unknown) await DoubtAsync(key).ConfigureAwait(false);
            throw target.Named(e, "move", key);
        }
    }

    private async ValueTask DoubtAsync(BlobKey key)
    {
        using KeyLocks.Held held = await _locks.EnterAsync(key, CancellationToken.None).ConfigureAwait(false);
        if (!_moves.TryGetValue(key, out PlacementChange? change)) return;
        DateTimeOffset end = _clock.GetUtcNow() + _options.RequestLife;
        PlacementIntent intent = IntentOf(key);
        Remember(ReferenceEquals(intent.Change, change) ? intent with { Change = null, Leftovers = (intent with { Change = change with { PendingUntil = end } }).Abandoned().Leftovers } : intent.With(new Leftover(change.To, change.Version, end)));
        _moves[key] = change with { PendingUntil = end };
    }
}
