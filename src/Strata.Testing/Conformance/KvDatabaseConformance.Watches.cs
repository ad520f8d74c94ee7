using Xunit;

namespace Strata.Testing;

/// <content>A watch tells the state at once and after every kind of change, and leaves nothing behind.</content>
public abstract partial class KvDatabaseConformance
{
    [Fact]
    public async Task A_watch_tells_the_first_state_at_once()
    {
        Versionstamp stamp = await CommitAsync(Set("a", "1"));
        await using Watching watch = Watch("a", "missing", "a");
        WatchUpdate update = await watch.NextAsync();
        Assert.Equal(3, update.Entries.Count);
        Assert.Equal(stamp, update.Entries[0]!.Versionstamp);
        Assert.Equal("1", Text(update.Entries[0]!.Value.Data));
        Assert.Equal("a", Text(update.Entries[2]!.Key));
        Assert.Null(update.Entries[1]);
    }

    [Theory]
    [InlineData("set")]
    [InlineData("same value")]
    [InlineData("many")]
    [InlineData("check")]
    [InlineData("sum")]
    [InlineData("max")]
    [InlineData("min")]
    [InlineData("delete")]
    [InlineData("expired set")]
    public async Task A_watch_sees_every_kind_of_write(string kind)
    {
        Versionstamp before = await CommitAsync(KvMutation.Set(Key("a"), KvValue.OfUInt64(5)));
        await using Watching watch = Watch("a");
        await watch.NextAsync();
        CommitResult write = kind switch
        {
            "set" => await WriteAsync([], Set("a", "1")),
            "same value" => await WriteAsync([], KvMutation.Set(Key("a"), KvValue.OfUInt64(5))),
            "many" => await WriteAsync([], Set("0", "1"), Set("a", "1"), Set("b", "1")),
            "check" => await WriteAsync(new KvCheck(Key("a"), before), Set("a", "1")),
            "sum" => await WriteAsync([], Sum("a", 0)),
            "max" => await WriteAsync([], KvMutation.Max(Key("a"), 1)),
            "min" => await WriteAsync([], KvMutation.Min(Key("a"), 9)),
            "delete" => await WriteAsync([], Delete("a")),
            _ => await WriteAsync([], Set("a", "1", After(-1))),
        };
        Assert.True(write.IsCommitted);
        Versionstamp? told = (await watch.NextAsync()).Entries[0]?.Versionstamp;
        Assert.Equal(kind is "delete" or "expired set" ? null : write.Versionstamp, told);
    }

    [Fact]
    public async Task A_watch_sees_a_versionstamped_key()
    {
        // The stamps that may come next; the first of them where nobody else writes.
        Versionstamp next = await CommitAsync();
        string[] keys = [.. Enumerable.Range(0, 10).Select(_ => Text(StampedKey("log", next = next.Next())))];
        await using Watching watch = Watch(keys);
        Assert.All((await watch.NextAsync()).Entries, Assert.Null);
        Versionstamp stamp = await CommitAsync(KvMutation.SetVersionstampedKey(Key("log"), Value("1")));
        Assert.Equal(stamp, Assert.Single((await watch.NextAsync()).Entries, e => e is not null)!.Versionstamp);
    }

    [Fact]
    public async Task A_watch_sees_a_key_come_go_and_come_back()
    {
        await using Watching watch = Watch("a");
        Assert.Null((await watch.NextAsync()).Entries[0]);
        await CommitAsync(Set("a", "1"));
        Assert.NotNull((await watch.NextAsync()).Entries[0]);
        await CommitAsync(Delete("a"));
        Assert.Null((await watch.NextAsync()).Entries[0]);
        Versionstamp stamp = await CommitAsync(Set("a", "2"));
        Assert.Equal(stamp, (await watch.NextAsync()).Entries[0]!.Versionstamp);
    }

    [Fact]
    public async Task A_watch_tells_what_happened_while_nobody_asked()
    {
        await CommitAsync(Set("a", "1"));
        await using Watching watch = Watch("a");
        await watch.NextAsync();
        await CommitAsync(Set("a", "2"));
        await CommitAsync(Set("a", "3"));
        for (WatchUpdate update = await watch.NextAsync(); Text(update.Entries[0]!.Value.Data) != "3";) update = await watch.NextAsync();
    }

    [Fact]
    public async Task A_watch_tells_an_expiry()
    {
        await CommitAsync(Set("a", "1", After(10_000)), Set("b", "1", After(60_000)));
        await using Watching watch = Watch("b", "a");
        Assert.DoesNotContain(null, (await watch.NextAsync()).Entries);
        await ExpiresAsync(10_000);
        await ExpiresAsync(60_000);

        async Task ExpiresAsync(double milliseconds)
        {
            Task<WatchUpdate> next = watch.NextAsync();
            Tick(milliseconds);
            while (!next.IsCompleted)
            {
                // Its timer may be set only now, and by the clock that stands still.
                await Task.Delay(5);
                Tick();
            }

            Assert.Equal(milliseconds > 10_000, (await next).Entries[0] is null);
            Assert.Null((await next).Entries[1]);
        }
    }

    [Fact]
    public async Task Changes_that_come_quickly_are_told_as_few_and_the_last_is_sure()
    {
        await using Watching watch = Watch("a");
        await watch.NextAsync();
        Versionstamp last = default;
        for (int i = 0; i < 500; i++) last = await CommitAsync(Set("a", $"{i}"));
        Versionstamp told = default;
        for (int updates = 0; told != last; updates++)
        {
            Assert.True(updates < 250, "Each of 500 changes is kept for a watch that does not ask.");
            Versionstamp now = (await watch.NextAsync()).Entries[0]!.Versionstamp;
            Assert.True(now > told, $"{now} was told after {told}.");
            told = now;
        }
    }

