using System.Globalization;
using System.Text;
using Xunit;

namespace Strata.Testing;

/// <summary>
/// A recorded history of reads of several keys and atomic writes under several threads, and the search for an order that
/// explains it (Wing and Gong, 1993, with Lowe's memo of states that were tried). The order must also be that of the
/// versionstamps.
/// </summary>
/// <remarks>
/// Every write has a number of its own and sets its keys to it, so that a key's state is one small integer: the number
/// last written, or 0 for missing. The last key is a counter, which is only summed. The whole state is thus one word.
/// </remarks>
internal sealed class KvHistory(IKvDatabase database, string prefix, int seed)
{
    /// <summary>Keys of a history, the counter among them.</summary>
    public const int Keys = 4;

    /// <summary>The key that is only summed.</summary>
    public const int Counter = Keys - 1;

    private const int BitsOfKey = 16, MostEvents = 40;
    private readonly List<Event> _events = [];
    private readonly Lock _gate = new();
    private int _clock;
    private int _numbers;

    /// <summary>Records a history of 3 to 8 threads and looks for the order.</summary>
    /// <param name="database">The database.</param>
    /// <param name="prefix">Of the history's keys, which have no entries.</param>
    /// <param name="seed">Which operations.</param>
    /// <param name="context">For the message of a failure.</param>
    public static async Task CheckAsync(IKvDatabase database, string prefix, int seed, string context)
    {
        var history = new KvHistory(database, prefix, seed);
        int threads = new Random(seed).Next(3, 9);
        await history.RecordAsync(threads, MostEvents / threads).ConfigureAwait(false);
        Assert.True(history.IsLinearizable(), $"{context}: no order explains\n{history}");
    }

