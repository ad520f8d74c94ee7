using Strata.Sqlite;
using Strata.Testing;
using Xunit;
using static Strata.Tests.SqliteKvFixture;

namespace Strata.Tests;

/// <summary>Several databases on one file, as several processes have it; to SQLite connections of one process are no different.</summary>
public sealed class SqliteKvSharingTests : IAsyncLifetime
{
    private readonly SqliteKvFixture _fixture = new();

    public ValueTask InitializeAsync() => default;

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task What_one_has_committed_the_other_sees_and_is_judged_by()
    {
        SqliteKvDatabase one = await _fixture.OpenAsync(), other = await _fixture.OpenAsync();
        Versionstamp first = await CommitAsync(one, Set("a", "1"));
        Versionstamp second = await CommitAsync(other, Set("a", "2"));
        Assert.True(second > first, $"{second} was issued after {first}.");
        Assert.Equal("2", await TextAsync(one, "a"));
        CommitResult late = await one.AtomicWriteAsync(new AtomicWrite { Checks = [new KvCheck(Key("a"), first)], Mutations = [Set("a", "3")] }, CancellationToken.None);
        Assert.False(late.IsCommitted);
        Assert.Equal([0], late.FailedChecks);
        Assert.Equal("2", await TextAsync(other, "a"));
    }

    [Fact]
    public async Task Counting_together_loses_nothing_and_no_stamp_is_issued_twice()
    {
        SqliteKvDatabaseOptions options = _fixture.Options with { BusyTimeout = TimeSpan.FromSeconds(30) };
        SqliteKvDatabase[] databases = [await _fixture.OpenAsync(options), await _fixture.OpenAsync(options), await _fixture.OpenAsync(options)];
        Versionstamp[][] stamps = await Task.WhenAll(databases.Select(database => Task.Run(async () =>
        {
            List<Versionstamp> mine = [];
            for (int i = 0; i < 200; i++) mine.Add(await CommitAsync(database, KvMutation.Sum(Key("n"), 1)));
            return mine.ToArray();
        })));
        Assert.All(stamps, mine => Assert.Equal(mine.Order(), mine));
        Assert.Equal(600, stamps.SelectMany(s => s).Distinct().Count());
        Assert.True((await GetAsync(databases[0], "n"))!.Value.TryGetUInt64(out ulong sum));
        Assert.Equal(600UL, sum);
    }

    [Fact]
    public async Task A_watch_sees_what_another_wrote_within_the_interval()
    {
        SqliteKvDatabase one = await _fixture.OpenAsync(), other = await _fixture.OpenAsync();
        await using IAsyncEnumerator<WatchUpdate> watch = one.WatchAsync([Key("a")], CancellationToken.None).GetAsyncEnumerator();
        Assert.True(await watch.MoveNextAsync());
        Assert.Null(watch.Current.Entries[0]);
        ValueTask<bool> next = watch.MoveNextAsync();
        Versionstamp stamp = await CommitAsync(other, Set("a", "1"));
        Assert.False(next.IsCompleted, "It looked before the interval was over.");
        _fixture.Clock.Advance(_fixture.Options.WatchInterval);
        Assert.True(await next);
        Assert.Equal(stamp, watch.Current.Entries[0]!.Versionstamp);
    }

    [Fact]
    public async Task A_watch_sees_what_another_wrote_though_its_own_process_has_written_since()
    {
        SqliteKvDatabase one = await _fixture.OpenAsync(), other = await _fixture.OpenAsync();
        await using IAsyncEnumerator<WatchUpdate> watch = one.WatchAsync([Key("a")], CancellationToken.None).GetAsyncEnumerator();
        Assert.True(await watch.MoveNextAsync());
        ValueTask<bool> next = watch.MoveNextAsync();
        Versionstamp stamp = await CommitAsync(other, Set("a", "1"));
        await CommitAsync(one, Set("b", "1"));
        _fixture.Clock.Advance(_fixture.Options.WatchInterval);
        Assert.True(await next);
        Assert.Equal(stamp, watch.Current.Entries[0]!.Versionstamp);
    }