    [Fact]
    public async Task A_watch_under_writes_tells_rising_versionstamps_and_the_last_state()
    {
        await using Watching watch = Watch("a", "b");
        Task<Versionstamp> writes = Task.Run(async () =>
        {
            for (int i = 0; i < 300; i++) await CommitAsync(Set("a", $"{i}"), Set("b", $"{i}"));
            return await CommitAsync(Set("a", "end"), Set("b", "end"));
        });
        for (Versionstamp told = default; ;)
        {
            WatchUpdate update = await watch.NextAsync();
            Assert.True(update.Entries[0]?.Versionstamp == update.Entries[1]?.Versionstamp, $"Keys of two instants: {update.Entries[0]} and {update.Entries[1]}.");
            if (update.Entries[0] is not { } entry) continue;
            Assert.True(entry.Versionstamp > told, $"{entry.Versionstamp} was told after {told}.");
            told = entry.Versionstamp;
            if (Text(entry.Value.Data) == "end") break;
        }

        await writes;
    }

    [Fact]
    public async Task What_changes_nothing_is_not_told()
    {
        await CommitAsync(Set("a", "1"));
        await using Watching watch = Watch("a", "missing");
        await watch.NextAsync();
        Task<WatchUpdate> next = watch.NextAsync();
        await CommitAsync(Set("b", "1"), Delete("missing"));
        await WriteAsync(Absent("a"), Set("a", "lost"));
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await WriteAsync([], Set("a", "lost"), Sum("b", 1)));
        await CommitAsync();
        Versionstamp stamp = await CommitAsync(Set("a", "2"));
        Assert.Equal(stamp, (await next).Entries[0]!.Versionstamp);
    }

    [Fact]
    public async Task Every_watch_of_a_key_is_told()
    {
        Watching[] watches = [.. Enumerable.Range(0, 100).Select(_ => Watch("a"))];
        foreach (Watching watch in watches) await watch.NextAsync();
        Assert.Equal(100, CountWatches(Database));
        Task<WatchUpdate>[] next = [.. watches.Select(w => w.NextAsync())];
        Versionstamp stamp = await CommitAsync(Set("a", "1"));
        foreach (Task<WatchUpdate> update in next) Assert.Equal(stamp, (await update).Entries[0]!.Versionstamp);
        foreach (Watching watch in watches) await watch.DisposeAsync();
        await NoWatchIsLeftAsync();
    }

    [Fact]
    public async Task A_cancelled_watch_ends_and_leaves_nothing()
    {
        Watching watch = Watch("a", "b", "a");
        await watch.NextAsync();
        Task<WatchUpdate> next = watch.NextAsync();
        await watch.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next);
        await watch.DisposeAsync();
        await NoWatchIsLeftAsync();
        await CommitAsync(Set("a", "1"));
    }

    [Fact]
    public async Task A_watch_that_nobody_goes_on_with_leaves_nothing()
    {
        await CommitAsync(Set("a", "1", After(10_000)));
        int timers = Clock.ArmedTimers;
        for (int i = 0; i < 10; i++)
        {
            Watching watch = Watch("a");
            await watch.NextAsync();
            await watch.DisposeAsync();
        }

        await NoWatchIsLeftAsync();
        Assert.True(Clock.ArmedTimers <= timers, $"{Clock.ArmedTimers - timers} timers are left.");
    }

    [Fact]
    public async Task Closing_ends_a_watch()
    {
        await using Watching waiting = Watch("a"), idle = Watch("a");
        await waiting.NextAsync();
        await idle.NextAsync();
        Task<WatchUpdate> next = waiting.NextAsync();
        await Database.DisposeAsync();
        await FailsAsync(StorageErrorKind.Closed, () => next);
        await FailsAsync(StorageErrorKind.Closed, () => idle.NextAsync());
        await NoWatchIsLeftAsync();
    }

    private Watching Watch(params string[] keys) => new(Database, [.. keys.Select(k => (ReadOnlyMemory<byte>)Key(k))]);

    private async Task NoWatchIsLeftAsync()
    {
        // A database behind a network hears of the end a moment later.
        using var late = new CancellationTokenSource(Deadline);
        for (; CountWatches(Database) > 0; await Task.Delay(5)) Assert.False(late.IsCancellationRequested, $"{CountWatches(Database)} watches are left behind.");
    }

    /// <summary>A watch that is asked step by step.</summary>
    private sealed class Watching : IAsyncDisposable
    {
        private readonly CancellationTokenSource _ended = new();
        private readonly IAsyncEnumerator<WatchUpdate> _updates;

        public Watching(IKvDatabase database, IReadOnlyList<ReadOnlyMemory<byte>> keys) => _updates = database.WatchAsync(keys, _ended.Token).GetAsyncEnumerator(CancellationToken.None);

        public async Task<WatchUpdate> NextAsync()
        {
            Assert.True(await _updates.MoveNextAsync().AsTask().WaitAsync(Deadline), "The watch ended by itself.");
            return _updates.Current;
        }

        public Task CancelAsync() => _ended.CancelAsync();

        public async ValueTask DisposeAsync()
        {
            await _ended.CancelAsync();
            await _updates.DisposeAsync();
            _ended.Dispose();
        }
    }
}
