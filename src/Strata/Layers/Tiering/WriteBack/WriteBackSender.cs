using System.Buffers.Binary;
using System.Collections.Concurrent;

namespace Strata;

/// <summary>
/// Takes the state of a key as the warm tier holds it to the origin, or its absence. A version that the origin has passed already is
/// not sent over it; what it holds by then is left, if others write there, or else passed by a version of our own.
/// </summary>
/// <param name="store">Told of what came of it.</param>
/// <param name="warm">What is read. While a key has an intent it holds the key's last state, or there is none.</param>
/// <param name="origin">What is written to.</param>
/// <param name="clock">For doubts.</param>
/// <param name="requestLife">How long a request to the origin may live that was given up.</param>
internal sealed class WriteBackSender(WriteBackBlobStore store, IBlobStore warm, IBlobStore origin, TimeProvider clock, TimeSpan requestLife) : IOutboxTarget, IOutboxConfirmation
{
    /// <summary>How long a send waits that the origin has no room for.</summary>
    private static readonly TimeSpan FullWait = TimeSpan.FromMinutes(1);
    private readonly bool _comparesVersions = origin.Capabilities.Conditions.HasFlag(WriteConditionKind.IfOlder);
    private readonly ConcurrentDictionary<BlobKey, (BlobInfo Info, TrustStamp Stamp)> _sent = new();
    private readonly ConcurrentDictionary<BlobKey, DateTimeOffset> _doubts = new();

    /// <summary>What an intent says of itself: its change's version.</summary>
    public static ReadOnlyMemory<byte> DataOf(BlobVersion version)
    {
        byte[] data = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(data, version.Value);
        return data;
    }

    /// <summary>A send that was begun before this start may yet come through.</summary>
    public void MayHaveSent(BlobKey key)
    {
        if (!_comparesVersions) _doubts[key] = clock.GetUtcNow() + requestLife;
    }

    /// <summary>What the origin was last seen to take of the key.</summary>
    public (BlobInfo? Info, TrustStamp Stamp) Forget(BlobKey key) => _sent.TryRemove(key, out (BlobInfo Info, TrustStamp Stamp) sent) ? sent : default;

