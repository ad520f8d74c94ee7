using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>
/// Durable intents to take the state of keys somewhere else: written with the change itself, sent by workers afterwards, and
/// never forgotten. In the rows of a store (<see cref="IStateRows"/>), where intent and blob commit together, or in any KV
/// database.
/// </summary>
/// <remarks>
/// <para><b>Commit point:</b> that of the rows' database. A change of a key that has an intent already becomes one with it,
/// unless that is being sent just then: then it is sent again. An intent is removed only by the stamp that it was sent under.</para>
/// <para>One send of a key at a time, over all workers; keys among each other have no order. At least once: where a worker dies, its
/// intents are sent again when their leases have run out. Processes that share an outbox must have clocks that agree to within a
/// fraction of the lease.</para>
/// <para><b>Cost:</b> two small rows with a change, two commits to send it, shared by those that are sent at the same time. A worker
/// looks at what is due and at new changes, never at all that waits. The format is in docs/formats/outbox.md.</para>
/// </remarks>
public sealed partial class Outbox
{
    private const int PageSize = 500;
    private readonly IKvDatabase _database;
    private readonly OutboxKeys _keys;
    private readonly OutboxParts _parts;
    private readonly TimeProvider _clock;

    /// <param name="database">Where the rows are; the outbox does not own it.</param>
    /// <param name="options">Settings.</param>
    /// <param name="context">Clock, loggers, meter.</param>
    /// <exception cref="ArgumentException">A setting is out of range.</exception>
    public Outbox(IKvDatabase database, OutboxOptions options, StoreContext? context = null)
    {
        ArgumentNullException.ThrowIfNull(database);
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        context ??= StoreContext.Default;
        (_database, _keys, _clock, Options) = (database, new OutboxKeys(options.Name), context.Clock, options);
        Owner = $"{Environment.MachineName[..Math.Min(60, Environment.MachineName.Length)]}/{Environment.ProcessId}/{Guid.NewGuid():n}";
        ILogger log = context.Loggers.CreateLogger<Outbox>();
        var room = new OutboxRoom(options, CountAsync, _clock);
        var transitions = new OutboxTransitions(database, _keys, options, Owner, _clock, log);
        _parts = new OutboxParts(database, _keys, options, transitions, room, new OutboxProgress(options, _clock, log), new OutboxMetrics(context.Meter, options.Label, room), _clock, log);
    }

    /// <summary>Its settings.</summary>
    public OutboxOptions Options { get; }

    /// <summary>Whether <see cref="AdmitAsync"/> has nothing to wait for.</summary>
    internal bool HasRoom => _parts.Room.HasRoom;

    /// <summary>Whose leases this outbox takes: machine, process, and a number of its own.</summary>
    public string Owner { get; }

    /// <summary>
    /// What puts an intent beside a change: rows for the atomic write of the change, or for the recorder of a store. It reads
    /// nothing and waits for nothing; <see cref="AdmitAsync"/> is where the bounds are kept, before the change.
    /// </summary>
    /// <param name="key">1 to 1,800 bytes of UTF-8.</param>
    /// <param name="data">What the change says of itself, at most 4 KiB; of several changes that are sent as one, the last one's counts.</param>
    /// <exception cref="ArgumentException">Key or data are too long.</exception>
    public IReadOnlyList<KvMutation> Intend(string key, ReadOnlyMemory<byte> data = default)
    {
        OutboxKeys.Check(key);
        if (data.Length > OutboxChange.MaxDataBytes) throw new ArgumentException($"The data of an intent has at most {OutboxChange.MaxDataBytes} bytes, not {data.Length}.", nameof(data));
        _parts.Room.Came(OutboxRoom.IntentBytes + key.Length + data.Length);
        return _parts.Transitions.Change(key, new OutboxChange(Now, data));
    }

