using Xunit;

namespace Strata.Testing;

/// <content>A database that is disposed says so; a call that is cancelled did nothing.</content>
public abstract partial class KvDatabaseConformance
{
    [Fact]
    public async Task A_disposed_database_is_closed()
    {
        await CommitAsync(Set("a", "1"));
        await Database.DisposeAsync();
        await FailsAsync(StorageErrorKind.Closed, async () => await ReadAsync(ReadRange.Of(Key("a"))));
        await FailsAsync(StorageErrorKind.Closed, async () => await ReadAsync());
        StorageException refused = await FailsAsync(StorageErrorKind.Closed, async () => await WriteAsync([], Set("a", "2")));
        Assert.Equal(WriteOutcome.NotApplied, refused.Outcome);
        Assert.Equal(Capabilities.Database, refused.Store);
        await FailsAsync(StorageErrorKind.Closed, async () =>
        {
            await foreach (WatchUpdate update in Database.WatchAsync([Key("a")], CancellationToken.None)) Assert.Fail($"A closed database told {update}.");
        });
        await Database.DisposeAsync();
        await NoWatchIsLeftAsync();
    }

    [Fact]
    public async Task Closing_waits_for_what_is_under_way()
    {
        int committed = 0, refused = 0;
        using var begun = new SemaphoreSlim(0);
        Task writers = TogetherAsync(8, async thread =>
        {
            for (int i = 0; ; i++)
            {
                try
                {
                    await CommitAsync(Set($"{thread}", $"{i}"), Sum("n", 1));
                    await ReadAsync(ReadRange.Of(Key("n")));
                    Interlocked.Increment(ref committed);
                    begun.Release();
                }
                catch (StorageException e) when (e.Kind == StorageErrorKind.Closed)
                {
                    Assert.Equal(WriteOutcome.NotApplied, e.Outcome);
                    Interlocked.Increment(ref refused);
                    return;
                }
            }
        });
        for (int i = 0; i < 50; i++) Assert.True(await begun.WaitAsync(Deadline), "Writers make no way.");
        await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Database.DisposeAsync().AsTask())).WaitAsync(Deadline);
        await writers;
        Assert.Equal(8, refused);
        Assert.True(committed >= 50);
    }

    [Fact]
    public async Task A_call_that_is_cancelled_before_it_begins_does_nothing()
    {
        await CommitAsync(Set("a", "1"));
        var cancelled = new CancellationToken(canceled: true);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await Database.AtomicWriteAsync(new AtomicWrite { Mutations = [Set("a", "2")] }, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await Database.SnapshotReadAsync([ReadRange.Of(Key("a"))], null, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (WatchUpdate update in Database.WatchAsync([Key("a")], cancelled)) Assert.Fail($"A cancelled watch told {update}.");
        });
        await AssertHoldsAsync("a", "1");
        await NoWatchIsLeftAsync();
    }

    [Fact]
    public async Task A_write_that_is_cancelled_was_not_done_and_one_that_was_done_says_so()
    {
        int cancelled = 0;
        await TogetherAsync(4, async thread =>
        {
            for (int i = 0; i < 50; i++)
            {
                using var cancel = new CancellationTokenSource();
                string key = $"{thread}/{i}";
                ValueTask<CommitResult> write = Database.AtomicWriteAsync(new AtomicWrite { Mutations = [Set(key, "1"), Sum("n", 1)] }, cancel.Token);
                await cancel.CancelAsync();
                bool isDone = true;
                try
                {
                    isDone = (await write).IsCommitted;
                }
                catch (OperationCanceledException)
                {
                    isDone = false;
                    Interlocked.Increment(ref cancelled);
                }

                Assert.True(isDone == await GetAsync(key) is not null, $"The write of {key} {(isDone ? "was acknowledged, and is lost" : "was cancelled, and yet it was done")}.");
            }
        });
        Assert.Equal(200UL - (ulong)cancelled, await NumberAsync("n") ?? 0);
    }
}
