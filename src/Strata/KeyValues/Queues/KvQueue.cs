using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>
/// A queue in a KV database: messages that are enqueued by an atomic write, put off, delivered at least once, tried again
/// by a schedule, and given up into keys or dead letters. Any database with atomic writes has queues.
/// </summary>
/// <remarks>
/// <para><b>Commit point:</b> the atomic write that enqueues. A message ends with the write that acknowledges it, after its handler.</para>
/// <para>At least once: a handler whose process dies, or whose database is out when it has finished, is given its message
/// again. While it runs, its lease is renewed, so that no other one gets it.</para>
/// <para>Messages come in the order in which they are due, and are handled side by side; there is no other order.
/// Processes that share a queue must have clocks that agree to within a fraction of the lease.</para>
/// </remarks>
/// <param name="database">Where it lies; the queue does not own it.</param>
/// <param name="name">Queues with different names know nothing of each other. At most 100 bytes; empty: the one that Deno's applications know.</param>
/// <param name="context">Clock and loggers.</param>
public sealed class KvQueue(IKvDatabase database, string name = "", StoreContext? context = null)
{
    private const int PageSize = 500;
    private static readonly TimeSpan LongestDelay = TimeSpan.FromDays(3_650), LongestBackoff = TimeSpan.FromDays(365);
    private readonly IKvDatabase _database = database ?? throw new ArgumentNullException(nameof(database));
    private readonly QueueKeys _keys = new(name);
    private readonly StoreContext _context = context ?? StoreContext.Default;

    /// <summary>The queue's name.</summary>
    public string Name { get; } = name;

    /// <summary>Enqueues a message.</summary>
    /// <exception cref="ArgumentException">It is longer than the database takes, or an option is out of its range.</exception>
    /// <exception cref="StorageException">What the database says.</exception>
    public async ValueTask<CommitResult> EnqueueAsync(KvValue value, EnqueueOptions? options = null, CancellationToken cancellationToken = default) =>
        await _database.AtomicWriteAsync(new AtomicWrite { Mutations = Enqueue(value, options, 0) }, cancellationToken).ConfigureAwait(false);

    /// <summary>What enqueues a message as part of an atomic write.</summary>
    /// <param name="value">The message.</param>
    /// <param name="options">How it is delivered.</param>
    /// <param name="place">How many messages the write enqueues before this one.</param>
    /// <exception cref="ArgumentException">It is longer than the database takes, or an option is out of its range.</exception>
    public IReadOnlyList<KvMutation> Enqueue(KvValue value, EnqueueOptions? options, int place)
    {
        options ??= new EnqueueOptions();
        if (options.Delay < TimeSpan.Zero || options.Delay > LongestDelay) throw new ArgumentException($"Delay must be 0 to {LongestDelay.TotalDays} days; it is {options.Delay}.", nameof(options));
        if (options.Backoff.Count > QueueRecord.MaxBackoff) throw new ArgumentException($"Backoff has at most {QueueRecord.MaxBackoff} waits, not {options.Backoff.Count}.", nameof(options));
        if (options.Backoff.Any(w => w < TimeSpan.Zero || w > LongestBackoff)) throw new ArgumentException($"Each wait of Backoff must be 0 to {LongestBackoff.TotalDays} days.", nameof(options));
        KvLimits limits = _database.Capabilities.Limits;
        if (options.KeysIfUndelivered.Count > QueueRecord.MaxKeys) throw new ArgumentException($"KeysIfUndelivered has at most {QueueRecord.MaxKeys} keys, not {options.KeysIfUndelivered.Count}.", nameof(options));
        if (options.KeysIfUndelivered.Any(k => k.Length == 0 || k.Length > limits.MaxKeyBytes)) throw new ArgumentException($"A key has 1 to {limits.MaxKeyBytes} bytes.", nameof(options));
        DateTimeOffset now = _context.Clock.GetUtcNow();
        KvValue record = new QueueRecord { Value = value, Enqueued = now, Backoff = options.Backoff, KeysIfUndelivered = options.KeysIfUndelivered }.Write();
        int room = limits.MaxValueBytes - QueueRecord.MaxErrorLength * 3, own = record.Data.Length - value.Data.Length;
        if (record.Data.Length > room) throw new ArgumentException($"A message has at most {room - own} bytes here, not {value.Data.Length}. Keep the value under a key of its own, and enqueue the key.", nameof(value));
        return
        [
            KvMutation.SetVersionstampedKey(_keys.NewMessage(now + options.Delay, place), record),
            KvMutation.Set(_keys.Bell, KvValue.OfBytes(default)),
        ];
    }

