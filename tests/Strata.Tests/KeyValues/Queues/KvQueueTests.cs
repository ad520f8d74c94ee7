using System.Collections.Concurrent;
using System.Text;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>What a queue promises, over a clock that stands still. A class a backend.</summary>
public abstract class KvQueueTests(KvBackend backend) : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private readonly FakeClock _clock = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _listening = [];
    private FaultyDatabase _database = null!;
    private KvQueue _queue = null!;

    public async ValueTask InitializeAsync()
    {
        // The database has a clock of its own: what waits for the queue's is the queue.
        _database = new FaultyDatabase(await backend.OpenAsync(_folder.Path, new StoreContext { Clock = new FakeClock() }));
        _queue = new KvQueue(_database, "", new StoreContext { Clock = _clock });
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await _stop.CancelAsync();
        await Task.WhenAll(_listening);
        await _database.DisposeAsync();
        _folder.Dispose();
        _stop.Dispose();
    }

    [Fact]
    public async Task A_message_is_delivered_and_then_gone()
    {
        ConcurrentQueue<QueueMessage> seen = Listen();
        await _queue.EnqueueAsync(Text("hello"), cancellationToken: Token);
        await Eventually.HoldsAsync(() => seen.Count == 1, "The message was not delivered: listeners sleep through what is enqueued.");
        Assert.Equal("hello", TextOf(Assert.Single(seen).Value));
        Assert.Equal(1, seen.First().Attempt);
        Assert.Equal(_clock.GetUtcNow(), seen.First().Enqueued);
        await EmptyAsync();
    }

    [Fact]
    public async Task What_was_enqueued_before_anybody_listened_is_delivered()
    {
        for (int i = 0; i < 250; i++) await _queue.EnqueueAsync(Text($"{i}"), cancellationToken: Token);
        ConcurrentQueue<QueueMessage> seen = Listen(new QueueListenOptions { Concurrency = 7 });
        await EmptyAsync();
        Assert.Equal(Enumerable.Range(0, 250), seen.Select(m => int.Parse(TextOf(m.Value), null)).Order());
    }

    [Fact]
    public async Task A_message_that_is_part_of_a_write_comes_with_it_or_not_at_all()
    {
        byte[] key = [2, 1];
        ConcurrentQueue<QueueMessage> seen = Listen();
        var refused = new AtomicWrite { Checks = [new KvCheck(key, new Versionstamp(77))], Mutations = _queue.Enqueue(Text("never"), null, 0) };
        Assert.False((await _database.AtomicWriteAsync(refused, Token)).IsCommitted);
        var done = new AtomicWrite { Mutations = [KvMutation.Set(key, Text("x")), .. _queue.Enqueue(Text("a"), null, 0), .. _queue.Enqueue(Text("b"), null, 1)] };
        Assert.True((await _database.AtomicWriteAsync(done, Token)).IsCommitted);
        await EmptyAsync();
        Assert.Equal(["a", "b"], seen.Select(m => TextOf(m.Value)).Order(StringComparer.Ordinal));
        Assert.Equal(2, seen.Select(m => m.Id).Distinct().Count());
    }

    [Fact]
    public async Task A_message_that_is_put_off_comes_at_its_time_and_not_before()
    {
        ConcurrentQueue<QueueMessage> seen = Listen();
        await _queue.EnqueueAsync(Text("later"), new EnqueueOptions { Delay = TimeSpan.FromSeconds(40) }, Token);
        await _queue.EnqueueAsync(Text("now"), cancellationToken: Token);
        await Eventually.HoldsAsync(() => seen.Count == 1, "What is due waits behind what is not.");
        await PendingAsync(1);
        await ArmedAsync();
        _clock.Advance(TimeSpan.FromSeconds(39.999));
        await PendingAsync(1);
        Assert.Single(seen);
        await ArmedAsync();
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        await EmptyAsync();
        Assert.Equal(["now", "later"], seen.Select(m => TextOf(m.Value)));
    }

    [Fact]
    public async Task A_failed_message_is_tried_by_its_schedule_and_then_is_a_dead_letter_that_can_be_replayed()
    {
        bool isMended = false;
        var seen = new ConcurrentQueue<QueueMessage>();
        Listen(seen, (_, _) => isMended ? Task.CompletedTask : throw new InvalidOperationException("no luck"));
        await _queue.EnqueueAsync(Text("m"), new EnqueueOptions { Backoff = [TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(9)] }, Token);
        await TriedAsync(seen, 1, TimeSpan.FromSeconds(2));
        await TriedAsync(seen, 2, TimeSpan.FromSeconds(9));
        await Eventually.HoldsAsync(async () => (await _queue.GetStatusAsync(Token)).DeadLetters == 1, what: "A message whose attempts are used up must not vanish.");
        Assert.Equal([1, 2, 3], seen.Select(m => m.Attempt));
        QueueDeadLetter letter = await _queue.ListDeadLettersAsync(Token).SingleAsync(Token);
        Assert.Equal(("m", 3, "InvalidOperationException: no luck"), (TextOf(letter.Value), letter.Attempts, letter.Error));
        Assert.Equal(seen.First().Id, letter.Id);
        Assert.Equal(0, (await _queue.GetStatusAsync(Token)).Pending);

        isMended = true;
        Assert.False(await _queue.ReplayAsync("000000000000000000000000", Token));
        Assert.False(await _queue.ReplayAsync("nonsense", Token));
        Assert.True(await _queue.ReplayAsync(letter.Id, Token));
        Assert.False(await _queue.DiscardAsync(letter.Id, Token));
        await EmptyAsync();
        Assert.Equal((letter.Id, 1), (seen.Last().Id, seen.Last().Attempt));
        Assert.Equal(0, (await _queue.GetStatusAsync(Token)).DeadLetters);
    }

    [Fact]
    public async Task A_message_that_is_given_up_goes_to_the_keys_that_it_names()
    {
        byte[] one = [2, 1], two = [2, 2];
        var seen = new ConcurrentQueue<QueueMessage>();
        Listen(seen, (_, _) => throw new InvalidOperationException("no luck"));
        await _queue.EnqueueAsync(Text("m"), new EnqueueOptions { Backoff = [], KeysIfUndelivered = [one, two] }, Token);
        await EmptyAsync();
        IReadOnlyList<KvRange> found = await _database.SnapshotReadAsync([ReadRange.Of(one), ReadRange.Of(two)], null, Token);
        Assert.All(found, r => Assert.Equal("m", TextOf(Assert.Single(r.Entries).Value)));
        Assert.Equal(0, (await _queue.GetStatusAsync(Token)).DeadLetters);
        Assert.Single(seen);
    }

    [Fact]
    public async Task Those_who_watch_the_keys_of_a_message_that_is_given_up_are_told()
    {
        byte[] one = [2, 1], two = [2, 2];
        await using IAsyncEnumerator<WatchUpdate> watch = _database.WatchAsync([one, two], Token).GetAsyncEnumerator(Token);
        Assert.True(await watch.MoveNextAsync());
        Assert.Equal([null, null], watch.Current.Entries);
        Listen(new ConcurrentQueue<QueueMessage>(), (_, _) => throw new InvalidOperationException("no luck"));
        await _queue.EnqueueAsync(Text("m"), new EnqueueOptions { Backoff = [], KeysIfUndelivered = [one, two] }, Token);
        Assert.True(await watch.MoveNextAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20), Token), "The watch ended.");
        Assert.All(watch.Current.Entries, e => Assert.Equal("m", TextOf(e!.Value)));
        Assert.Equal(watch.Current.Entries[0]!.Versionstamp, watch.Current.Entries[1]!.Versionstamp);
    }

    [Fact]
    public async Task A_handler_at_work_is_not_given_its_message_twice_however_long_it_takes()
    {
        var gate = new TaskCompletionSource();
        var seen = new ConcurrentQueue<QueueMessage>();
        for (int i = 0; i < 2; i++) Listen(seen, (_, _) => gate.Task);
        await _queue.EnqueueAsync(Text("slow"), cancellationToken: Token);
        await Eventually.HoldsAsync(() => seen.Count == 1, "Not delivered.");

        // Each step is as long as a renewal; the lease of 30 s would have ended four times.
        for (int i = 0; i < 12; i++)
        {
            Versionstamp before = await StampAsync();
            await ArmedAsync();
            _clock.Advance(TimeSpan.FromSeconds(10));
            await Eventually.HoldsAsync(async () => await StampAsync() > before, what: "The lease was not renewed while its handler was at work.");
        }

        Assert.Single(seen);
        gate.SetResult();
        await EmptyAsync();
        Assert.Single(seen);
    }

    [Fact]
    public async Task The_message_of_a_listener_that_died_is_delivered_after_its_lease()
    {
        // Taken, and then nothing: no renewal, no end.
        var dead = new TaskCompletionSource();
        var options = new QueueListenOptions { Lease = TimeSpan.FromSeconds(30), DrainTimeout = TimeSpan.Zero };
        var first = new ConcurrentQueue<QueueMessage>();
        Listen(first, (_, _) => dead.Task, options);
        await _queue.EnqueueAsync(Text("m"), cancellationToken: Token);
        await Eventually.HoldsAsync(() => first.Count == 1, "Not delivered.");
        _database.RefusesRenewals = true;
        ConcurrentQueue<QueueMessage> second = Listen();
        await ArmedAsync();
        _clock.Advance(TimeSpan.FromSeconds(29));
        Assert.Empty(second);
        await Eventually.HoldsAsync(
            () =>
            {
                _clock.Advance(TimeSpan.FromSeconds(1));
                return second.Count == 1;
            },
            "The message of a dead listener is lost.");
        Assert.Equal((first.First().Id, 2), (second.First().Id, second.First().Attempt));
        _database.RefusesRenewals = false;
        dead.SetResult();
        await EmptyAsync();
    }

    [Fact]
    public async Task A_listener_that_is_stopped_ends_what_it_has_begun_and_takes_nothing_more()
    {
        using var stop = new CancellationTokenSource();
        var gate = new TaskCompletionSource();
        var seen = new ConcurrentQueue<QueueMessage>();
        Task listening = _queue.ListenAsync(
            async (m, _) =>
            {
                seen.Enqueue(m);
                await gate.Task;
            },
            new QueueListenOptions { Concurrency = 1 },
            stop.Token);
        await _queue.EnqueueAsync(Text("begun"), cancellationToken: Token);
        await _queue.EnqueueAsync(Text("waits"), cancellationToken: Token);
        await Eventually.HoldsAsync(() => seen.Count == 1, "Not delivered.");
        await stop.CancelAsync();
        Assert.False(listening.IsCompleted, "It must wait for its handler.");
        gate.SetResult();
        await listening;
        Assert.Equal("begun", TextOf(Assert.Single(seen).Value));
        Assert.Equal(1, (await _queue.GetStatusAsync(Token)).Pending);
    }

    [Fact]
    public async Task A_handler_that_does_not_end_in_time_is_cancelled_and_its_message_goes_back_uncounted()
    {
        using var stop = new CancellationTokenSource();
        var began = new TaskCompletionSource();
        Task listening = _queue.ListenAsync(
            async (_, ends) =>
            {
                began.SetResult();
                await Task.Delay(Timeout.Infinite, ends);
            },
            new QueueListenOptions { DrainTimeout = TimeSpan.FromSeconds(5) },
            stop.Token);
        await _queue.EnqueueAsync(Text("m"), new EnqueueOptions { Backoff = [] }, Token);
        await began.Task;
        await stop.CancelAsync();
        await Eventually.HoldsAsync(
            () =>
            {
                _clock.Advance(TimeSpan.FromSeconds(1));
                return listening.IsCompleted;
            },
            "A listener that is stopped must not wait for ever.");
        await listening;
        ConcurrentQueue<QueueMessage> seen = Listen();
        await EmptyAsync();
        Assert.Equal(1, Assert.Single(seen).Attempt);
    }

    [Fact]
    public async Task What_came_of_a_message_is_written_when_the_database_is_back()
    {
        var seen = new ConcurrentQueue<QueueMessage>();
        var gate = new TaskCompletionSource();
        Listen(seen, (_, _) => gate.Task);
        await _queue.EnqueueAsync(Text("m"), cancellationToken: Token);
        await Eventually.HoldsAsync(() => seen.Count == 1, "Not delivered.");
        _database.IsOut = true;
        gate.SetResult();
        await Eventually.HoldsAsync(() => _database.Refused > 0, "The acknowledgement was not tried.");
        _database.IsOut = false;
        await Eventually.HoldsAsync(
            async () =>
            {
                _clock.Advance(TimeSpan.FromMilliseconds(100));
                return (await _queue.GetStatusAsync(Token)).Pending == 0;
            },
            what: "A handled message stayed in the queue, to be delivered again.");
        Assert.Single(seen);
    }

    [Fact]
    public async Task An_acknowledgement_whose_outcome_is_unknown_delivers_nothing_twice_if_it_was_applied()
    {
        var seen = new ConcurrentQueue<QueueMessage>();
        var gate = new TaskCompletionSource();
        Listen(seen, (_, _) => gate.Task);
        await _queue.EnqueueAsync(Text("m"), cancellationToken: Token);
        await Eventually.HoldsAsync(() => seen.Count == 1, "Not delivered.");
        _database.LosesNextAnswer = true;
        gate.SetResult();
        await PendingAsync(0);
        await ArmedAsync();
        _clock.Advance(TimeSpan.FromMinutes(2));
        await PendingAsync(0);
        Assert.Single(seen);
    }

    [Fact]
    public async Task A_renewal_whose_outcome_is_unknown_keeps_the_message()
    {
        var seen = new ConcurrentQueue<QueueMessage>();
        var gate = new TaskCompletionSource();
        var ended = new TaskCompletionSource<bool>();
        Listen(
            seen,
            async (_, ends) =>
            {
                await gate.Task;
                ended.SetResult(ends.IsCancellationRequested);
            });
        await _queue.EnqueueAsync(Text("m"), cancellationToken: Token);
        await Eventually.HoldsAsync(() => seen.Count == 1, "Not delivered.");
        _database.LosesNextAnswer = true;
        await ArmedAsync();
        _clock.Advance(TimeSpan.FromSeconds(10));
        await Eventually.HoldsAsync(() => !_database.LosesNextAnswer, "The lease was not renewed.");
        for (int i = 0; i < 3; i++)
        {
            Versionstamp before = await StampAsync();
            await ArmedAsync();
            _clock.Advance(TimeSpan.FromSeconds(10));
            await Eventually.HoldsAsync(async () => await StampAsync() > before, what: "After a lost answer the lease was renewed no more.");
        }

        gate.SetResult();
        Assert.False(await ended.Task, "A handler was cancelled though its message was still its own.");
        await PendingAsync(0);
        Assert.Single(seen);
    }

    [Fact]
    public async Task Queues_of_different_names_know_nothing_of_each_other()
    {
        var other = new KvQueue(_database, "other", new StoreContext { Clock = _clock });
        ConcurrentQueue<QueueMessage> seen = Listen();
        await other.EnqueueAsync(Text("other"), cancellationToken: Token);
        await _queue.EnqueueAsync(Text("mine"), cancellationToken: Token);
        await EmptyAsync();
        Assert.Equal("mine", TextOf(Assert.Single(seen).Value));
        Assert.Equal(new QueueStatus(1, 1, 0, _clock.GetUtcNow()), await other.GetStatusAsync(Token));
    }

    [Fact]
    public async Task What_cannot_be_delivered_is_refused_at_once()
    {
        await Assert.ThrowsAsync<ArgumentException>(async () => await _queue.EnqueueAsync(KvValue.OfBytes(new byte[65_536]), cancellationToken: Token));
        await Assert.ThrowsAsync<ArgumentException>(async () => await _queue.EnqueueAsync(Text("x"), new EnqueueOptions { Delay = TimeSpan.FromSeconds(-1) }, Token));
        await Assert.ThrowsAsync<ArgumentException>(async () => await _queue.EnqueueAsync(Text("x"), new EnqueueOptions { Backoff = [TimeSpan.FromDays(1_000)] }, Token));
        await Assert.ThrowsAsync<ArgumentException>(async () => await _queue.EnqueueAsync(Text("x"), new EnqueueOptions { KeysIfUndelivered = [new byte[5_000]] }, Token));
        Assert.Throws<ArgumentException>(() => new KvQueue(_database, new string('x', 101)));
        Assert.Equal(new QueueStatus(0, 0, 0, null), await _queue.GetStatusAsync(Token));
    }

    [Fact]
    public async Task A_database_that_is_closed_ends_the_listener_with_the_reason()
    {
        Task listening = _queue.ListenAsync((_, _) => Task.CompletedTask, null, Token);
        await Eventually.HoldsAsync(() => _clock.ArmedTimers > 0, "It does not wait.");
        await _database.Inner.DisposeAsync();
        Assert.Equal(StorageErrorKind.Closed, (await Assert.ThrowsAsync<StorageException>(() => listening)).Kind);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static KvValue Text(string text) => KvValue.OfBytes(Encoding.UTF8.GetBytes(text));

    private static string TextOf(KvValue value) => Encoding.UTF8.GetString(value.Data.Span);

    private ConcurrentQueue<QueueMessage> Listen(QueueListenOptions? options = null)
    {
        var seen = new ConcurrentQueue<QueueMessage>();
        Listen(seen, (_, _) => Task.CompletedTask, options);
        return seen;
    }

    private void Listen(ConcurrentQueue<QueueMessage> seen, Func<QueueMessage, CancellationToken, Task> handler, QueueListenOptions? options = null) =>
        _listening.Add(_queue.ListenAsync(
            (message, ends) =>
            {
                seen.Enqueue(message);
                return handler(message, ends);
            },
            options,
            _stop.Token));

    private Task EmptyAsync() => PendingAsync(0);

    private Task PendingAsync(int count) =>
        Eventually.HoldsAsync(async () => (await _queue.GetStatusAsync(Token)).Pending == count, what: $"The queue should hold {count} messages.");

    /// <summary>A listener waits for the time.</summary>
    private Task ArmedAsync() => Eventually.HoldsAsync(() => _clock.ArmedTimers > 0, "Nothing waits for the time.");

    /// <summary>The message has failed for the given time, and is put off.</summary>
    private async Task TriedAsync(ConcurrentQueue<QueueMessage> seen, int times, TimeSpan next)
    {
        await Eventually.HoldsAsync(
            async () => seen.Count == times && (await FirstDueAsync()) == _clock.GetUtcNow() + next && _clock.ArmedTimers > 0,
            what: $"After failure {times} the message must wait {next}.");
        _clock.Advance(next);
    }

    private async Task<DateTimeOffset?> FirstDueAsync() => (await FirstAsync()) is { } entry ? new QueueKeys("").DueOf(entry.Key) : null;

    private async Task<Versionstamp> StampAsync() => (await FirstAsync())?.Versionstamp ?? Versionstamp.None;

    private async Task<KvEntry?> FirstAsync() => (await _database.SnapshotReadAsync([new QueueKeys("").MessagesUntil(null, 1)], null, Token))[0].Entries.SingleOrDefault();

    /// <summary>A database that can be out, lose an answer, or refuse to renew leases.</summary>
    private sealed class FaultyDatabase(IKvDatabase inner) : IKvDatabase
    {
        private int _refused;

        public IKvDatabase Inner => inner;

        public bool IsOut { get; set; }

        public bool LosesNextAnswer { get; set; }

        public bool RefusesRenewals { get; set; }

        public int Refused => Volatile.Read(ref _refused);

        public KvCapabilities Capabilities => inner.Capabilities;

        public ValueTask<IReadOnlyList<KvRange>> SnapshotReadAsync(IReadOnlyList<ReadRange> ranges, SnapshotReadOptions? options, CancellationToken cancellationToken) =>
            inner.SnapshotReadAsync(ranges, options, cancellationToken);

        public async ValueTask<CommitResult> AtomicWriteAsync(AtomicWrite write, CancellationToken cancellationToken)
        {
            bool isRenewal = RefusesRenewals && write.Mutations is [_, { Kind: KvMutationKind.Set } set] && QueueRecord.Read(set.Value.Data).Deliveries == 1;
            if (IsOut || isRenewal)
            {
                Interlocked.Increment(ref _refused);
                throw new StorageException(StorageErrorKind.Unavailable, "It is out.") { IsTransient = true };
            }

            CommitResult result = await inner.AtomicWriteAsync(write, cancellationToken);
            if (!LosesNextAnswer) return result;
            LosesNextAnswer = false;
            throw new StorageException(StorageErrorKind.Unavailable, "The answer was lost.") { Outcome = WriteOutcome.Unknown, IsTransient = true };
        }

        public IAsyncEnumerable<WatchUpdate> WatchAsync(IReadOnlyList<ReadOnlyMemory<byte>> keys, CancellationToken cancellationToken) => inner.WatchAsync(keys, cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }

    public sealed class OverMemory() : KvQueueTests(KvBackend.Memory);

    public sealed class OverDisk() : KvQueueTests(KvBackend.Disk);

    public sealed class OverSqlite() : KvQueueTests(KvBackend.Sqlite);
}
