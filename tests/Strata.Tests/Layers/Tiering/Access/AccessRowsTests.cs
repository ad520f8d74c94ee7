using System.Text;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>The tracker's memory in rows, and what is due: over restarts, failures, and whatever is left behind by them.</summary>
public sealed class AccessRowsTests : IAsyncDisposable
{
    private const byte Uses = 7, Due = 8;
    private readonly FakeClock _clock = new();
    private readonly SteppedKvDatabase _database;
    private readonly StoreContext _context;
    private readonly AccessTrackerOptions _options = new() { MaxFlushKeys = 100 };
    private AccessTracker _tracker;
    private AccessRows _rows;

    public AccessRowsTests()
    {
        _context = new StoreContext { Clock = _clock };
        _database = new SteppedKvDatabase(new MemoryKvDatabase(new MemoryKvDatabaseOptions { Limits = KvLimits.Deno }, _context), _clock);
        (_tracker, _rows) = Open();
    }

    public async ValueTask DisposeAsync()
    {
        _rows.Dispose();
        _tracker.Dispose();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task What_was_flushed_is_known_after_a_restart_and_what_comes_before_the_load_is_added()
    {
        Record("a", 3);
        Record("ä/𐀀", 1);
        _clock.Advance(TimeSpan.FromMinutes(10));
        Record("a", 2);
        Assert.Equal(2, await _rows.FlushAsync());
        KeyUse before = _tracker.UseOf(BlobKey.Parse("a"));
        Record("lost", 1);

        Restart();
        Record("a", 1);
        Assert.Equal(2, await _rows.LoadAsync());
        KeyUse after = _tracker.UseOf(BlobKey.Parse("a"));
        Assert.Equal(before with { Accesses = 6, HistoryAccesses = 6, Score = 0 }, after with { Score = 0 });
        Assert.Equal(before.Score + 1, after.Score, 3);
        Assert.Equal(1, _tracker.UseOf(BlobKey.Parse("ä/𐀀")).Accesses);
        Assert.Equal(default, _tracker.UseOf(BlobKey.Parse("lost")));
    }

    [Fact]
    public async Task A_flush_writes_what_has_changed_and_no_more_than_it_may()
    {
        for (int i = 0; i < 250; i++) Record($"k{i:d3}", 1);
        foreach (int expected in (int[])[100, 100, 50, 0]) Assert.Equal(expected, await _rows.FlushAsync());
        int writes = _database.Writes;
        Record("k007", 1);
        Assert.Equal(1, await _rows.FlushAsync());
        Assert.Equal(1, _database.Writes - writes);
        Assert.Equal(0, _tracker.GetStatistics().Changed);
    }

    [Fact]
    public async Task Writes_keep_to_the_limits_of_the_database()
    {
        // 80 KiB of keys a write, and a key of 1 KiB stands in two rows.
        for (int i = 0; i < 90; i++) Record($"{i:d2}/{new string('x', 1000)}", 1);
        Assert.Equal(90, await _rows.FlushAsync());
        _clock.Advance(TimeSpan.FromHours(1));
        IReadOnlyList<DueKey> due = await _rows.ReadDueAsync(_clock.GetUtcNow(), 1000);
        Assert.Equal(90, due.Count);
        await _rows.SettleAsync([.. due.Select(d => (d, (DateTimeOffset?)_clock.GetUtcNow().AddDays(1)))]);
        Assert.Empty(await _rows.ReadDueAsync(_clock.GetUtcNow(), 1000));
        Assert.Equal(90, (await KeysAsync(Due)).Count);
    }

    [Fact]
    public async Task What_a_failed_flush_held_is_written_by_the_next()
    {
        Record("a", 1);
        Record("b", 1);
        _database.BeforeWrite = _ => throw new StorageException(StorageErrorKind.Unavailable, "away");
        await Assert.ThrowsAsync<StorageException>(async () => await _rows.FlushAsync());
        _database.BeforeWrite = null;
        Assert.Equal(2, await _rows.FlushAsync());
        Assert.Equal(2, (await KeysAsync(Uses)).Count);
    }

    [Fact]
    public async Task What_is_used_while_it_is_written_is_written_again()
    {
        Record("a", 1);
        _database.BeforeWrite = _ =>
        {
            _tracker.RecordWrite(BlobKey.Parse("a"));
            return Task.CompletedTask;
        };
        await _rows.FlushAsync();
        _database.BeforeWrite = null;
        await _rows.FlushAsync();
        Restart();
        await _rows.LoadAsync();
        Assert.True(_tracker.UseOf(BlobKey.Parse("a")).Accesses >= 2);
    }

    [Fact]
    public async Task Rows_of_deleted_keys_go()
    {
        Record("a", 1);
        Record("b", 1);
        await _rows.FlushAsync();
        _tracker.Forget(BlobKey.Parse("a"));
        await _rows.FlushAsync();
        Assert.Equal(["b"], await KeysAsync(Uses));
        Assert.Single(await KeysAsync(Due));
    }

    [Fact]
    public async Task A_key_that_is_written_again_after_its_delete_keeps_its_rows()
    {
        Record("a", 1);
        await _rows.FlushAsync();
        _tracker.Forget(BlobKey.Parse("a"));
        Record("a", 1);
        await _rows.FlushAsync();
        Assert.Equal(["a"], await KeysAsync(Uses));
        Assert.Single(await KeysAsync(Due));
        Restart();
        await _rows.LoadAsync();
        Assert.Equal(1, _tracker.UseOf(BlobKey.Parse("a")).Accesses);
    }

    /// <summary>The rows of uses are as bounded as the memory; those that are due stay, or what is forgotten would never move.</summary>
    [Fact]
    public async Task Rows_of_keys_that_were_forgotten_for_want_of_room_go_and_they_are_due_all_the_same()
    {
        const int Keys = 30_000;
        (_tracker, _rows) = Open(new AccessTrackerOptions { MaxBytes = 512 << 10, MaxFlushKeys = 1_000_000 });
        for (int i = 0; i < Keys; i++)
        {
            _tracker.RecordWrite(BlobKey.Parse($"k{i:d5}"));
            if (i % 1_000 == 999) await _rows.FlushAsync();
            if (i % 100 == 0) _clock.Advance(TimeSpan.FromSeconds(1));
        }

        await _rows.FlushAsync();
        Assert.Equal(_tracker.GetStatistics().Keys, (await KeysAsync(Uses)).Count);
        Assert.InRange(_tracker.GetStatistics().Keys, 1_000, Keys / 2);
        Assert.Equal(Keys, (await KeysAsync(Due)).Count);
    }

    [Fact]
    public async Task Keys_come_up_when_they_are_due_in_the_order_of_their_time()
    {
        Record("b", 1);
        await _rows.FlushAsync();
        _clock.Advance(TimeSpan.FromMinutes(5));
        Record("a", 1);
        await _rows.FlushAsync();
        _clock.Advance(TimeSpan.FromMinutes(54));
        Assert.Empty(await DueAsync());
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(["b"], await DueAsync());
        _clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(["b", "a"], await DueAsync());
        Assert.Equal(["b"], (await _rows.ReadDueAsync(_clock.GetUtcNow(), 1)).Select(d => d.Key.Value));
    }

    /// <summary>A key that is used all the time would else cost a row a use, or a removal and a row a flush.</summary>
    [Fact]
    public async Task Use_moves_no_row_and_a_row_that_is_too_early_is_put_where_it_belongs()
    {
        Record("a", 1);
        await _rows.FlushAsync();
        IReadOnlyList<string> rows = await KeysAsync(Due);
        for (int i = 0; i < 4; i++)
        {
            _clock.Advance(TimeSpan.FromMinutes(15));
            Record("a", 1);
            await _rows.FlushAsync();
            Assert.Equal(rows, await KeysAsync(Due));
        }

        DueKey due = Assert.Single(await _rows.ReadDueAsync(_clock.GetUtcNow(), 10));
        await _rows.SettleAsync([(due, _clock.GetUtcNow().AddHours(1))]);
        Assert.Empty(await DueAsync());
        Assert.Single(await KeysAsync(Due));
        _clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(["a"], await DueAsync());
    }

    [Fact]
    public async Task What_is_not_settled_comes_again_also_after_a_restart_and_to_settle_twice_does_no_harm()
    {
        Record("a", 1);
        await _rows.FlushAsync();
        _clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(["a"], await DueAsync());
        Restart();
        await _rows.LoadAsync();
        DueKey due = Assert.Single(await _rows.ReadDueAsync(_clock.GetUtcNow(), 10));
        DateTimeOffset next = _clock.GetUtcNow().AddHours(23);
        await _rows.SettleAsync([(due, next)]);
        await _rows.SettleAsync([(due, next)]);
        Assert.Single(await KeysAsync(Due));
        await _rows.SettleAsync([(due with { Due = (uint)next.ToUnixTimeSeconds() }, null)]);
        Assert.Empty(await KeysAsync(Due));
    }

    [Fact]
    public async Task Rows_that_a_crash_left_behind_go_when_they_come_up()
    {
        Record("a", 1);
        await _rows.FlushAsync();
        _clock.Advance(TimeSpan.FromHours(1));
        DueKey due = Assert.Single(await _rows.ReadDueAsync(_clock.GetUtcNow(), 10));
        await _rows.SettleAsync([(due, _clock.GetUtcNow().AddHours(5))]);

        // A second row of the same key, and one of no key.
        await SetAsync([Due, .. BigEndian(due.Due + 60), .. "a"u8]);
        await SetAsync([Due, .. BigEndian(due.Due), .. "//"u8]);
        await SetAsync([Due]);
        _clock.Advance(TimeSpan.FromHours(1));
        Assert.Empty(await DueAsync());
        Assert.Single(await KeysAsync(Due));
        _clock.Advance(TimeSpan.FromHours(4));
        Assert.Equal(["a"], await DueAsync());
    }

    [Fact]
    public async Task Rows_that_cannot_be_read_are_left_out_and_removed()
    {
        Record("a", 1);
        await _rows.FlushAsync();
        await SetAsync([Uses, .. "damaged"u8], [1, 2, 3]);
        await SetAsync([Uses, .. "//"u8], new byte[AccessRow.Bytes]);
        await SetAsync([Uses, 0xFF], new byte[AccessRow.Bytes]);
        Restart();
        Assert.Equal(1, await _rows.LoadAsync());
        Assert.Equal(["a"], await KeysAsync(Uses));
    }

    [Fact]
    public async Task Windows_that_have_changed_make_counts_unknown_and_nothing_else()
    {
        Record("a", 4);
        await _rows.FlushAsync();
        (_tracker, _rows) = Open(policy: new TieringPolicy { AccessWindow = TimeSpan.FromHours(2) });
        await _rows.LoadAsync();
        KeyUse use = _tracker.UseOf(BlobKey.Parse("a"));
        Assert.Equal((0, 4, _clock.GetUtcNow()), (use.Accesses, use.HistoryAccesses, use.LastAccess));
    }

    /// <summary>A row under a time that was wrong by a year would keep its key where it is for that year.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task After_a_clock_that_was_ahead_keys_are_due_by_the_right_one(bool restarts)
    {
        Record("a", 1);
        await _rows.FlushAsync();
        _clock.Jump(TimeSpan.FromDays(-365));
        if (restarts)
        {
            Restart();
            await _rows.LoadAsync();
        }

        await _rows.FlushAsync();
        Assert.Equal(_clock.GetUtcNow(), _tracker.UseOf(BlobKey.Parse("a")).LastAccess);
        _clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(["a"], await DueAsync());
        Assert.Single(await KeysAsync(Due));
    }

    [Fact]
    public void Tables_must_differ()
    {
        Assert.Throws<ArgumentException>(() => new AccessRows(_tracker, Classifier(new TieringPolicy()), _database, [1], [1]));
    }

    private static byte[] BigEndian(uint number) => [(byte)(number >> 24), (byte)(number >> 16), (byte)(number >> 8), (byte)number];

    private static TierClassifier Classifier(TieringPolicy policy) => new(policy, [new TierPlan { Name = "hot" }, new TierPlan { Name = "warm" }, new TierPlan { Name = "cold" }]);

    private (AccessTracker Tracker, AccessRows Rows) Open(AccessTrackerOptions? options = null, TieringPolicy? policy = null)
    {
        var tracker = new AccessTracker(policy, options ?? _options, _context);
        return (tracker, new AccessRows(tracker, Classifier(policy ?? new TieringPolicy()), _database, [Uses], [Due], _context));
    }

    private void Restart()
    {
        _rows.Dispose();
        _tracker.Dispose();
        (_tracker, _rows) = Open();
    }

    private void Record(string key, int times)
    {
        for (int i = 0; i < times; i++) _tracker.RecordAccess(BlobKey.Parse(key));
        _tracker.Drain();
    }

    private async Task<IReadOnlyList<string>> DueAsync() => [.. (await _rows.ReadDueAsync(_clock.GetUtcNow(), 100)).Select(d => d.Key.Value)];

    private async Task<IReadOnlyList<string>> KeysAsync(byte table) =>
        [.. (await _database.KeysAsync()).Where(k => k.Encoded.Span[0] == table).Select(k => Encoding.UTF8.GetString(k.Encoded.Span[1..]))];

    private async Task SetAsync(byte[] key, byte[]? value = null) =>
        await _database.AtomicWriteAsync(new AtomicWrite { Mutations = [KvMutation.Set(key, KvValue.OfBytes(value ?? []))] }, CancellationToken.None);
}