    /// <summary>Runs random operations on several threads at once.</summary>
    public async Task RecordAsync(int threads, int operations)
    {
        using var start = new Barrier(threads);
        await Task.WhenAll(Enumerable.Range(0, threads).Select(thread => Task.Factory.StartNew(
            async () =>
            {
                start.SignalAndWait();
                await RunThreadAsync(new Random(HashCode.Combine(seed, thread)), operations).ConfigureAwait(false);
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default).Unwrap())).ConfigureAwait(false);
    }

    /// <summary>Records one operation.</summary>
    public void Add(Event operation)
    {
        lock (_gate) _events.Add(operation);
    }

    /// <summary>True if the operations can be put in an order that respects time and versionstamps and explains every answer.</summary>
    public bool IsLinearizable()
    {
        if (_events.Count > 64) throw new InvalidOperationException("A history has at most 64 operations.");
        return Explains([.. _events.OrderBy(e => e.Called)], done: 0, state: 0, Versionstamp.None, []);
    }

    /// <summary>The operations in the order of their calls.</summary>
    public override string ToString() => string.Join('\n', _events.OrderBy(e => e.Called));

    private static bool Explains(Event[] events, ulong done, ulong state, Versionstamp last, HashSet<(ulong Done, ulong State)> tried)
    {
        if (done == ulong.MaxValue >> (64 - events.Length)) return true;
        if (!tried.Add((done, state))) return false;
        int firstReturn = int.MaxValue;
        for (int i = 0; i < events.Length; i++)
        {
            if ((done >> i & 1) == 0) firstReturn = Math.Min(firstReturn, events[i].Returned);
        }

        for (int i = 0; i < events.Length; i++)
        {
            Event next = events[i];
            bool mayBeNext = (done >> i & 1) == 0 && next.Called < firstReturn && (!next.Stamp.IsKnown || next.Stamp > last);
            if (mayBeNext && next.Apply(state) is { } after && Explains(events, done | 1UL << i, after, next.Stamp.IsKnown ? next.Stamp : last, tried)) return true;
        }

        return false;
    }

    private async Task RunThreadAsync(Random random, int operations)
    {
        var known = new Known[Keys];
        for (int i = 0; i < operations; i++)
        {
            int[] keys = [.. Enumerable.Range(0, Keys).Where(_ => random.Next(2) == 0)];
            int called = Interlocked.Increment(ref _clock);
            Event operation = random.Next(5) < 2
                ? await ReadAsync(keys, known).ConfigureAwait(false)
                : await WriteAsync(random, keys, known).ConfigureAwait(false);
            Add(operation with { Called = called, Returned = Interlocked.Increment(ref _clock) });
            if (random.Next(4) == 0) await Task.Yield();
        }
    }

    private async Task<Event> ReadAsync(int[] keys, Known[] known)
    {
        IReadOnlyList<KvRange> found = await database.SnapshotReadAsync([.. keys.Select(k => ReadRange.Of(KeyOf(k)))], null, CancellationToken.None).ConfigureAwait(false);
        foreach ((int key, KvRange range) in keys.Zip(found))
        {
            known[key] = range.Entries is [var entry] && entry.Value.TryGetUInt64(out ulong number) ? new Known((int)number, entry.Versionstamp) : default;
        }

        return new Event(true, [.. keys.Select(k => (k, known[k].Number))], [], Versionstamp.None);
    }

    private async Task<Event> WriteAsync(Random random, int[] keys, Known[] known)
    {
        int number = Interlocked.Increment(ref _numbers);
        bool isDelete = random.Next(4) == 0;
        int[] checks = random.Next(2) == 0 ? [] : [.. Enumerable.Range(0, Counter).Where(_ => random.Next(3) == 0)];
        KvMutation[] mutations = [.. keys.Select(k => k == Counter ? KvMutation.Sum(KeyOf(k), 1) : isDelete ? KvMutation.Delete(KeyOf(k)) : KvMutation.Set(KeyOf(k), KvValue.OfUInt64((ulong)number)))];
        CommitResult result = await database.AtomicWriteAsync(new AtomicWrite { Checks = [.. checks.Select(k => new KvCheck(KeyOf(k), known[k].Stamp))], Mutations = mutations }, CancellationToken.None).ConfigureAwait(false);
        Event operation = new(false, [.. checks.Select(k => (k, known[k].Number))], [.. keys.Select(k => (k, isDelete ? 0 : number))], result.Versionstamp);
        if (!result.IsCommitted) return operation;
        foreach (int key in keys.Where(k => k != Counter)) known[key] = isDelete ? default : new Known(number, result.Versionstamp);
        return operation;
    }

    private byte[] KeyOf(int key) => Encoding.ASCII.GetBytes(prefix + key.ToString(CultureInfo.InvariantCulture));

    /// <summary>What a thread has last seen of a key.</summary>
    private readonly record struct Known(int Number, Versionstamp Stamp);

    /// <summary>One operation and its answer.</summary>
    /// <param name="IsRead">A read of several keys; else an atomic write.</param>
    /// <param name="Seen">Of a read: what was found; of a write: what its checks expected.</param>
    /// <param name="Sets">Of a write: what it sets keys to, 0 for a delete; the counter is raised by one.</param>
    /// <param name="Stamp">Of a write: its versionstamp; none if a check failed.</param>
    /// <param name="Called">When it was called.</param>
    /// <param name="Returned">When it returned.</param>
    public sealed record Event(bool IsRead, (int Key, int Number)[] Seen, (int Key, int Number)[] Sets, Versionstamp Stamp, int Called = 0, int Returned = 0)
    {
        /// <summary>The state after it, or null if its answer does not fit this state.</summary>
        public ulong? Apply(ulong state)
        {
            bool fits = true;
            foreach ((int key, int number) in Seen) fits &= Of(state, key) == (ushort)number;
            if (IsRead) return fits ? state : null;
            if (fits != Stamp.IsKnown) return null;
            if (!fits) return state;
            foreach ((int key, int number) in Sets) state = With(state, key, key == Counter ? Of(state, key) + 1 : number);
            return state;
        }

        /// <inheritdoc/>
        public override string ToString() => string.Create(
            CultureInfo.InvariantCulture,
            $"{Called,3} to {Returned,3}: {(IsRead ? "read" : Stamp.IsKnown ? $"commit {Stamp.Counter}, expected" : "check failed, expected")} {Join(Seen)}{(IsRead ? "" : $", sets {Join(Sets)}")}");

        private static string Join((int Key, int Number)[] keys) => keys.Length == 0 ? "nothing" : string.Join(' ', keys.Select(k => k.Key == Counter ? $"counter={k.Number}" : $"{k.Key}={k.Number}"));

        private static int Of(ulong state, int key) => (ushort)(state >> (key * BitsOfKey));

        private static ulong With(ulong state, int key, int number) => (state & ~((ulong)ushort.MaxValue << (key * BitsOfKey))) | ((ulong)(ushort)number << (key * BitsOfKey));
    }
}
