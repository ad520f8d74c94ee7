using System.Buffers.Binary;

namespace Strata.Testing;

/// <summary>
/// A recorded history of one key under several threads, and the search for an order that explains it (Wing and Gong,
/// 1993, with Lowe's memo of states that were tried).
/// </summary>
/// <remarks>Every write has a number of its own, so that the key's state is one integer: the number last written, or 0 for missing.</remarks>
internal sealed class RegisterHistory(IBlobStore store, BlobKey key, int seed)
{
    private readonly List<Event> _events = [];
    private readonly Lock _gate = new();
    private int _clock;
    private int _numbers;

    /// <summary>What a thread may do to the key.</summary>
    public enum Kind
    {
        Read,
        Write,
        Delete,
        WriteIfAbsent,
        WriteIfMatch,
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

    /// <summary>True if the operations can be put in an order that respects time and explains every answer.</summary>
    public bool IsLinearizable() => Explains([.. _events], done: 0, state: 0, []);

    /// <summary>The operations in the order of their calls.</summary>
    public override string ToString() => string.Join('\n', _events.OrderBy(e => e.Called));

    private static bool Explains(Event[] events, int done, int state, HashSet<(int Done, int State)> tried)
    {
        if (done == (1 << events.Length) - 1) return true;
        if (!tried.Add((done, state))) return false;
        int firstReturn = events.Where((_, i) => (done >> i & 1) == 0).Min(e => e.Returned);
        for (int i = 0; i < events.Length; i++)
        {
            bool mayBeNext = (done >> i & 1) == 0 && events[i].Called < firstReturn;
            if (mayBeNext && events[i].Apply(state) is { } next && Explains(events, done | 1 << i, next, tried)) return true;
        }

        return false;
    }

    private async Task RunThreadAsync(Random random, int operations)
    {
        (int Number, string ETag) known = (0, "none");
        for (int i = 0; i < operations; i++)
        {
            var kind = (Kind)random.Next(5);
            int number = Interlocked.Increment(ref _numbers);
            int called = Interlocked.Increment(ref _clock);
            int answer;
            switch (kind)
            {
                case Kind.Read:
                    known = await ReadAsync().ConfigureAwait(false);
                    answer = known.Number;
                    break;
                case Kind.Delete:
                    answer = (await store.DeleteAsync(key).ConfigureAwait(false)).Status == DeleteStatus.Deleted ? 1 : 0;
                    break;
                default:
                    answer = await WriteAsync(kind, number, known.ETag).ConfigureAwait(false);
                    break;
            }

            Add(new Event(kind, number, known.Number, answer, called, Interlocked.Increment(ref _clock)));
        }
    }

    private async Task<(int Number, string ETag)> ReadAsync()
    {
        BlobReadResult? result = await store.ReadAsync(key).ConfigureAwait(false);
        if (result is null) return (0, "none");
        await using (result.ConfigureAwait(false))
        {
            return (BinaryPrimitives.ReadInt32LittleEndian(await result.ToArrayAsync().ConfigureAwait(false)), result.Info.ETag);
        }
    }

    private async Task<int> WriteAsync(Kind kind, int number, string etag)
    {
        if (!store.Capabilities.Conditions.HasFlag(WriteConditionKind.IfAbsent | WriteConditionKind.IfMatch)) kind = Kind.Write;
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, number);
        WriteCondition condition = kind switch
        {
            Kind.WriteIfAbsent => WriteCondition.IfAbsent,
            Kind.WriteIfMatch => WriteCondition.IfMatch(etag),
            _ => WriteCondition.None,
        };
        return (await store.PutBytesAsync(key, bytes, new WriteOptions { Condition = condition }).ConfigureAwait(false)).IsWritten ? 1 : 0;
    }

    /// <summary>One operation and its answer.</summary>
    /// <param name="Kind">What was done.</param>
    /// <param name="Number">The number that it would write.</param>
    /// <param name="Expected">For <see cref="Kind.WriteIfMatch"/>: the number whose ETag was expected; 0 for one that no write has.</param>
    /// <param name="Answer">For a read the number seen; else 1 if it was done, 0 if not.</param>
    /// <param name="Called">When it was called.</param>
    /// <param name="Returned">When it returned.</param>
    public readonly record struct Event(Kind Kind, int Number, int Expected, int Answer, int Called, int Returned)
    {
        /// <summary>The state after it, or null if its answer does not fit this state.</summary>
        public int? Apply(int state) => Kind switch
        {
            Kind.Read => Answer == state ? state : null,
            Kind.Delete => Answer == (state == 0 ? 0 : 1) ? 0 : null,
            Kind.WriteIfAbsent => Conditional(state, holds: state == 0),
            Kind.WriteIfMatch => Conditional(state, holds: state != 0 && state == Expected),
            _ => Answer == 1 ? Number : null,
        };

        private int? Conditional(int state, bool holds) => holds == (Answer == 1) ? (holds ? Number : state) : null;
    }
}