    /// <inheritdoc/>
    public async ValueTask<OutboxOutcome> SendAsync(OutboxIntent intent, CancellationToken cancellationToken)
    {
        if (!BlobKey.TryParse(intent.Key, out BlobKey key)) return OutboxOutcome.Poison("It is of a key that is none.");
        BlobVersion version = intent.Data.Length == sizeof(ulong) ? new(BinaryPrimitives.ReadUInt64LittleEndian(intent.Data.Span)) : BlobVersion.None;
        TrustStamp stamp = store.TakeStamp();
        _sent.TryRemove(key, out _);
        BlobReadResult? read = await warm.ReadAsync(key, null, cancellationToken).ConfigureAwait(false);
        try
        {
            if (read is null)
            {
                if (!await DeleteAsync(key, version, cancellationToken).ConfigureAwait(false)) return OutboxOutcome.Done;
            }
            else
            {
                await using (read.ConfigureAwait(false))
                {
                    BlobInfo info = read.Info with { Tier = null };
                    if (!await WriteAsync(info, read, cancellationToken).ConfigureAwait(false)) return OutboxOutcome.Done;
                    _sent[key] = (info, stamp);
                }
            }

            return Settled(key);
        }
        catch (StorageException e)
        {
            NoteDoubt(key, e.Outcome);
            return await OutcomeOfAsync(key, e, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not ArgumentException)
        {
            // Given up in the middle, or by nobody knows what.
            NoteDoubt(key, WriteOutcome.Unknown);
            throw;
        }
    }

    /// <inheritdoc/>
    public ValueTask ConfirmedAsync(string key) => store.ConfirmedAsync(BlobKey.Parse(key));

    /// <inheritdoc/>
    public void GivenUp(string key) => store.GivenUp(BlobKey.Parse(key));

    /// <returns>False: the origin holds another state that stays, or that a later send passes.</returns>
    private async ValueTask<bool> WriteAsync(BlobInfo info, BlobReadResult read, CancellationToken cancellationToken)
    {
        // Sent before, and not known to be: whoever looks at the origin now must not see it change.
        if (_doubts.ContainsKey(info.Key) && await origin.StatAsync(info.Key, cancellationToken).ConfigureAwait(false) is { } there && there.IsSameWriteAs(info)) return true;
        var options = new WriteOptions { AsCopyOf = info, Condition = _comparesVersions ? WriteCondition.IfOlder(info.Version) : default };
        WriteResult written = await origin.WriteAsync(info.Key, BlobContent.From(read), options, cancellationToken).ConfigureAwait(false);
        if (written.IsWritten) return true;
        BlobInfo? current = await origin.StatAsync(info.Key, cancellationToken).ConfigureAwait(false);
        if (current?.IsSameWriteAs(info) == true) return true;
        await PassAsync(info.Key, current?.Version ?? info.Version).ConfigureAwait(false);
        return false;
    }

    private async ValueTask<bool> DeleteAsync(BlobKey key, BlobVersion version, CancellationToken cancellationToken)
    {
        WriteCondition condition = _comparesVersions && version.IsKnown ? WriteCondition.IfOlder(version) : default;
        DeleteResult deleted = await origin.DeleteAsync(key, condition, cancellationToken).ConfigureAwait(false);
        if (deleted.Status != DeleteStatus.PreconditionFailed) return true;

        // What bears the very version and an end is the write that has expired in the warm tier, and so here.
        if (await origin.StatAsync(key, cancellationToken).ConfigureAwait(false) is not { } current || (current.Version == version && current.Expires is not null)) return true;
        await PassAsync(key, current.Version).ConfigureAwait(false);
        return false;
    }

    /// <summary>The origin holds a version that is not older: the last writer's is to stay.</summary>
    private ValueTask PassAsync(BlobKey key, BlobVersion version) => origin.Capabilities.IsSingleWriter ? store.RestampAsync(key, version) : default;

    /// <summary>Nothing more to do, unless an earlier attempt may yet come through: until it cannot the warm tier answers, and then the origin is looked at again.</summary>
    private OutboxOutcome Settled(BlobKey key)
    {
        if (!_doubts.TryGetValue(key, out DateTimeOffset until)) return OutboxOutcome.Done;
        TimeSpan wait = until - clock.GetUtcNow();
        if (wait > TimeSpan.Zero) return OutboxOutcome.Later(wait, "The origin has it, but an earlier attempt is of unknown outcome and may yet come through; it is looked at again when it cannot.");
        _doubts.TryRemove(key, out _);
        return OutboxOutcome.Done;
    }

    private void NoteDoubt(BlobKey key, WriteOutcome outcome)
    {
        if (outcome == WriteOutcome.Unknown && !_comparesVersions) _doubts[key] = clock.GetUtcNow() + requestLife;
    }

    private async ValueTask<OutboxOutcome> OutcomeOfAsync(BlobKey key, StorageException e, CancellationToken cancellationToken)
    {
        switch (e.Kind)
        {
            case StorageErrorKind.Full:
                return OutboxOutcome.Later(FullWait, e.Message);
            case StorageErrorKind.TooLarge or StorageErrorKind.Unsupported or StorageErrorKind.LengthMismatch:
                return OutboxOutcome.Poison(e.Message);
            case StorageErrorKind.Closed:
                return OutboxOutcome.Unreachable(e.Message);
            case StorageErrorKind.Unavailable or StorageErrorKind.Timeout:
                return await IsReachedAsync(key, cancellationToken).ConfigureAwait(false) ? OutboxOutcome.Failed(e.Message) : OutboxOutcome.Unreachable(e.Message);
            default:
                return OutboxOutcome.Failed(e.Message);
        }
    }

    private async ValueTask<bool> IsReachedAsync(BlobKey key, CancellationToken cancellationToken)
    {
        try
        {
            await origin.StatAsync(key, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (StorageException)
        {
            return false;
        }
    }
}
