using System.Buffers;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <content>Changes: written down, made in a tier, taken into the index, cleaned up.</content>
internal sealed partial class ExclusiveBlobStore
{
    /// <inheritdoc/>
    public async ValueTask<WriteResult> WriteAsync(BlobKey key, BlobContent content, WriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        using OperationGate.Pass pass = Enter(key, "write", cancellationToken);
        Capabilities.Check(key, options, "write");
        if (content.TryGetSequence(out ReadOnlySequence<byte> bytes)) return await PutAsync(key, bytes, options, null, cancellationToken).ConfigureAwait(false);
        var writer = new ExclusiveBlobWriter(this, key, options, content.Length);
        await using (writer.ConfigureAwait(false))
        {
            Stream stream = content.OpenStream();
            await using (stream.ConfigureAwait(false)) await writer.WriteFromAsync(stream, cancellationToken).ConfigureAwait(false);
            if (content.Length is { } declared && declared != writer.Length) throw StorageException.WrongLength("write", key, _options.Name, declared, $"{writer.Length}");
            return await writer.CommitAsync(null, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public ValueTask<IBlobWriter> OpenWriterAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(key, "write", cancellationToken);
        Capabilities.Check(key, options, "write");
        return new(new ExclusiveBlobWriter(this, key, options, null));
    }

    /// <inheritdoc/>
    public async ValueTask<DeleteResult> DeleteAsync(BlobKey key, WriteCondition condition = default, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(key, "delete", cancellationToken);
        Capabilities.Check(key, condition, "delete");
        using KeyLocks.Held held = await _locks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
        KeyState state = await ReadyAsync(key, cancellationToken).ConfigureAwait(false);
        BlobInfo? current = state.Visible(_clock.GetUtcNow())?.Info;
        if (!condition.Holds(current, state.Tombstone)) return new DeleteResult(DeleteStatus.PreconditionFailed);
        bool isVersioned = condition.Kind == WriteConditionKind.IfOlder;

        // What is in doubt could come to be after this answer.
        if (current is null && IntentOf(key).Change is null && !isVersioned) return new DeleteResult(DeleteStatus.Missing);
        BlobVersion version = isVersioned ? condition.Version : _versions.Next(Highest(state.Floor, IntentOf(key).Floor));
        if (current is null || _shared?.Home.Name != state.Placed!.Home || !await DeleteAtOnceAsync(key, state, version, isReserved: isVersioned).ConfigureAwait(false))
        {
            PlacementIntent intent = IntentOf(key).Abandoned();
            if (state.Placed is { } placed) intent = intent.With(new Leftover(placed.Home, placed.AtHome));
            await _index.CommitAsync(
                [_index.Remove(key), _index.Bury(key, version, isConfirmed: intent.IsEmpty), _index.Note(intent), .. isVersioned ? [] : _index.Reserve(version)], CancellationToken.None).ConfigureAwait(false);
            Remember(intent);
        }

        await CleanAsync(new KeyState(null, version), key, isBackground: false).ConfigureAwait(false);
        return new DeleteResult(current is null ? DeleteStatus.Missing : DeleteStatus.Deleted, version);
    }

    /// <inheritdoc/>
    public async ValueTask<DeleteManyResult> DeleteManyAsync(IReadOnlyList<BlobKey> keys, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = _gate.Enter("delete");
        cancellationToken.ThrowIfCancellationRequested();
        return await BulkDelete.OneByOneAsync(this, keys, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    /// <remarks>The home changes what it keeps with the bytes, so that a rebuild finds it.</remarks>
    public async ValueTask<WriteResult> UpdateAsync(BlobKey key, BlobChanges changes, WriteCondition condition = default, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(changes);
        using OperationGate.Pass pass = Enter(key, "update", cancellationToken);
        Capabilities.Check(key, condition, "update");
        BlobLimits.Check(changes);
        using KeyLocks.Held held = await _locks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
        KeyState state = await ReadyAsync(key, cancellationToken).ConfigureAwait(false);
        if (state.Visible(_clock.GetUtcNow()) is not { } placed) return WriteResult.Missing;
        if (!condition.Holds(placed.Info)) return WriteResult.PreconditionFailed(Told(placed));
        if (changes.MetadataEdits is not null) BlobLimits.CheckEdited(changes.ApplyTo(placed.Info).Metadata);
        HomeTier home = HomeOf(placed, "update");
        if (IsBlocked(key, home.Name)) throw Blocked("update", key, home);
        PlacementChange change = NewChange(PlacementChangeKind.Update, state, home) with { Version = placed.AtHome, KeepsETag = changes.KeepsETag };
        return await WrittenAsync(new HomeChange<WriteResult>
        {
            Key = key, State = state, Change = change, Home = home, Operation = "update", InfoOf = InfoOf, Place = found => Adopted(state, change, found),
            Make = () => home.Store.UpdateAsync(key, changes, default, cancellationToken),
        }).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<WriteResult> CopyAsync(BlobKey source, BlobKey target, CopyOptions? options = null, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(source, "copy", cancellationToken);
        Capabilities.Check(source, options?.SourceCondition ?? default, "copy");
        Capabilities.Check(target, options?.Condition ?? default, "copy");
        if (options?.Replace is { } changes) BlobLimits.Check(changes);
        if (await ReadAsync(source, null, cancellationToken).ConfigureAwait(false) is not { } read) return WriteResult.Missing;
        await using (read.ConfigureAwait(false))
        {
            if (options?.SourceCondition.Holds(read.Info) == false) return WriteResult.PreconditionFailed(read.Info);
            return await WriteAsync(target, BlobContent.From(read), NewBlob.CopyOf(read.Info, options), cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Writes bytes that are in memory.</summary>
    internal async ValueTask<WriteResult> PutAsync(BlobKey key, ReadOnlySequence<byte> bytes, WriteOptions? options, CommitOptions? commit, CancellationToken cancellationToken)
    {
        uint checksum = Crc32C.Of(bytes);
        NewBlob.Verify(key, _options.Name, bytes.Length, checksum, null, options, commit);
        using KeyLocks.Held held = await _locks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
        KeyState state = await ReadyAsync(key, cancellationToken).ConfigureAwait(false);
        BlobInfo? current = state.Visible(_clock.GetUtcNow())?.Info;
        if (options?.Condition.Holds(current, state.Tombstone) == false) return WriteResult.PreconditionFailed(current);
        BlobVersion issued = options?.AsCopyOf is null ? _versions.Next(Highest(state.Floor, IntentOf(key).Floor)) : default;
        BlobInfo info = NewBlob.Describe(key, bytes.Length, checksum, options, commit, current, issued, _clock.GetUtcNow());
        StorageException? full = null;
        foreach (HomeTier home in HomesFor(key, options, bytes.Length))
        {
            if (IsBlocked(key, home.Name))
            {
                full ??= Blocked("write", key, home);
                continue;
            }

            try
            {
                WriteResult written = await WrittenAsync(new HomeChange<WriteResult>
                {
                    Key = key, State = state, Home = home, Operation = "write", Issued = issued, InfoOf = InfoOf,
                    Change = NewChange(PlacementChangeKind.Write, state, home) with { Version = info.Version, Length = info.Length, Checksum = checksum },
                    Make = () => home.Store.WriteAsync(key, BlobContent.From(bytes), new WriteOptions { AsCopyOf = info }, cancellationToken),
                    Place = _ => new PlacedBlob(home.Name, info, info.Version),
                }).ConfigureAwait(false);
                home.NoteWritten(info.Length);
                return written;
            }
            catch (StorageException e) when (e is { Outcome: WriteOutcome.NotApplied, Kind: StorageErrorKind.Full or StorageErrorKind.TooLarge } && e.Store == home.Name)
            {
                full = e;
            }
        }

        throw full ?? NoRoom(key, bytes.Length);
    }

    /// <summary>Commits what was streamed to a tier.</summary>
    internal async ValueTask<WriteResult> CommitAsync(BlobKey key, HomeTier home, IBlobWriter atHome, WriteOptions? options, CommitOptions? commit, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = Enter(key, "write", cancellationToken);
        BlobLimits.Check(commit);
        using KeyLocks.Held held = await _locks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
        KeyState state = await ReadyAsync(key, cancellationToken).ConfigureAwait(false);
        BlobInfo? current = state.Visible(_clock.GetUtcNow())?.Info;
        if (options?.Condition.Holds(current, state.Tombstone) == false) return WriteResult.PreconditionFailed(current);
        if (IsBlocked(key, home.Name)) throw Blocked("write", key, home);
        PlacementChange change = options?.AsCopyOf is { } copied
            ? NewChange(PlacementChangeKind.Write, state, home) with { Version = copied.Version, Length = atHome.Length }
            : NewStream(key, state, home);
        WriteResult written = await WrittenAsync(new HomeChange<WriteResult>
        {
            Key = key, State = state, Change = change, Home = home, Operation = "write", InfoOf = InfoOf, Place = found => Adopted(state, change, found),
            Make = () => atHome.CommitAsync(commit, cancellationToken),
        }).ConfigureAwait(false);
        home.NoteWritten(atHome.Length);
        return written;
    }

    /// <summary>
    /// The tiers that a write goes to, the next one where one is full: from the one that its options name, else its rule, else the first.
    /// </summary>
    /// <param name="key">The blob.</param>
    /// <param name="options">The caller's.</param>
    /// <param name="length">Its length; null: not known, and it is not to break off because it is too long.</param>
    internal IReadOnlyList<HomeTier> HomesFor(BlobKey key, WriteOptions? options, long? length)
    {
        PlacementRule? rule = _options.Rules.FirstOrDefault(rule => rule.Matches(key));
        int first = Math.Max(0, Array.FindIndex(_homes, home => home.Name == (options?.Tier ?? rule?.Tier ?? rule?.Hottest)));
        HomeTier[] open = [.. _homes.Skip(first).Where(home => options?.SkipTiers?.Contains(home.Name) != true && options?.OnlyTiers?.Contains(home.Name) != false)];
        HomeTier[] homes = [.. open.Where(home => home.Takes(length ?? long.MaxValue) && home.HasRoom(length ?? 0))];
        return homes.Length == 0 && length is null ? [.. open.TakeLast(1)] : homes;
    }

    internal StorageException NoRoom(BlobKey key, long length) => new(
        Array.Exists(_homes, home => home.Takes(length)) ? StorageErrorKind.Full : StorageErrorKind.TooLarge,
        $"No tier of store '{_options.Name}' that the write of '{key}' may go to takes its {length} bytes: they are full, or take no blob as long.") { Operation = "write", Key = key, Store = _options.Name };

    private PlacementChange NewChange(PlacementChangeKind kind, in KeyState state, HomeTier to) => new() { Kind = kind, From = state.Placed?.Home, To = to.Name, Began = _clock.GetUtcNow() };

    /// <summary>What a tier stamps: as what it holds then counts what passes this.</summary>
    private PlacementChange NewStream(BlobKey key, in KeyState state, HomeTier home) => NewChange(PlacementChangeKind.Stream, state, home) with
    {
        Version = state.Placed is { } placed && placed.Home == home.Name ? placed.AtHome : Highest(state.Floor, IntentOf(key).Floor),
    };

    /// <summary>Writes a change down, before anything of it is done. What was in doubt before it is to leave nothing.</summary>
    private async ValueTask NoteAsync(BlobKey key, PlacementChange change, BlobVersion issued)
    {
        PlacementIntent intent = IntentOf(key).Abandoned() with { Change = change };
        try
        {
            await _index.CommitAsync([_index.Note(intent), .. issued.IsKnown ? _index.Reserve(issued) : []], CancellationToken.None).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            if (e.Outcome == WriteOutcome.Unknown)
            {
                // The row may be there, and no more: nothing was asked of a tier.
                Remember(intent);
                _settler.Wake();
            }

            throw Unwritten(e, key);
        }

        Remember(intent);
        _left.TryRemove(key, out _);
    }

    /// <summary>Makes a change in its tier, and checks what that tells of it. If it fails it is taken back, or in doubt.</summary>
    private async ValueTask<T> InTierAsync<T>(HomeChange<T> made)
    {
        (BlobKey key, PlacementChange change, HomeTier home) = (made.Key, made.Change, made.Home);
        bool isUndone = false;
        try
        {
            T answer;
            try
            {
                answer = await made.Make().ConfigureAwait(false);
            }
            catch (Exception e)
            {
                isUndone = IsUndone(e);
                throw;
            }

            if (made.InfoOf(answer) is not { } info)
            {
                await EndAsync(key, null).ConfigureAwait(false);
                return answer;
            }

            // A tier's own stamp may be behind what the key had in another one.
            if (change.Kind != PlacementChangeKind.Stream && !change.Made(info)) throw StorageException.Corrupt(made.Operation, key, home.Name, "the tier tells of another length, checksum or version than it was given");
            return answer;
        }
        catch (Exception e)
        {
            if (e is StorageException failed) home.NoteError(failed, made.Operation, key);
            await EndAsync(key, isUndone ? null : change with { PendingUntil = _clock.GetUtcNow() + _options.RequestLife }).ConfigureAwait(false);
            if (e is StorageException error) throw home.Named(error, made.Operation, key);
            throw;
        }
    }

    /// <summary>Notes that a change did not come to be, or may yet.</summary>
    private async ValueTask EndAsync(BlobKey key, PlacementChange? pending)
    {
        PlacementIntent intent = IntentOf(key) with { Change = pending };
        try
        {
            await SaveAsync(intent).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            // The row of before is looked at like one that a crash left.
            _log.LogWarning(e, "The journal of '{Key}' in '{Database}' could not be brought up to date; it is looked at later", key, _index.Name);
            if (pending is not null) Remember(intent);
        }

        if (pending is not null) _left[key] = true;

        if (_journal.ContainsKey(key)) _settler.Wake();
    }

    private async ValueTask PublishedAsync(KeyState state, PlacementChange change, PlacedBlob placed)
    {
        try
        {
            await PublishAsync(state, change, placed).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            // The bytes are there: it will be carried on.
            _left[placed.Info.Key] = true;
            _settler.Wake();
            throw new StorageException(e.Kind, $"The bytes of '{placed.Info.Key}' are in tier '{placed.Home}', and the placement index cannot take them yet: {e.Message}", e)
            {
                Operation = "write", Key = placed.Info.Key, Store = _index.Name, IsTransient = e.IsTransient, Outcome = WriteOutcome.Unknown,
            };
        }
    }

    /// <summary>Makes a change that nothing stands against: the index has judged it.</summary>
    private async ValueTask<WriteResult> WrittenAsync(HomeChange<WriteResult> made)
    {
        (WriteResult answer, PlacedBlob? placed) = await MakeAsync(made).ConfigureAwait(false);
        if (placed is not null) return WriteResult.Written(Told(placed), placed.Home);
        StorageException error = StorageException.Corrupt(made.Operation, made.Key, made.Home.Name, $"the tier answers {answer.Status}, which does not go with what the index says is there");
        made.Home.NoteError(error, made.Operation, made.Key);
        throw made.Home.Named(error, made.Operation, made.Key);
    }

    private static BlobInfo? InfoOf(WriteResult result) => result.IsWritten ? result.Info : null;

    private static BlobVersion Highest(BlobVersion left, BlobVersion right) => left > right ? left : right;

    private static StorageException Blocked(string operation, BlobKey key, HomeTier home) =>
        new(StorageErrorKind.Unavailable, $"An older request for '{key}' may still come through in tier '{home.Name}', and no other tier takes the blob; try again later.") { Operation = operation, Key = key, Store = home.Name, IsTransient = true };
}
