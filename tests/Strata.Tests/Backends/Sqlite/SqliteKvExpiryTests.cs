using Strata.Sqlite;
using Xunit;
using static Strata.Tests.SqliteKvFixture;

namespace Strata.Tests;

/// <summary>What expires leaves the file too, and no clock brings it back.</summary>
public sealed class SqliteKvExpiryTests : IAsyncLifetime
{
    private const string Rows = "SELECT count(*) FROM kv_entries";
    private readonly SqliteKvFixture _fixture = new();

    public ValueTask InitializeAsync() => default;

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task Expired_entries_are_removed_in_the_background_all_of_them()
    {
        SqliteKvDatabase database = await _fixture.OpenAsync();
        for (int batch = 0; batch < 3; batch++) await CommitAsync(database, [.. Enumerable.Range(0, 500).Select(i => Set($"{batch}/{i}", "1", After(10)))]);
        await CommitAsync(database, Set("later", "1", After(100)), Set("never", "1"));
        Assert.Equal(1_502, _fixture.Number(Rows));
        _fixture.Clock.Advance(TimeSpan.FromSeconds(10));
        await Eventually.HoldsAsync(() => _fixture.Number(Rows) == 2, "expired entries stay in the file");
        Assert.Equal(["later", "never"], await KeysAsync(database));
        await Eventually.HoldsAsync(() => _fixture.Clock.ArmedTimers == 1, "nobody waits for the next to expire");
        _fixture.Clock.Advance(TimeSpan.FromSeconds(90));
        await Eventually.HoldsAsync(() => _fixture.Number(Rows) == 1, "what expires later stays in the file");
    }

    [Fact]
    public async Task What_another_process_left_is_removed_too()
    {
        SqliteKvDatabase before = await _fixture.OpenAsync();
        await CommitAsync(before, Set("a", "1", After(10)));
        await before.DisposeAsync();
        await _fixture.OpenAsync();
        _fixture.Clock.Advance(TimeSpan.FromSeconds(11));
        await Eventually.HoldsAsync(() => _fixture.Number(Rows) == 0, "an entry from before the restart stays in the file");
    }

    [Fact]
    public async Task A_set_that_has_expired_takes_no_room()
    {
        SqliteKvDatabase database = await _fixture.OpenAsync();
        await CommitAsync(database, Set("a", "1"));
        await CommitAsync(database, Set("a", "2", After(-1)), Set("b", "2", After(0)));
        Assert.Equal(0, _fixture.Number(Rows));
    }

    [Fact]
    public async Task A_clock_set_back_over_a_crash_revives_nothing_that_a_commit_saw_expire()
    {
        SqliteKvDatabase database = await _fixture.OpenAsync();
        await CommitAsync(database, Set("a", "1", After(10)));
        _fixture.Clock.Jump(TimeSpan.FromSeconds(20));
        await CommitAsync(database, Set("b", "1"));

        // As a crash leaves them: the file and its log.
        string copy = Path.Combine(_fixture.Folder, "copy.db");
        File.Copy(_fixture.File, copy);
        File.Copy(_fixture.File + "-wal", copy + "-wal");
        _fixture.Clock.Jump(TimeSpan.FromDays(-1));
        SqliteKvDatabase after = await _fixture.OpenAsync(_fixture.Options with { Path = copy });
        Assert.Equal(["b"], await KeysAsync(after));
        Assert.Null(await GetAsync(after, "a"));
    }

    private DateTimeOffset After(int seconds) => _fixture.Clock.GetUtcNow() + TimeSpan.FromSeconds(seconds);
}