    [Fact]
    public async Task A_watch_sees_each_kind_of_change_that_another_made()
    {
        SqliteKvDatabase one = await _fixture.OpenAsync(), other = await _fixture.OpenAsync();
        await CommitAsync(other, Set("a", "1"));
        await using IAsyncEnumerator<WatchUpdate> watch = one.WatchAsync([Key("x"), Key("a")], CancellationToken.None).GetAsyncEnumerator();
        Assert.True(await watch.MoveNextAsync());
        await SeesAsync("2", Set("a", "2"));
        await SeesAsync(null, KvMutation.Delete(Key("a")));
        await SeesAsync("3", Set("a", "3", _fixture.Clock.GetUtcNow() + TimeSpan.FromHours(1)));
        await SeesAsync(null, KvMutation.Delete(Key("b")), KvMutation.Delete(Key("a")));

        // Gone and come back between two looks.
        await CommitAsync(other, Set("a", "4"));
        await SeesAsync(null, KvMutation.Delete(Key("a")), Set("x", "5"));
        await CommitAsync(other, KvMutation.Delete(Key("x")));
        await SeesAsync("6", Set("x", "6"), Set("a", "6"));

        async Task SeesAsync(string? text, params KvMutation[] mutations)
        {
            Task<bool> next = watch.MoveNextAsync().AsTask();
            await CommitAsync(other, mutations);
            await Eventually.HoldsAsync(
                () =>
                {
                    // It may begin to wait only now.
                    _fixture.Clock.Advance(_fixture.Options.WatchInterval);
                    return next.IsCompleted;
                },
                "a change that another process made is not told");
            Assert.Equal(text, watch.Current.Entries[1] is { } entry ? System.Text.Encoding.UTF8.GetString(entry.Value.Data.Span) : null);
        }
    }

    [Fact]
    public async Task What_another_wrote_wakes_those_alone_who_watch_it()
    {
        SqliteKvDatabase one = await _fixture.OpenAsync(), other = await _fixture.OpenAsync();
        IAsyncEnumerator<WatchUpdate>[] watches = [.. Enumerable.Range(0, 1_200).Select(i => one.WatchAsync([Key($"{i}"), Key($"also {i}")], CancellationToken.None).GetAsyncEnumerator())];
        foreach (IAsyncEnumerator<WatchUpdate> watch in watches) Assert.True(await watch.MoveNextAsync());
        Task<bool>[] next = [.. watches.Select(watch => watch.MoveNextAsync().AsTask())];
        long before = one.Reads;
        for (int i = 0; i < 20; i++)
        {
            Versionstamp stamp = await CommitAsync(other, Set($"also {1_000 + i}", "1"));
            _fixture.Clock.Advance(_fixture.Options.WatchInterval);
            Assert.True(await next[1_000 + i]);
            Assert.Equal(stamp, watches[1_000 + i].Current.Entries[1]!.Versionstamp);
        }

        // It looks whether there is something new, and reads it.
        Assert.Equal(2 * 20, one.Reads - before);
        Assert.Equal(20, next.Count(n => n.IsCompleted));
        await one.DisposeAsync();
        foreach (Task<bool> ended in next.Where(n => !n.IsCompletedSuccessfully)) await Assert.ThrowsAsync<StorageException>(() => ended);
        foreach (IAsyncEnumerator<WatchUpdate> watch in watches) await watch.DisposeAsync();
    }

    [Fact]
    public async Task Nobody_looks_while_nobody_watches()
    {
        SqliteKvDatabase database = await _fixture.OpenAsync();
        Assert.Equal(0, _fixture.Clock.ArmedTimers);
        await using (IAsyncEnumerator<WatchUpdate> watch = database.WatchAsync([Key("a")], CancellationToken.None).GetAsyncEnumerator())
        {
            Assert.True(await watch.MoveNextAsync());
            Assert.Equal(1, _fixture.Clock.ArmedTimers);
        }

        Assert.Equal(0, _fixture.Clock.ArmedTimers);
    }

    [Fact]
    public async Task A_read_shows_nothing_as_alive_that_a_commit_it_shows_took_for_expired()
    {
        // Two processes that read their clocks at different moments: here the second is 10 s ahead.
        var ahead = new FakeClock(_fixture.Clock.GetUtcNow() + TimeSpan.FromSeconds(10));
        SqliteKvDatabase one = await _fixture.OpenAsync(), other = await _fixture.OpenAsync(clock: ahead);
        await CommitAsync(one, Set("lease", "mine", _fixture.Clock.GetUtcNow() + TimeSpan.FromSeconds(5)));
        CommitResult taken = await other.AtomicWriteAsync(new AtomicWrite { Checks = [new KvCheck(Key("lease"), Versionstamp.None)], Mutations = [Set("taken", "1")] }, CancellationToken.None);
        Assert.True(taken.IsCommitted);
        Assert.Equal(["taken"], await KeysAsync(one));
    }
}