    /// <summary>
    /// Handles messages until it is stopped: takes those that are due, up to the limit at once, and waits for the next.
    /// A handler that throws has failed; one that returns has done with its message.
    /// </summary>
    /// <param name="handler">
    /// Handles a message. Its token is cancelled when the message is no longer its own (the lease could not be renewed), or
    /// the listener has been stopped for longer than <see cref="QueueListenOptions.DrainTimeout"/>.
    /// </param>
    /// <param name="options">How many at once, and leases.</param>
    /// <param name="cancellationToken">Stops: no message is taken any more; the task ends when the handlers at work have.</param>
    /// <exception cref="StorageException">The database was closed. While it cannot be reached the listener goes on trying, and logs it.</exception>
    public Task ListenAsync(Func<QueueMessage, CancellationToken, Task> handler, QueueListenOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(handler);
        options ??= new QueueListenOptions();
        options.Check();
        return new QueueListener(_database, _keys, Name, handler, options, _context.Clock, _context.Loggers.CreateLogger<KvQueue>()).RunAsync(cancellationToken);
    }

    /// <summary>Its messages for handlers in other processes.</summary>
    internal QueueLeases Leases => new(_database, _keys, Name, _context);

    /// <summary>What a receipt is as text: digits and lower-case letters.</summary>
    internal string TextOf(QueueReceipt receipt) => _keys.ReceiptOf(receipt);

    /// <summary>Reads what <see cref="TextOf"/> wrote.</summary>
    /// <exception cref="ArgumentException">It is no receipt.</exception>
    internal QueueReceipt ReceiptOf(string text) => _keys.Receipt(text) ?? throw new ArgumentException("That is no receipt of a message: it is told when the message is taken, and anew when it is kept.", nameof(text));

    /// <summary>What the queue holds. Cost: reads all its keys.</summary>
    public async ValueTask<QueueStatus> GetStatusAsync(CancellationToken cancellationToken = default)
    {
        DateTimeOffset now = _context.Clock.GetUtcNow();
        long pending = 0, due = 0, dead = 0;
        DateTimeOffset? oldest = null;
        await foreach (KvEntry entry in EntriesAsync(_keys.MessagesUntil(null, PageSize, keysOnly: true), cancellationToken).ConfigureAwait(false))
        {
            if (!_keys.IsMessage(entry.Key)) continue;
            pending++;
            DateTimeOffset at = _keys.DueOf(entry.Key);
            if (at > now) continue;
            due++;
            oldest ??= at;
        }

        await foreach (KvEntry _ in EntriesAsync(_keys.AllDeadLetters(PageSize, keysOnly: true), cancellationToken).ConfigureAwait(false)) dead++;
        return new QueueStatus(pending, due, dead, oldest);
    }

    /// <summary>The messages given up, the oldest first.</summary>
    public async IAsyncEnumerable<QueueDeadLetter> ListDeadLettersAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (KvEntry entry in EntriesAsync(_keys.AllDeadLetters(PageSize), cancellationToken).ConfigureAwait(false))
        {
            QueueRecord record = QueueRecord.Read(entry.Value.Data);
            yield return new QueueDeadLetter(QueueKeys.IdOf(entry.Key), record.Value, record.Deliveries, record.Enqueued, record.GivenUp ?? record.Enqueued, record.Error);
        }
    }

    /// <summary>Enqueues a dead letter anew, with all its attempts before it; its id stays.</summary>
    /// <returns>False: there is none of this id.</returns>
    public ValueTask<bool> ReplayAsync(string id, CancellationToken cancellationToken = default) => TakeDeadLetterAsync(id, isReplayed: true, cancellationToken);

    /// <summary>Removes a dead letter.</summary>
    /// <returns>False: there is none of this id.</returns>
    public ValueTask<bool> DiscardAsync(string id, CancellationToken cancellationToken = default) => TakeDeadLetterAsync(id, isReplayed: false, cancellationToken);

    private async ValueTask<bool> TakeDeadLetterAsync(string id, bool isReplayed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(id);
        if (_keys.DeadLetter(id) is not { } key) return false;
        IReadOnlyList<KvRange> found = await _database.SnapshotReadAsync([ReadRange.Of(key)], null, cancellationToken).ConfigureAwait(false);
        if (found[0].Entries.Count == 0) return false;
        KvEntry entry = found[0].Entries[0];
        List<KvMutation> mutations = [KvMutation.Delete(key)];
        if (isReplayed)
        {
            QueueRecord record = QueueRecord.Read(entry.Value.Data) with { Deliveries = 0, GivenUp = null, Error = "" };
            mutations.Add(KvMutation.Set(_keys.Moved(key, _context.Clock.GetUtcNow()), record.Write()));
            mutations.Add(KvMutation.Set(_keys.Bell, KvValue.OfBytes(default)));
        }

        CommitResult result = await _database.AtomicWriteAsync(new AtomicWrite { Checks = [new KvCheck(key, entry.Versionstamp)], Mutations = mutations }, cancellationToken).ConfigureAwait(false);
        return result.IsCommitted;
    }

    private async IAsyncEnumerable<KvEntry> EntriesAsync(ReadRange range, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            IReadOnlyList<KvEntry> entries = (await _database.SnapshotReadAsync([range], null, cancellationToken).ConfigureAwait(false))[0].Entries;
            foreach (KvEntry entry in entries) yield return entry;
            if (entries.Count < range.Limit) yield break;
            byte[] next = [.. entries[^1].Key.Span, 0];
            range = range with { Start = next };
        }
    }
}
