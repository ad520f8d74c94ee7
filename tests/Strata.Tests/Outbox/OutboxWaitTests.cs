using Xunit;

namespace Strata.Tests;

/// <summary>Acknowledgements, flushes, bounds, and intents that are prepared.</summary>
public sealed class OutboxWaitTests : OutboxFixture
{
    [Fact]
    public async Task To_wait_for_a_key_ends_when_its_state_was_sent_and_not_when_an_older_one_was()
    {
        Outbox outbox = NewOutbox(), waiter = NewOutbox();
        Assert.Equal(OutboxAcknowledgement.Sent, await waiter.WaitAsync("nothing"));
        var first = new TaskCompletionSource();
        var second = new TaskCompletionSource();
        Target.Answer = async (intent, _) =>
        {
            await (BitConverter.ToInt32(intent.Data.Span) == 1 ? first : second).Task;
            return OutboxOutcome.Done;
        };
        await outbox.EnqueueAsync("a", Data(1));
        Task sending = outbox.SendDueAsync(Target);
        await Eventually.HoldsAsync(() => Target.Sent.Count == 1, "It was not sent.");
        await outbox.EnqueueAsync("a", Data(2));
        Task<OutboxAcknowledgement> waiting = waiter.WaitAsync("a").AsTask();
        first.SetResult();
        await Eventually.HoldsAsync(() => Target.Sent.Count == 2, "The second change was not sent.");
        Assert.False(waiting.IsCompleted, "The wait ended with the change before.");
        second.SetResult();
        Assert.Equal(OutboxAcknowledgement.Sent, await waiting.WaitAsync(TimeSpan.FromSeconds(20)));
        await sending;
    }

