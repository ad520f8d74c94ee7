using Xunit;

namespace Strata.Tests;

public sealed class OutboxTests : OutboxFixture
{
    [Fact]
    public async Task An_intent_is_sent_once_and_leaves_nothing_behind()
    {
        Outbox outbox = NewOutbox();
        await outbox.EnqueueAsync("a", Data(7));
        Assert.Equal(1, await outbox.SendDueAsync(Target));
        OutboxIntent sent = Assert.Single(Target.Sent);
        Assert.Equal(("a", 1, 7), (sent.Key, sent.Attempt, BitConverter.ToInt32(sent.Data.Span)));
        Assert.Equal(Clock.GetUtcNow(), sent.Enqueued);
        Assert.Equal(0, await outbox.SendDueAsync(Target));
        Assert.Equal(0, await RowsAsync());
    }

    [Fact]
    public async Task Changes_of_a_key_that_nobody_has_taken_are_sent_as_one_with_the_last_ones_data()
    {
        Outbox outbox = NewOutbox();
        for (int i = 0; i < 100; i++) await outbox.EnqueueAsync("a", Data(i));
        Assert.Equal(1, await outbox.SendDueAsync(Target));
        Assert.Equal(99, BitConverter.ToInt32(Assert.Single(Target.Sent).Data.Span));
    }

    [Fact]
    public async Task A_change_that_comes_while_its_key_is_sent_is_sent_too_and_after_it()
    {
        // To remove the row whatever its stamp is would lose the second change.
        Outbox outbox = NewOutbox();
        Target.Answer = async (intent, _) =>
        {
            if (Target.Sent.Count < 3) await outbox.EnqueueAsync("a", Data(Target.Sent.Count), CancellationToken.None);
            return OutboxOutcome.Done;
        };
        await outbox.EnqueueAsync("a", Data(0));
        Assert.Equal(3, await outbox.SendDueAsync(Target));
        Assert.Equal([0, 1, 2], Target.Sent.Select(s => BitConverter.ToInt32(s.Data.Span)));
        Assert.True(Target.Sent.Zip(Target.Sent.Skip(1)).All(p => p.First.Change < p.Second.Change));
        Assert.False(Target.HasOverlapped);
    }

    [Fact]
    public async Task A_worker_sends_what_comes_without_the_clock_being_moved_and_ends_when_it_is_stopped()
    {
        Outbox outbox = NewOutbox();
        using var stop = new CancellationTokenSource();
        Task worker = outbox.RunAsync(Target, stop.Token);
        for (int i = 0; i < 50; i++) await outbox.EnqueueAsync($"k{i}");
        await Eventually.HoldsAsync(() => Target.Sent.Count == 50, () => $"{Target.Sent.Count} of 50 were sent.");
        Assert.Equal(OutboxAcknowledgement.Sent, await outbox.WaitAsync("k49"));
        await stop.CancelAsync();
        await worker;
        await outbox.EnqueueAsync("later");
        Assert.Equal(50, Target.Sent.Count);
    }

    [Fact]
    public async Task A_worker_sends_no_more_at_once_than_it_may_and_as_many()
    {
        Outbox outbox = NewOutbox(Options with { Parallelism = 3 });
        using var go = new SemaphoreSlim(0);
        int inside = 0, most = 0;
        Target.Answer = async (_, token) =>
        {
            int now = Interlocked.Increment(ref inside);
            most = Math.Max(most, now);
            await go.WaitAsync(token);
            Interlocked.Decrement(ref inside);
            return OutboxOutcome.Done;
        };
        for (int i = 0; i < 10; i++) await outbox.EnqueueAsync($"k{i}");
        Task<long> sending = outbox.SendDueAsync(Target);
        await Eventually.HoldsAsync(() => Volatile.Read(ref inside) == 3, "Not three were sent at once.");
        go.Release(10);
        Assert.Equal(10, await sending);
        Assert.Equal(3, most);
    }