    /// <summary>Enqueues an intent by itself, once there is room for it.</summary>
    /// <exception cref="StorageException">Of kind Full; or what the database says.</exception>
    public async ValueTask EnqueueAsync(string key, ReadOnlyMemory<byte> data = default, CancellationToken cancellationToken = default)
    {
        await AdmitAsync(cancellationToken).ConfigureAwait(false);
        await _database.AtomicWriteAsync(new AtomicWrite { Mutations = Intend(key, data) }, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Prepares an intent where it cannot commit with its change, because that is made elsewhere: prepare, make the change, then
    /// say how it went. Until then no worker takes it, unless its owner has died.
    /// </summary>
    /// <exception cref="StorageException">Of kind Full; or what the database says.</exception>
    public async ValueTask<OutboxPreparation> PrepareAsync(string key, ReadOnlyMemory<byte> data = default, CancellationToken cancellationToken = default)
    {
        OutboxKeys.Check(key);
        await AdmitAsync(cancellationToken).ConfigureAwait(false);
        var preparation = new OutboxPreparation(this, _parts, key, data.ToArray(), Owner);
        await preparation.WriteAsync(cancellationToken).ConfigureAwait(false);
        return preparation;
    }

    /// <summary>Waits until there is room for another intent: called before a change that brings one.</summary>
    /// <exception cref="StorageException">Of kind Full, transient: there is none, and those who want in do not wait (<see cref="OutboxOptions.WaitsWhenFull"/>).</exception>
    public ValueTask AdmitAsync(CancellationToken cancellationToken = default) => _parts.Room.AdmitAsync(cancellationToken);

    /// <summary>Sends intents until it is stopped; while the database cannot be reached it goes on trying, and logs it. There may be several, in several processes.</summary>
    /// <param name="target">Where to.</param>
    /// <param name="cancellationToken">Stops: no intent is taken any more; the task ends when those under way have.</param>
    /// <exception cref="StorageException">The database was closed.</exception>
    public Task RunAsync(IOutboxTarget target, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(target);
        return new OutboxWorker(_parts, target).RunAsync(cancellationToken);
    }

    /// <summary>Sends what is due now, and ends: for hosts that send by hand or at the end of a request. What has to wait for its next attempt is left.</summary>
    /// <returns>How many intents were sent.</returns>
    /// <exception cref="StorageException">What the database says.</exception>
    public Task<long> SendDueAsync(IOutboxTarget target, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        return new OutboxWorker(_parts, target).RunOnceAsync(cancellationToken);
    }

    /// <summary>
    /// Waits until the target has the state that a key has now, or a later one. Where the key goes on changing it may be told
    /// only of a later one.
    /// </summary>
    /// <exception cref="StorageException">What the database says.</exception>
    public async ValueTask<OutboxAcknowledgement> WaitAsync(string key, CancellationToken cancellationToken = default)
    {
        OutboxKeys.Check(key);
        Versionstamp asked = Versionstamp.None, sending = Versionstamp.None;
        await foreach (WatchUpdate update in _database.WatchAsync([_keys.Change(key), _keys.State(key), _keys.DeadLetter(key)], cancellationToken).ConfigureAwait(false))
        {
            KvEntry? change = update.Entries[0];
            Versionstamp state = update.Entries[1] is { } entry ? OutboxEntry.Read(entry.Value.Data).Change : Versionstamp.None;
            Versionstamp dead = update.Entries[2] is { } letter ? OutboxEntry.Read(letter.Value.Data).Change : Versionstamp.None;
            if (!asked.IsKnown)
            {
                asked = change?.Versionstamp ?? state;
                if (!asked.IsKnown) return dead.IsKnown ? OutboxAcknowledgement.Dead : OutboxAcknowledgement.Sent;
            }

            if (state.IsKnown)
            {
                if (state >= asked) sending = state;
                continue;
            }

            if (dead >= asked) return OutboxAcknowledgement.Dead;
            if (sending.IsKnown || change is null) return OutboxAcknowledgement.Sent;
        }

        throw StorageException.Closed("wait", Options.Name);
    }

    /// <summary>Waits until all that is pending now was sent or given up, whatever comes meanwhile.</summary>
    /// <returns>How many of it are dead letters.</returns>
    /// <exception cref="StorageException">What the database says.</exception>
    public async ValueTask<long> FlushAsync(CancellationToken cancellationToken = default)
    {
        Versionstamp now = (await _database.AtomicWriteAsync(new AtomicWrite(), cancellationToken).ConfigureAwait(false)).Versionstamp;
        long dead = 0;

        // What is being sent first: a change is never behind it.
        await foreach (KvEntry state in EntriesAsync(_keys.StatesFrom(null, PageSize), cancellationToken).ConfigureAwait(false))
        {
            if (OutboxEntry.Read(state.Value.Data).Change <= now) await WaitForAsync(state).ConfigureAwait(false);
        }

        await foreach (KvEntry change in EntriesAsync(_keys.ChangesFrom(null, PageSize, keysOnly: true), cancellationToken).ConfigureAwait(false))
        {
            if (change.Versionstamp <= now) await WaitForAsync(change).ConfigureAwait(false);
        }

        // Of what was taken between the two looks.
        await foreach (KvEntry state in EntriesAsync(_keys.StatesFrom(null, PageSize), cancellationToken).ConfigureAwait(false))
        {
            if (OutboxEntry.Read(state.Value.Data).Change <= now) await WaitForAsync(state).ConfigureAwait(false);
        }

        return dead;

        async ValueTask WaitForAsync(KvEntry row)
        {
            if (await WaitAsync(_keys.KeyOf(row.Key), cancellationToken).ConfigureAwait(false) == OutboxAcknowledgement.Dead) dead++;
        }
    }

    /// <summary>What it holds, and how its sending goes. Cost: reads all its rows.</summary>
    public async ValueTask<OutboxStatus> GetStatusAsync(CancellationToken cancellationToken = default)
    {
        long pending = 0, leased = 0, failed = 0, dead = 0, oldest = long.MaxValue;
        await foreach (KvEntry change in EntriesAsync(_keys.ChangesFrom(null, PageSize), cancellationToken).ConfigureAwait(false))
        {
            pending++;
            oldest = Math.Min(oldest, OutboxChange.Read(change.Value.Data).Enqueued);
        }

        await foreach (KvEntry state in EntriesAsync(_keys.StatesFrom(null, PageSize), cancellationToken).ConfigureAwait(false))
        {
            var entry = OutboxEntry.Read(state.Value.Data);
            pending++;
            if (entry.IsLeased) leased++;
            else if (entry.Attempts > 0) failed++;
            oldest = Math.Min(oldest, entry.Enqueued);
        }

        await foreach (KvEntry _ in EntriesAsync(_keys.DeadLettersFrom(null, PageSize, keysOnly: true), cancellationToken).ConfigureAwait(false)) dead++;
        return _parts.Progress.AddTo(new OutboxStatus
        {
            Pending = pending, Leased = leased, Failed = failed, Dead = dead,
            Oldest = oldest == long.MaxValue ? null : DateTimeOffset.FromUnixTimeMilliseconds(oldest),
        });
    }

    private long Now => _clock.GetUtcNow().ToUnixTimeMilliseconds();

    private async Task<(long Count, long Bytes)> CountAsync(CancellationToken cancellationToken)
    {
        long count = 0, bytes = 0;
        await foreach (KvEntry change in EntriesAsync(_keys.ChangesFrom(null, PageSize), cancellationToken).ConfigureAwait(false))
        {
            count++;
            bytes += OutboxRoom.IntentBytes + _keys.KeyOf(change.Key).Length + OutboxChange.Read(change.Value.Data).Data.Length;
        }

        await foreach (KvEntry state in EntriesAsync(_keys.StatesFrom(null, PageSize), cancellationToken).ConfigureAwait(false))
        {
            count++;
            bytes += OutboxRoom.IntentBytes + _keys.KeyOf(state.Key).Length + OutboxEntry.Read(state.Value.Data).Data.Length;
        }

        return (count, bytes);
    }

    private async IAsyncEnumerable<KvEntry> EntriesAsync(ReadRange range, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            IReadOnlyList<KvEntry> page = (await _database.SnapshotReadAsync([range], null, cancellationToken).ConfigureAwait(false))[0].Entries;
            foreach (KvEntry entry in page) yield return entry;
            if (page.Count < range.Limit) yield break;
            range = range with { Start = (byte[])[.. page[^1].Key.Span, 0] };
        }
    }
}
