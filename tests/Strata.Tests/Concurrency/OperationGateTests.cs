using Xunit;

namespace Strata.Tests;

/// <summary>While a gate is closed or paused nothing is under way, and whoever waits for that hears of it.</summary>
public sealed class OperationGateTests
{
    [Fact]
    public async Task Closing_waits_for_the_last_operation_and_refuses_new_ones()
    {
        var gate = new OperationGate("store");
        OperationGate.Pass first = gate.Enter("read"), second = gate.Enter("read");
        Task<bool> closing = gate.CloseAsync().AsTask();
        Assert.Equal(StorageErrorKind.Closed, Assert.Throws<StorageException>(() => gate.Enter("read")).Kind);
        first.Dispose();
        Assert.False(closing.IsCompleted, "one is still under way");
        second.Dispose();
        Assert.True(await closing);
        Assert.False(await gate.CloseAsync());
        Assert.Equal(StorageErrorKind.Closed, Assert.Throws<StorageException>(() => gate.Enter("read")).Kind);
    }

    [Fact]
    public async Task A_pause_says_why_and_ends()
    {
        var gate = new OperationGate("store");
        OperationGate.Pass pass = gate.Enter("write");
        Task pausing = gate.PauseAsync("a copy is made", CancellationToken.None).AsTask();
        StorageException refused = Assert.Throws<StorageException>(() => gate.Enter("write"));
        Assert.Equal((StorageErrorKind.Changed, true), (refused.Kind, refused.IsTransient));
        Assert.Contains("a copy is made", refused.Message, StringComparison.Ordinal);
        Assert.False(pausing.IsCompleted, "one is still under way");
        pass.Dispose();
        await pausing;
        gate.Resume();
        gate.Enter("write").Dispose();
        Assert.True(await gate.CloseAsync());
    }

    [Fact]
    public async Task A_pause_that_is_given_up_is_over()
    {
        var gate = new OperationGate("store");
        using OperationGate.Pass pass = gate.Enter("write");
        using var giveUp = new CancellationTokenSource();
        Task pausing = gate.PauseAsync("never mind", giveUp.Token).AsTask();
        await giveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pausing);
        gate.Enter("write").Dispose();
    }

    [Fact]
    public async Task Whatever_comes_and_goes_nothing_is_under_way_in_a_pause()
    {
        var gate = new OperationGate("store");
        int underWay = 0, done = 0;

        // Threads of their own: on those of the pool they would hold up whatever else runs.
        Task[] workers = [.. Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(Work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        for (int round = 0; round < 100; round++)
        {
            await gate.PauseAsync("a look", CancellationToken.None);
            int before = Volatile.Read(ref done);
            for (int look = 0; look < 50; look++)
            {
                Assert.True(Volatile.Read(ref underWay) == 0, "an operation is under way in a pause");
                Thread.SpinWait(20);
            }

            Assert.Equal(before, Volatile.Read(ref done));
            gate.Resume();
            await Eventually.HoldsAsync(() => Volatile.Read(ref done) > before, "after the pause nothing goes on");
        }

        await gate.CloseAsync();
        await Task.WhenAll(workers);
        Assert.Equal(0, underWay);

        void Work()
        {
            while (true)
            {
                try
                {
                    using OperationGate.Pass pass = gate.Enter("read");
                    Interlocked.Increment(ref underWay);
                    Interlocked.Increment(ref done);
                    Interlocked.Decrement(ref underWay);
                }
                catch (StorageException e) when (e.Kind == StorageErrorKind.Changed)
                {
                    Thread.Yield();
                }
                catch (StorageException)
                {
                    return;
                }
            }
        }
    }
}
