using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace Strata.Workload;

/// <summary>
/// Producers that each enqueue a number of messages, going on from where the database says they were, and a listener that
/// handles those of all lives. What a handler does is one write, refused if it was done before: so what was lost, enqueued
/// twice or done twice can be told afterwards.
/// </summary>
internal sealed class QueueCommand
{
    /// <summary>How many are handled at once.</summary>
    public const int Concurrency = 40;

    /// <summary>By so much each life's clock must be ahead of the one's before, so that the leases of the dead have ended.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);

    /// <summary>Nobody gives up what a kill interrupts.</summary>
    private static readonly TimeSpan[] Patient = [.. Enumerable.Repeat(TimeSpan.FromMilliseconds(10), 100)];

    private readonly ConcurrentDictionary<string, bool> _atWork = [];
    private readonly IKvDatabase _database;
    private readonly KvQueue _queue;

    private QueueCommand(IKvDatabase database, TimeProvider clock) => (_database, _queue) = (database, new KvQueue(database, "work", StoreContext.Default with { Clock = clock }));

    /// <summary>How many messages a producer has enqueued.</summary>
    public static byte[] SentBy(int producer) => Key($"sent/{producer}");

    /// <summary>The id of the message, once it was handled.</summary>
    public static byte[] DoneOf(int producer, long number) => Key($"done/{producer}/{number:d9}");

    /// <summary>The message, once it was given up.</summary>
    public static byte[] UndeliveredOf(int producer, long number) => Key($"undelivered/{producer}/{number:d9}");

    /// <summary>Counts what was done.</summary>
    public static byte[] Effects => Key("effects");

    /// <summary>Counts deliveries of what had been done already.</summary>
    public static byte[] Repeats => Key("repeats");

    /// <summary>No attempt succeeds, and there is one alone.</summary>
    public static bool IsHopeless(long number) => number % 100 == 99;

    public static async Task<int> RunAsync(WorkloadSettings settings)
    {
        try
        {
            await using IKvDatabase database = await settings.OpenKvAsync();
            await Console.Out.WriteLineAsync(WriteCommand.Opened);
            await new QueueCommand(database, new LateClock(settings.Time)).WorkAsync(settings);
            return WriteCommand.Well;
        }
        catch (Exception e)
        {
            await Console.Out.WriteLineAsync($"wrong: {e}");
            return WriteCommand.Wrong;
        }
    }

    private async Task WorkAsync(WorkloadSettings settings)
    {
        using var stop = new CancellationTokenSource();
        Task listening = _queue.ListenAsync((message, _) => HandleAsync(message), new QueueListenOptions { Concurrency = Concurrency, Lease = Lease }, stop.Token);
        await Task.WhenAll(Enumerable.Range(0, settings.Writers).Select(p => Task.Run(() => ProduceAsync(p, settings.Steps))));
        while ((await _queue.GetStatusAsync()).Pending > 0 && !listening.IsCompleted) await Task.Delay(500);
        await stop.CancelAsync();
        await listening;
    }

    private async Task ProduceAsync(int producer, long messages)
    {
        KvEntry? sent = await FindAsync(SentBy(producer));
        Versionstamp last = sent?.Versionstamp ?? Versionstamp.None;
        for (long number = NumberOf(sent) + 1; number <= messages; number++)
        {
            var options = new EnqueueOptions { Backoff = IsHopeless(number) ? [] : Patient, KeysIfUndelivered = [UndeliveredOf(producer, number)] };
            var write = new AtomicWrite
            {
                Checks = [new KvCheck(SentBy(producer), last)],
                Mutations = [KvMutation.Set(SentBy(producer), KvValue.OfUInt64((ulong)number)), .. _queue.Enqueue(KvValue.OfBytes(Key($"{producer} {number}")), options, 0)],
            };
            CommitResult result = await _database.AtomicWriteAsync(write, CancellationToken.None);
            if (!result.IsCommitted) throw new InvalidDataException($"message {number} of producer {producer} was refused, though nobody else counts its messages");
            last = result.Versionstamp;
            Console.WriteLine(new Acknowledgement(producer, StepResult.Applied, number, (long)last.Counter).ToString());
        }
    }

    private async Task HandleAsync(QueueMessage message)
    {
        if (!_atWork.TryAdd(message.Id, true)) Console.WriteLine($"wrong: message {message.Id} was delivered while its handler was at work");
        try
        {
            string[] parts = Encoding.ASCII.GetString(message.Value.Data.Span).Split(' ');
            (int producer, long number) = (int.Parse(parts[0], CultureInfo.InvariantCulture), long.Parse(parts[1], CultureInfo.InvariantCulture));
            if (IsHopeless(number) || (number % 17 == 0 && message.Attempt == 1)) throw new InvalidOperationException("It was meant to fail.");
            await DoAsync(message, DoneOf(producer, number));
        }
        finally
        {
            _atWork.TryRemove(message.Id, out _);
        }
    }

    private async Task DoAsync(QueueMessage message, byte[] key)
    {
        var write = new AtomicWrite { Checks = [new KvCheck(key, Versionstamp.None)], Mutations = [KvMutation.Set(key, KvValue.OfBytes(Key(message.Id))), KvMutation.Sum(Effects, 1)] };
        if ((await _database.AtomicWriteAsync(write, CancellationToken.None)).IsCommitted) return;
        string done = Encoding.ASCII.GetString((await FindAsync(key))!.Value.Data.Span);
        if (done != message.Id) Console.WriteLine($"wrong: the work of message {message.Id} was done by message {done}: it was enqueued twice");
        await _database.AtomicWriteAsync(new AtomicWrite { Mutations = [KvMutation.Sum(Repeats, 1)] }, CancellationToken.None);
    }

    private async Task<KvEntry?> FindAsync(byte[] key) => (await _database.SnapshotReadAsync([ReadRange.Of(key)], null, CancellationToken.None))[0].Entries.SingleOrDefault();

    private static long NumberOf(KvEntry? entry) => entry is not null && entry.Value.TryGetUInt64(out ulong number) ? (long)number : 0;

    private static byte[] Key(string text) => Encoding.ASCII.GetBytes(text);
}