    [Fact]
    public async Task A_failing_intent_is_tried_ten_times_ever_later_then_is_a_dead_letter_that_keeps_the_cause()
    {
        Outbox outbox = NewOutbox();
        Target.Answers(i => OutboxOutcome.Failed($"no {i.Attempt}"));
        await outbox.EnqueueAsync("a", Data(5));
        DateTimeOffset enqueued = Clock.GetUtcNow();
        await outbox.SendDueAsync(Target);
        OutboxStatus status = await outbox.GetStatusAsync();
        Assert.Equal((1, 0, 1, 0), (status.Pending, status.Leased, status.Failed, status.Dead));
        Assert.Equal("no 1", status.LastError);
        await PassAsync(outbox, TimeSpan.FromMinutes(20), TimeSpan.FromMilliseconds(250));
        Assert.Equal(Enumerable.Range(1, 10), Target.Sent.Select(s => s.Attempt));
        double[] waits = [.. Target.Times.Zip(Target.Times.Skip(1)).Select(p => (p.Second - p.First).TotalSeconds)];
        for (int i = 0; i < waits.Length; i++)
        {
            double most = Math.Min(300, Math.Pow(2, i));
            Assert.InRange(waits[i], most * 0.75, most + 0.25);
        }

        OutboxDeadLetter dead = await outbox.ListDeadLettersAsync().SingleAsync();
        Assert.Equal(("a", 10, "no 10", 5), (dead.Key, dead.Attempts, dead.Error, BitConverter.ToInt32(dead.Data.Span)));
        Assert.Equal(enqueued, dead.Enqueued);
        Assert.Equal(Target.Times.Last(), dead.GivenUp);
        Assert.Equal(dead, await outbox.FindDeadLetterAsync("a") is { } found ? found with { Data = dead.Data } : null);
        Assert.Equal(1, await RowsAsync());
        Assert.Equal(OutboxAcknowledgement.Dead, await outbox.WaitAsync("a"));
    }