    [Fact]
    public async Task A_flush_waits_for_all_that_is_pending_and_tells_what_died()
    {
        Outbox outbox = NewOutbox();
        Target.Answers(i => i.Key == "k7" ? OutboxOutcome.Poison("never") : i is { Key: "k9", Attempt: 1 } ? OutboxOutcome.Failed("later") : OutboxOutcome.Done);
        for (int i = 0; i < 30; i++) await outbox.EnqueueAsync($"k{i}");
        Task<long> flush = outbox.FlushAsync().AsTask();
        Assert.False(flush.IsCompleted);
        await outbox.SendDueAsync(Target);
        Assert.False(flush.IsCompleted, "The flush did not wait for what waits for its next attempt.");
        await PassAsync(outbox, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(0.5));
        Assert.Equal(1, await flush.WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.Equal(0, await outbox.FlushAsync());
    }

    [Fact]
    public async Task A_full_outbox_holds_writers_back_until_something_was_sent()
    {
        Outbox outbox = NewOutbox(Options with { MaxPending = 3 });
        for (int i = 0; i < 3; i++) await outbox.EnqueueAsync($"k{i}");
        Task waiting = outbox.EnqueueAsync("k3").AsTask();
        Assert.False(waiting.IsCompleted);
        await outbox.SendDueAsync(Target);
        await waiting.WaitAsync(TimeSpan.FromSeconds(20));
        await outbox.SendDueAsync(Target);
        Assert.Equal(4, Target.Sent.Count);
        using var given = new CancellationTokenSource();

        // What was counted while it was sent may be counted out twice: it takes a few more until it is full again.
        for (int i = 0; ; i++)
        {
            Assert.InRange(i, 0, 6);
            waiting = outbox.AdmitAsync(given.Token).AsTask();
            if (await Task.WhenAny(waiting, Clock.WaitForTimerAsync(TimeSpan.FromSeconds(1))) != waiting) break;
            await waiting;
            await outbox.EnqueueAsync($"k{i}");
        }

        await given.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    [Theory]
    [InlineData(5, 1L << 20, 5)]
    [InlineData(1_000, 1_024, 15)]
    public async Task A_full_outbox_refuses_where_nobody_is_to_wait_and_counts_a_key_once(long most, long bytes, int expected)
    {
        Outbox outbox = NewOutbox(Options with { MaxPending = most, MaxPendingBytes = bytes, WaitsWhenFull = false });
        int taken = 0;
        for (int i = 0; i < 20; i++) await outbox.EnqueueAsync("same");
        var full = await Assert.ThrowsAsync<StorageException>(async () =>
        {
            for (; taken < 100; taken++) await outbox.EnqueueAsync($"key{taken:d2}");
        });
        Assert.Equal((StorageErrorKind.Full, true), (full.Kind, full.IsTransient));
        Assert.InRange(taken, expected - 1, expected);
        await outbox.SendDueAsync(Target);
        await outbox.EnqueueAsync("again");
    }

    [Fact]
    public async Task What_was_pending_before_a_restart_counts()
    {
        Outbox before = NewOutbox();
        for (int i = 0; i < 10; i++) await before.EnqueueAsync($"k{i}");
        Outbox outbox = NewOutbox(Options with { MaxPending = 10, WaitsWhenFull = false });
        await Assert.ThrowsAsync<StorageException>(async () => await outbox.EnqueueAsync("more"));
    }

    [Fact]
    public async Task A_prepared_intent_is_sent_when_it_is_ready_and_not_while_its_owner_lives()
    {
        Outbox owner = NewOutbox(), worker = NewOutbox();
        await using OutboxPreparation preparation = await owner.PrepareAsync("a", Data(4));
        for (int i = 0; i < 20; i++)
        {
            Clock.Advance(TimeSpan.FromSeconds(10));
            await Clock.WaitForTimersAsync(1);
            await worker.SendDueAsync(Target);
        }

        Assert.Empty(Target.Sent);
        await preparation.ReadyAsync();
        await worker.SendDueAsync(Target);
        Assert.Equal(4, BitConverter.ToInt32(Assert.Single(Target.Sent).Data.Span));
        Assert.Equal(0, await RowsAsync());
    }

    [Fact]
    public async Task A_prepared_intent_of_a_dead_owner_is_sent_and_once_more_if_the_owner_was_only_slow()
    {
        var mortal = new MortalDatabase(Database);
        Outbox owner = NewOutbox(database: mortal), worker = NewOutbox();
        OutboxPreparation slow = await NewOutbox().PrepareAsync("slow");
        OutboxPreparation dead = await owner.PrepareAsync("dead");
        mortal.DieAt(0);
        Clock.Jump(TimeSpan.FromSeconds(29));
        await worker.SendDueAsync(Target);
        Assert.Empty(Target.Sent);
        Clock.Jump(TimeSpan.FromSeconds(2));
        await worker.SendDueAsync(Target);
        Assert.Equal(["dead", "slow"], Target.Sent.Select(s => s.Key).Order());
        await slow.ReadyAsync();
        await worker.SendDueAsync(Target);
        Assert.Equal(2, Target.Sent.Count(s => s.Key == "slow"));
        await dead.DisposeAsync();
    }

    [Fact]
    public async Task A_preparation_that_is_discarded_is_never_sent_and_one_that_is_left_open_is()
    {
        Outbox outbox = NewOutbox();
        await (await outbox.PrepareAsync("discarded")).DiscardAsync();
        await (await outbox.PrepareAsync("open")).DisposeAsync();
        Clock.Advance(TimeSpan.FromSeconds(31));
        await outbox.SendDueAsync(Target);
        Assert.Equal("open", Assert.Single(Target.Sent).Key);
    }

    [Theory]
    [InlineData("")]
    [InlineData(null)]
    public async Task A_key_has_to_be_there(string? key) => await Assert.ThrowsAnyAsync<ArgumentException>(async () => await NewOutbox().EnqueueAsync(key!));

    [Fact]
    public async Task Keys_and_data_have_limits_and_the_longest_key_works()
    {
        Outbox outbox = NewOutbox(Options with { Name = new string('n', 100) });
        await Assert.ThrowsAsync<ArgumentException>(async () => await outbox.EnqueueAsync(new string('k', 1_801)));
        await Assert.ThrowsAsync<ArgumentException>(async () => await outbox.EnqueueAsync("a", new byte[4_097]));
        Target.Answers(i => i.Attempt == 1 ? OutboxOutcome.Failed(new string('ä', 3_000)) : OutboxOutcome.Done);
        await outbox.EnqueueAsync(new string('k', 1_800), new byte[4_096]);
        await (await outbox.PrepareAsync(new string('p', 1_800))).ReadyAsync();
        await PassAsync(outbox, TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(0.5));
        Assert.Equal(0, (await outbox.GetStatusAsync()).Pending);
        Assert.Equal(4, Target.Sent.Count);
    }

    [Fact]
    public void Options_out_of_range_are_refused()
    {
        OutboxOptions good = Options;
        OutboxOptions[] bad =
        [
            good with { Name = "" }, good with { Name = new string('x', 101) }, good with { Parallelism = 0 }, good with { Lease = TimeSpan.Zero }, good with { MaxAttempts = 0 },
            good with { FirstDelay = TimeSpan.Zero }, good with { LongestDelay = TimeSpan.FromMilliseconds(1) }, good with { MaxPending = 0 }, good with { MaxPendingBytes = 0 },
            good with { PollInterval = TimeSpan.Zero }, good with { DrainTimeout = TimeSpan.FromSeconds(-1) }, good with { LongestProbeDelay = TimeSpan.Zero },
        ];
        foreach (OutboxOptions options in bad) Assert.ThrowsAny<ArgumentException>(() => NewOutbox(options));
    }
}
