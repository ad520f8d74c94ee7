using System.Buffers.Binary;
using System.Collections.Concurrent;

namespace Strata;

/// <summary>
/// Takes a key's state, as the layers have it that did not miss it, to one that did, or that lacks it (backfill). What that layer holds
/// of a change that was not acknowledged is passed by the state.
/// </summary>
/// <param name="store">Knows which layers are right.</param>
/// <param name="replica">Where it is sent.</param>
/// <param name="clock">For doubts.</param>
/// <param name="requestLife">How long a request may live that was given up.</param>
internal sealed class ReplicaSender(FanoutBlobStore store, Replica replica, TimeProvider clock, TimeSpan requestLife) : IOutboxTarget, IOutboxConfirmation
{
    /// <summary>How long a send waits for which no layer can be read, or for which there is no room.</summary>
    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(30);
    private readonly ConcurrentDictionary<BlobKey, DateTimeOffset> _doubts = new();

    /// <summary>What an intent says of itself: its change's version. A backfill's says nothing.</summary>
    public static ReadOnlyMemory<byte> DataOf(BlobVersion version)
    {
        byte[] data = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(data, version.Value);
        return data;
    }

    /// <inheritdoc/>
    public async ValueTask<OutboxOutcome> SendAsync(OutboxIntent intent, CancellationToken cancellationToken)
    {
        if (!BlobKey.TryParse(intent.Key, out BlobKey key)) return OutboxOutcome.Poison("It is of a key that is none.");
        BlobVersion version = intent.Data.Length == sizeof(ulong) ? new(BinaryPrimitives.ReadUInt64LittleEndian(intent.Data.Span)) : BlobVersion.None;
        await replica.CaughtUpAsync(key, cancellationToken).ConfigureAwait(false);
        bool isMissed = replica.Missed.Contains(key);
        BlobReadResult? read;
        try
        {
            read = await store.OpenAsync(key, replica, cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            return OutboxOutcome.Later(Wait, $"No layer that has it can be read: {e.Message}");
        }

        try
        {
            if (read is not null)
            {
                await using (read.ConfigureAwait(false))
                {
                    await WriteAsync(read, isMissed, cancellationToken).ConfigureAwait(false);
                }
            }
            else if (isMissed)
            {
                await DeleteAsync(key, version, cancellationToken).ConfigureAwait(false);
            }

            return Settled(key);
        }
        catch (StorageException e)
        {
            NoteDoubt(key, e.Outcome);
            replica.NoteError(e.Message);
            return await OutcomeOfAsync(key, e).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not ArgumentException)
        {
            NoteDoubt(key, WriteOutcome.Unknown);
            throw;
        }
    }

    /// <inheritdoc/>
    public ValueTask ConfirmedAsync(string key) => store.ConfirmedAsync(replica, BlobKey.Parse(key));

    /// <inheritdoc/>
    public void GivenUp(string key)
    {
        // It goes on not being asked for the key.
    }

    private async ValueTask WriteAsync(BlobReadResult read, bool isMissed, CancellationToken cancellationToken)
    {
        BlobInfo info = read.Info with { Tier = null };
        WriteCondition condition = replica.ComparesVersions && info.Version.IsKnown ? WriteCondition.IfOlder(info.Version) : isMissed ? default : WriteCondition.IfAbsent;

        // A backfill comes in between changes: without a condition it could cover one.
        if (!isMissed && !replica.Store.Capabilities.Conditions.HasFlag(condition.Kind)) return;
        WriteResult written = await replica.Store.WriteAsync(info.Key, BlobContent.From(read), new WriteOptions { AsCopyOf = info, Condition = condition }, cancellationToken).ConfigureAwait(false);
        if (!written.IsWritten && isMissed) await store.PassAsync(replica, info.Key, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask DeleteAsync(BlobKey key, BlobVersion version, CancellationToken cancellationToken)
    {
        WriteCondition condition = replica.ComparesVersions && version.IsKnown ? WriteCondition.IfOlder(version) : default;
        DeleteResult deleted = await replica.Store.DeleteAsync(key, condition, cancellationToken).ConfigureAwait(false);
        if (deleted.Status == DeleteStatus.PreconditionFailed) await store.PassAsync(replica, key, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Nothing more to do, unless an earlier attempt may yet come through: until it cannot the layer is not asked, and then it is looked at again.</summary>
    private OutboxOutcome Settled(BlobKey key)
    {
        if (!_doubts.TryGetValue(key, out DateTimeOffset until)) return OutboxOutcome.Done;
        TimeSpan wait = until - clock.GetUtcNow();
        if (wait > TimeSpan.Zero) return OutboxOutcome.Later(wait, "The layer has it, but an earlier attempt is of unknown outcome and may yet come through; it is looked at again when it cannot.");
        _doubts.TryRemove(key, out _);
        return OutboxOutcome.Done;
    }

    private void NoteDoubt(BlobKey key, WriteOutcome outcome)
    {
        if (outcome == WriteOutcome.Unknown && !replica.ComparesVersions) _doubts[key] = clock.GetUtcNow() + requestLife;
    }

    private async ValueTask<OutboxOutcome> OutcomeOfAsync(BlobKey key, StorageException e)
    {
        switch (e.Kind)
        {
            case StorageErrorKind.Full:
                return OutboxOutcome.Later(Wait, e.Message);
            case StorageErrorKind.TooLarge or StorageErrorKind.Unsupported or StorageErrorKind.LengthMismatch:
                return OutboxOutcome.Poison(e.Message);
            case StorageErrorKind.Closed:
                return OutboxOutcome.Unreachable(e.Message);
            case StorageErrorKind.Unavailable or StorageErrorKind.Timeout:
                return await IsReachedAsync(key).ConfigureAwait(false) ? OutboxOutcome.Failed(e.Message) : OutboxOutcome.Unreachable(e.Message);
            default:
                return OutboxOutcome.Failed(e.Message);
        }
    }

    private async ValueTask<bool> IsReachedAsync(BlobKey key)
    {
        try
        {
            await replica.Store.StatAsync(key).ConfigureAwait(false);
            return true;
        }
        catch (StorageException)
        {
            return false;
        }
    }
}
