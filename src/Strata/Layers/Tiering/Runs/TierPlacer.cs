using System.Collections.Concurrent;

namespace Strata;

/// <summary>Finds where a blob is, and takes it to another tier: copies above the origin come and go, and an origin of several tiers moves its own.</summary>
/// <remarks>
/// A write or delete that passes meanwhile wins: each copy is published, and each is dropped, only if the key's generation has not moved
/// since the origin was looked at, and nobody writes it (CONSISTENCY 3). A key in doubt is left alone: its copies above may be what the
/// last write is made again from. Between any two steps a crash leaves copies of the origin's write, which the next opening compares.
/// </remarks>
internal sealed class TierPlacer(TierMap map, UpperTier[] upper, TierCounters origin, Fences fences, Trust trust, TierCopies copies, TimeProvider clock)
{
    private readonly ConcurrentDictionary<TierMove, bool> _moves = new(ReferenceEqualityComparer.Instance);

    public IReadOnlyList<TierMove> Moves => [.. _moves.Keys.OrderBy(move => move.Began), .. map.Lower?.GetMoves() ?? []];

    /// <summary>Looks where a blob is. Cost: a stat of each tier.</summary>
    /// <param name="key">The blob.</param>
    /// <param name="isStrict">Whether an upper tier that fails fails this; else it counts as not holding it.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Null if there is no such blob.</returns>
    public async ValueTask<TierWhereabouts?> LookAsync(BlobKey key, bool isStrict, CancellationToken cancellationToken)
    {
        long generation = fences.Generation(key);
        TrustStamp stamp = trust.Now();
        if (await origin.StatAsync(key, cancellationToken).ConfigureAwait(false) is not { } info) return null;
        bool[] holds = new bool[map.Count];
        if (map.Lower is null) holds[^1] = true;
        else
        {
            foreach (string tier in await map.Lower.LocateAsync(key, cancellationToken).ConfigureAwait(false)) holds[map.IndexOf(tier)] = true;
        }

        for (int i = 0; i < upper.Length; i++)
        {
            try
            {
                holds[i] = await upper[i].StatAsync(key, cancellationToken).ConfigureAwait(false) is { } copy && copy.IsSameWriteAs(info);
            }
            catch (StorageException e)
            {
                upper[i].NoteError(e, "stat", key);
                if (isStrict) throw;
            }
        }

        // Deleted between the two looks.
        return Array.IndexOf(holds, true) < 0 ? null : new TierWhereabouts(info with { Tier = null, AccessCount = null, LastAccess = null }, generation, stamp, holds);
    }

    /// <summary>How many bytes it costs to take the blob to a tier.</summary>
    public static long BytesOf(TierWhereabouts where, int target) => where.Holds[target] ? 0 : where.Info.Length;

    /// <summary>Takes a blob to a tier: that holds it then, and no faster one does.</summary>
    /// <param name="where">Where it is.</param>
    /// <param name="target">The tier's place.</param>
    /// <param name="keepFaster">Whether the faster tiers keep theirs.</param>
    /// <param name="cancellationToken">Gives up, and leaves it where it was.</param>
    /// <exception cref="StorageException">A tier failed.</exception>
    public async ValueTask<MoveStatus> MoveAsync(TierWhereabouts where, int target, bool keepFaster, CancellationToken cancellationToken)
    {
        BlobKey key = where.Info.Key;
        if (fences.IsInDoubt(key)) return MoveStatus.Refused;
        if (where.Fastest == target) return MoveStatus.Unchanged;
        var move = new TierMove { Key = key, From = map.Names[where.Fastest], To = map.Names[target], Length = where.Info.Length, State = MoveState.Planned, Began = clock.GetUtcNow() };
        bool isShown = target < upper.Length && _moves.TryAdd(move, true);
        try
        {
            MoveStatus status = where.Holds[target] ? MoveStatus.Unchanged : await BringAsync(where, target, keepFaster, cancellationToken).ConfigureAwait(false);
            if (status is not (MoveStatus.Moved or MoveStatus.Unchanged)) return status;
            for (int i = 0; i < Math.Min(target, upper.Length) && !keepFaster; i++)
            {
                if (!where.Holds[i]) continue;
                if (!await DropAsync(where, upper[i]).ConfigureAwait(false)) return MoveStatus.Overtaken;

                // Once a blob, however many copies go.
                if (i == where.Fastest) upper[i].NoteDemotion(where.Info);
                status = MoveStatus.Moved;
            }

            return status;
        }
        finally
        {
            if (isShown) _moves.TryRemove(move, out _);
        }
    }

    /// <summary>Drops the copy of a tier, unless a write has passed, or the key is in doubt.</summary>
    /// <returns>False if it was not dropped for that.</returns>
    /// <exception cref="StorageException">The tier failed.</exception>
    public async ValueTask<bool> DropAsync(TierWhereabouts where, UpperTier tier)
    {
        try
        {
            return await fences.TryPublishAsync(where.Info.Key, where.Generation, async () => await tier.Store.DeleteAsync(where.Info.Key).ConfigureAwait(false)).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            tier.NoteError(e, "drop", where.Info.Key);
            throw;
        }
    }

    private ValueTask<MoveStatus> BringAsync(TierWhereabouts where, int target, bool keepFaster, CancellationToken cancellationToken) =>
        target < upper.Length ? CopyAsync(where, upper[target], cancellationToken)
        : map.Lower is { } lower ? lower.MoveAsync(where.Info.Key, map.Names[target], keepFaster, cancellationToken)
        : new(MoveStatus.Unchanged);

    /// <summary>From the fastest tier that holds the write; from the next if that one is damaged, or has dropped it meanwhile.</summary>
    private async ValueTask<MoveStatus> CopyAsync(TierWhereabouts where, UpperTier target, CancellationToken cancellationToken)
    {
        if (!target.Takes(where.Info.Length)) return MoveStatus.Refused;
        for (int i = 0; i < upper.Length; i++)
        {
            if (!where.Holds[i]) continue;
            try
            {
                MoveStatus status = await FromAsync(upper[i]).ConfigureAwait(false);
                if (status != MoveStatus.Missing) return status;
            }
            catch (StorageException e) when (e.Kind == StorageErrorKind.Corrupt)
            {
                upper[i].NoteError(e, "read", where.Info.Key);
            }
        }

        return await FromAsync(origin).ConfigureAwait(false) is var last && last == MoveStatus.Missing ? MoveStatus.Overtaken : last;

        async ValueTask<MoveStatus> FromAsync(TierCounters source)
        {
            try
            {
                return await copies.CopyAsync(where.Info, where.Generation, where.Stamp, null, source, target, isFill: false, cancellationToken).ConfigureAwait(false);
            }
            catch (StorageException e) when (e.Kind is StorageErrorKind.Full or StorageErrorKind.TooLarge)
            {
                return MoveStatus.Refused;
            }
        }
    }
}
