using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>
/// An intent whose change is on its way somewhere else. It is prolonged for as long as this object is not disposed; to dispose it
/// without having said how the change went leaves that open, and the key's state is sent when the lease has run out.
/// </summary>
public sealed class OutboxPreparation : IAsyncDisposable
{
    private readonly Outbox _outbox;
    private readonly OutboxParts _parts;
    private readonly byte[] _data;
    private readonly string _owner;
    private readonly byte[] _row;
    private readonly long _enqueued;
    private readonly CancellationTokenSource _closing = new();
    private Task _prolonging = Task.CompletedTask;
    private bool _isClosed;

    internal OutboxPreparation(Outbox outbox, OutboxParts parts, string key, byte[] data, string owner)
    {
        (_outbox, _parts, Key, _data, _owner) = (outbox, parts, key, data, owner);
        _row = parts.Keys.Preparation(key, Guid.NewGuid().ToByteArray());
        _enqueued = parts.Clock.GetUtcNow().ToUnixTimeMilliseconds();
    }

    /// <summary>The key.</summary>
    public string Key { get; }

    /// <summary>The change was made, or may have been: workers take the intent from now on.</summary>
    /// <exception cref="StorageException">What the database says; the intent is sent when the lease has run out.</exception>
    public async ValueTask ReadyAsync(CancellationToken cancellationToken = default)
    {
        // Where somebody has taken it for dead meanwhile and sent the state before the change, it is an intent once more.
        await EndAsync([KvMutation.Delete(_row), .. _outbox.Intend(Key, _data)], cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The change was certainly not made: there is nothing to send.</summary>
    /// <exception cref="StorageException">What the database says.</exception>
    public ValueTask DiscardAsync(CancellationToken cancellationToken = default) => EndAsync([KvMutation.Delete(_row)], cancellationToken);

    /// <summary>Ends its prolonging.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isClosed) return;
        _isClosed = true;
        await _closing.CancelAsync().ConfigureAwait(false);
        await _prolonging.ConfigureAwait(false);
        _closing.Dispose();
    }

    internal async ValueTask WriteAsync(CancellationToken cancellationToken)
    {
        await CommitAsync([], [KvMutation.Set(_row, Entry())], cancellationToken).ConfigureAwait(false);
        _prolonging = ProlongAsync(_closing.Token);
    }

    private async ValueTask EndAsync(IReadOnlyList<KvMutation> mutations, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_isClosed, this);
        await DisposeAsync().ConfigureAwait(false);
        await CommitAsync([], mutations, cancellationToken).ConfigureAwait(false);
    }

    private async Task ProlongAsync(CancellationToken stop)
    {
        while (true)
        {
            try
            {
                await Task.Delay(_parts.Options.Lease / 3, _parts.Clock, stop).ConfigureAwait(false);
                IReadOnlyList<KvRange> found = await _parts.Database.SnapshotReadAsync([ReadRange.Of(_row)], null, stop).ConfigureAwait(false);

                // Taken for dead: it is an intent by now.
                if (found[0].Entries.Count == 0) return;
                await CommitAsync([new KvCheck(_row, found[0].Entries[0].Versionstamp)], [KvMutation.Set(_row, Entry())], stop).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (StorageException e)
            {
                _parts.Log.LogWarning(e, "The prepared intent for '{Key}' of outbox '{Outbox}' cannot be prolonged; it is tried again", Key, _parts.Options.Label);
                if (e.Kind == StorageErrorKind.Closed) return;
            }
        }
    }

    private KvValue Entry() => new OutboxEntry
    {
        Change = Versionstamp.None, Enqueued = _enqueued, IsLeased = true, Owner = _owner, Data = _data,
        Time = _parts.Clock.GetUtcNow().ToUnixTimeMilliseconds() + (long)_parts.Options.Lease.TotalMilliseconds,
    }.Write();

    private ValueTask<CommitResult> CommitAsync(IReadOnlyList<KvCheck> checks, IReadOnlyList<KvMutation> mutations, CancellationToken cancellationToken) =>
        _parts.Database.AtomicWriteAsync(new AtomicWrite { Checks = checks, Mutations = mutations }, cancellationToken);
}
