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
    public async Task A_watch_sees_what_another_wrote_when_its_own_process_writes_next()
    {
        SqliteKvDatabase one = await _fixture.OpenAsync(), other = await _fixture.OpenAsync();
        await using IAsyncEnumerator<WatchUpdate> watch = one.WatchAsync([Key("a")], CancellationToken.None).GetAsyncEnumerator();
        Assert.True(await watch.MoveNextAsync());
        ValueTask<bool> next = watch.MoveNextAsync();
        await CommitAsync(other, Set("a", "1"));
        await CommitAsync(one, Set("b", "1"));
        Assert.True(await next);
        Assert.NotNull(watch.Current.Entries[0]);
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