    [Fact]
    public async Task Waits_grow_up_to_five_minutes_and_are_shortened_by_a_quarter_at_most()
    {
        Outbox outbox = NewOutbox(Options with { MaxAttempts = 14 });
        Target.Answers(_ => OutboxOutcome.Failed("no"));
        await outbox.EnqueueAsync("a");
        await outbox.SendDueAsync(Target);
        await PassAsync(outbox, TimeSpan.FromHours(1), TimeSpan.FromSeconds(1));
        TimeSpan[] last = [.. Target.Times.Zip(Target.Times.Skip(1)).Select(p => p.Second - p.First).TakeLast(3)];
        Assert.All(last, w => Assert.InRange(w, TimeSpan.FromMinutes(3.75), TimeSpan.FromMinutes(5) + TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public async Task A_poison_intent_is_a_dead_letter_at_once_and_holds_up_nobody()
    {
        Outbox outbox = NewOutbox();
        Target.Answers(i => i.Key == "k3" ? OutboxOutcome.Poison("never") : OutboxOutcome.Done);
        for (int i = 0; i < 20; i++) await outbox.EnqueueAsync($"k{i}");
        Assert.Equal(19, await outbox.SendDueAsync(Target));
        OutboxDeadLetter dead = await outbox.ListDeadLettersAsync().SingleAsync();
        Assert.Equal(("k3", 1, "never"), (dead.Key, dead.Attempts, dead.Error));
    }

    [Fact]
    public async Task A_dead_letter_is_replayed_discarded_or_ended_by_a_new_change()
    {
        Outbox outbox = NewOutbox();
        bool isPoison = true;
        Target.Answers(_ => isPoison ? OutboxOutcome.Poison("never") : OutboxOutcome.Done);
        foreach (string key in new[] { "replayed", "discarded", "changed" }) await outbox.EnqueueAsync(key, Data(3));
        await outbox.SendDueAsync(Target);
        Assert.Equal(3, (await outbox.GetStatusAsync()).Dead);
        isPoison = false;
        Assert.True(await outbox.DiscardAsync("discarded"));
        Assert.False(await outbox.DiscardAsync("discarded"));
        Assert.True(await outbox.ReplayAsync("replayed"));
        Assert.False(await outbox.ReplayAsync("replayed"));
        await outbox.EnqueueAsync("changed");
        Assert.Equal(2, await outbox.SendDueAsync(Target));
        Assert.Equal(3, BitConverter.ToInt32(Target.Sent.Last(s => s.Key == "replayed").Data.Span));
        Assert.Equal(0, await RowsAsync());
    }

    [Fact]
    public async Task A_change_of_a_key_that_waits_begins_its_attempts_anew_but_waits_with_it()
    {
        Outbox outbox = NewOutbox();
        Target.Answers(i => BitConverter.ToInt32(i.Data.Span) == 0 ? OutboxOutcome.Failed("no") : OutboxOutcome.Done);
        await outbox.EnqueueAsync("a", Data(0));
        await PassAsync(outbox, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(0.5));
        int before = Target.Sent.Count;
        await outbox.EnqueueAsync("a", Data(1));
        await outbox.SendDueAsync(Target);
        Assert.Equal(before, Target.Sent.Count);
        await PassAsync(outbox, TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(1));
        Assert.Equal((1, 1), (Target.Sent.Last().Attempt, BitConverter.ToInt32(Target.Sent.Last().Data.Span)));
        Assert.Equal(0, await RowsAsync());
    }

    [Fact]
    public async Task While_the_target_is_out_for_an_hour_it_is_probed_nothing_counts_as_an_attempt_and_afterwards_all_is_sent()
    {
        Outbox outbox = NewOutbox();
        bool isOut = true;
        Target.Answers(_ => isOut ? OutboxOutcome.Unreachable("out") : OutboxOutcome.Done);
        for (int i = 0; i < 100; i++) await outbox.EnqueueAsync($"k{i:d3}");
        await outbox.SendDueAsync(Target);
        DateTimeOffset since = Clock.GetUtcNow();
        await PassAsync(outbox, TimeSpan.FromHours(1), TimeSpan.FromSeconds(1));
        OutboxStatus status = await outbox.GetStatusAsync();
        Assert.Equal((100, 0, 0), (status.Pending, status.Dead, status.Failed));
        Assert.Equal(since, status.UnreachableSince);
        Assert.InRange(Target.Sent.Count, 100, 8 + 140);
        isOut = false;
        await PassAsync(outbox, TimeSpan.FromSeconds(31), TimeSpan.FromSeconds(1));
        Assert.Equal(0, await RowsAsync());
        Assert.All(Target.Sent, s => Assert.Equal(1, s.Attempt));
        Assert.Null((await outbox.GetStatusAsync()).UnreachableSince);
    }

    [Fact]
    public async Task An_exception_of_the_target_is_a_failed_attempt_with_its_message()
    {
        Outbox outbox = NewOutbox();
        Target.Answers(_ => throw new InvalidOperationException("broken"));
        await outbox.EnqueueAsync("a");
        await outbox.SendDueAsync(Target);
        OutboxStatus status = await outbox.GetStatusAsync();
        Assert.Equal((1, "broken"), (status.Failed, status.LastError));
    }

    [Fact]
    public async Task A_clock_that_is_set_back_by_a_day_does_not_hold_up_what_waits()
    {
        Outbox outbox = NewOutbox();
        Target.Answers(i => i.Attempt == 1 ? OutboxOutcome.Failed("no") : OutboxOutcome.Done);
        await outbox.EnqueueAsync("a");
        await outbox.SendDueAsync(Target);
        Clock.Jump(TimeSpan.FromDays(-1));
        await PassAsync(outbox, TimeSpan.FromMinutes(6), TimeSpan.FromSeconds(30));
        Assert.Equal(2, Target.Sent.Count);
    }

    [Fact]
    public async Task What_a_look_costs_follows_what_is_due_and_not_what_waits()
    {
        var counted = new MortalDatabase(Database);
        Outbox outbox = NewOutbox(database: counted);
        Target.Answers(i => i.Key == "due" ? OutboxOutcome.Done : OutboxOutcome.Failed("no"));
        for (int i = 0; i < 5_000; i++) await outbox.EnqueueAsync($"k{i}");
        await outbox.SendDueAsync(Target);
        await outbox.EnqueueAsync("due");
        long before = counted.Read;
        Assert.Equal(1, await outbox.SendDueAsync(Target));
        Assert.InRange(counted.Read - before, 1, 20);
    }
}
