using Xunit;

namespace Strata.Tests;

public sealed class OutboxLeaseTests : OutboxFixture
{
    [Fact]
    public async Task A_dead_workers_intents_are_taken_over_when_the_lease_has_run_out_and_not_before()
    {
        var mortal = new MortalDatabase(Database);
        Outbox dying = NewOutbox(database: mortal), other = NewOutbox();
        await other.EnqueueAsync("a");
        using var end = new CancellationTokenSource();
        Target.Answer = async (intent, token) =>
        {
            if (!mortal.IsDead)
            {
                mortal.DieAt(0);
                await Task.Delay(Timeout.Infinite, end.Token);
            }

            return OutboxOutcome.Done;
        };
        Task first = dying.SendDueAsync(Target);
        await Eventually.HoldsAsync(() => mortal.IsDead, "The first worker did not send.");
        await PassAsync(other, TimeSpan.FromSeconds(29), TimeSpan.FromSeconds(1));
        Assert.Single(Target.Sent);
        Assert.Equal(1, (await other.GetStatusAsync()).Leased);
        await PassAsync(other, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(1));
        Assert.Equal([1, 2], Target.Sent.Select(s => s.Attempt));
        Assert.Equal(0, await RowsAsync());
        await end.CancelAsync();
        await Assert.ThrowsAsync<StorageException>(() => first);
    }

    [Fact]
    public async Task A_key_that_another_sends_is_looked_at_once_and_not_all_the_while()
    {
        // A worker that is woken by what it could not take would never come to rest.
        var counted = new MortalDatabase(Database);
        Outbox sender = NewOutbox(), other = NewOutbox(database: counted);
        var go = new TaskCompletionSource();
        Target.Answer = async (_, _) =>
        {
            await go.Task;
            return OutboxOutcome.Done;
        };
        await sender.EnqueueAsync("a");
        Task<long> sending = sender.SendDueAsync(Target);
        await Eventually.HoldsAsync(() => Target.Sent.Count == 1, "It was not sent.");
        await sender.EnqueueAsync("a");
        Assert.Equal(0, await other.SendDueAsync(Target).WaitAsync(TimeSpan.FromSeconds(20)));
        using var stop = new CancellationTokenSource();
        Task worker = other.RunAsync(Target, stop.Token);
        await Clock.WaitForTimersAsync(2);
        Assert.InRange(counted.Read, 1, 40);
        await stop.CancelAsync();
        await worker;
        go.SetResult();
        Assert.Equal(2, await sending);
    }

    [Fact]
    public async Task A_send_that_lasts_longer_than_its_lease_keeps_it()
    {
        Outbox sender = NewOutbox(), other = NewOutbox();
        var go = new TaskCompletionSource();
        Target.Answer = async (_, _) =>
        {
            await go.Task;
            return OutboxOutcome.Done;
        };
        await sender.EnqueueAsync("a");
        Task<long> sending = sender.SendDueAsync(Target);
        await Eventually.HoldsAsync(() => Target.Sent.Count == 1, "It was not sent.");
        for (int i = 0; i < 20; i++)
        {
            // Each renewal takes its time on another thread, which the clock does not wait for.
            DateTimeOffset before = await LeaseEndAsync();
            Clock.Advance(TimeSpan.FromSeconds(10));
            await Eventually.HoldsAsync(async () => await LeaseEndAsync() > before, what: "The lease was not renewed.");
            await other.SendDueAsync(Target);
        }

        go.SetResult();
        Assert.Equal(1, await sending);
        Assert.Single(Target.Sent);
    }

    [Fact]
    public async Task A_worker_that_has_lost_its_lease_is_told_and_removes_nothing()
    {
        var mortal = new MortalDatabase(Database);
        Outbox slow = NewOutbox(database: mortal), other = NewOutbox();
        bool isCancelled = false;
        Target.Answer = async (intent, token) =>
        {
            if (intent.Attempt > 1) return OutboxOutcome.Failed("later");
            try
            {
                await Task.Delay(Timeout.Infinite, token);
            }
            catch (OperationCanceledException)
            {
                isCancelled = true;
            }

            return OutboxOutcome.Done;
        };
        await other.EnqueueAsync("a");
        Task first = slow.SendDueAsync(Target);
        await Eventually.HoldsAsync(() => Target.Sent.Count == 1, "It was not sent.");
        await Clock.WaitForTimersAsync(1);

        // The first worker hears of the time last: as one whose machine has slept.
        Clock.Jump(TimeSpan.FromSeconds(31));
        await other.SendDueAsync(Target);
        Clock.Advance(TimeSpan.FromSeconds(11));
        await first;
        Assert.True(isCancelled, "The send went on though its lease was lost.");
        Assert.Equal(1, (await other.GetStatusAsync()).Pending);
    }

    [Fact]
    public async Task What_kills_its_workers_each_time_becomes_a_dead_letter_too()
    {
        Outbox last = NewOutbox(Options with { MaxAttempts = 3 });
        await last.EnqueueAsync("killer");
        using var end = new CancellationTokenSource();
        var dead = new List<Task>();
        for (int i = 0; i < 3; i++)
        {
            var mortal = new MortalDatabase(Database);
            Target.Answer = async (_, _) =>
            {
                mortal.DieAt(0);
                await Task.Delay(Timeout.Infinite, end.Token);
                return OutboxOutcome.Done;
            };
            dead.Add(NewOutbox(Options with { MaxAttempts = 3 }, mortal).SendDueAsync(Target));
            await Eventually.HoldsAsync(() => mortal.IsDead, "It was not sent.");
            Clock.Jump(TimeSpan.FromSeconds(31));
        }

        Target.Answer = null;
        await last.SendDueAsync(Target);
        OutboxDeadLetter letter = await last.ListDeadLettersAsync().SingleAsync();
        Assert.Equal(3, letter.Attempts);
        Assert.Contains("ended while it sent this", letter.Error, StringComparison.Ordinal);
        await end.CancelAsync();
        foreach (Task worker in dead) await Assert.ThrowsAsync<StorageException>(() => worker);
    }

    [Fact]
    public async Task A_worker_that_is_stopped_waits_for_its_sends_then_cancels_them_and_gives_the_intents_back()
    {
        Outbox outbox = NewOutbox();
        Target.Answer = async (_, token) =>
        {
            await Task.Delay(Timeout.Infinite, token);
            return OutboxOutcome.Done;
        };
        await outbox.EnqueueAsync("a");
        using var stop = new CancellationTokenSource();
        Task worker = outbox.RunAsync(Target, stop.Token);
        await Eventually.HoldsAsync(() => Target.Sent.Count == 1, "It was not sent.");
        await stop.CancelAsync();
        Assert.False(worker.IsCompleted);
        await Eventually.HoldsAsync(
            () =>
            {
                Clock.Advance(TimeSpan.FromSeconds(1));
                return worker.IsCompleted;
            },
            "The worker did not end.");
        await worker;
        Target.Answer = null;
        await outbox.SendDueAsync(Target);
        Assert.Equal([1, 1], Target.Sent.Select(s => s.Attempt));
        Assert.Equal(0, await RowsAsync());
    }

    private async Task<DateTimeOffset> LeaseEndAsync()
    {
        var keys = new OutboxKeys("test");
        IReadOnlyList<KvRange> found = await Database.SnapshotReadAsync([ReadRange.Of(keys.State("a"))], null, CancellationToken.None);
        return DateTimeOffset.FromUnixTimeMilliseconds(OutboxEntry.Read(found[0].Entries[0].Value.Data).Time);
    }
}
