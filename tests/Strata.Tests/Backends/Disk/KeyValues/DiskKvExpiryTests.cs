using Xunit;

namespace Strata.Tests;

/// <summary>What has expired is not seen, goes by itself, and does not come back.</summary>
public sealed class DiskKvExpiryTests : DiskKvFixture
{
    [Fact]
    public async Task Expired_keys_are_removed_in_time_and_others_stay()
    {
        await OpenAsync();
        await CommitAsync([.. Enumerable.Range(0, 1_000).Select(i => Set($"soon {i}", "1", After(1_000 + i)))]);
        await CommitAsync(Set("later", "1", After(600_000)), Set("never", "1"), Set("soon 1", "again", After(600_000)), Set("soon 2", "for ever"), Delete("soon 3"));
        await OpenAsync();
        Clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(4, (await AllAsync()).Count);
        await RemovedAsync(4);
        Assert.Equal(997, Database.GetStatistics().Expirations);
        Assert.Equal(("again", "for ever"), (await GetAsync("soon 1"), await GetAsync("soon 2")));

        // It wakes for the next, too.
        await CommitAsync(Set("next", "1", After(10_000)));
        Clock.Advance(TimeSpan.FromSeconds(20));
        await RemovedAsync(4);
        await OpenAsync();
        Assert.Equal(4, Database.GetStatistics().Entries);
        Assert.Equal(0, Log.Warnings);
    }

    [Fact]
    public async Task What_was_removed_stays_away_though_the_process_was_killed_and_the_clock_set_back()
    {
        var disk = new SimulatedDisk();
        await OpenAsync(Options with { Disk = disk, Durability = DiskDurability.Flush });
        await CommitAsync(Set("a", "1", After(1_000)), Set("b", "1", After(1_000_000)));
        Clock.Advance(TimeSpan.FromMilliseconds(1_500));
        Assert.Null(await GetAsync("a"));
        await RemovedAsync(1);

        // Of b nothing was ever removed; but another change was made behind its time.
        Clock.Jump(TimeSpan.FromSeconds(2_000));
        await CommitAsync(Set("c", "1"));
        SimulatedDisk after = disk.Kill();
        await CloseAsync();
        Clock.Jump(TimeSpan.FromHours(-1));
        await OpenAsync(Options with { Disk = after, Durability = DiskDurability.Flush });
        Assert.Null(await GetAsync("a"));
        Assert.Null(await GetAsync("b"));
        Assert.Equal("1", await GetAsync("c"));
    }

    [Fact]
    public async Task A_range_is_filled_though_much_of_it_has_expired()
    {
        await OpenAsync();
        for (int i = 0; i < 3_000; i += 500) await CommitAsync([.. Enumerable.Range(i, 500).Select(n => Set($"{n:d5}", "1", n % 100 == 99 ? null : After(1_000)))]);

        // The wall clock alone: nothing is swept.
        Clock.Jump(TimeSpan.FromSeconds(2));
        Assert.Equal(30, (await AllAsync()).Count);
        Assert.Equal(30, (await AllAsync(30)).Count);
        Assert.Equal([Key("00099"), Key("00199")], (await AllAsync(2)).Select(e => e.Key.ToArray()));
        Assert.Equal([Key("02999"), Key("02899")], (await AllAsync(2, reverse: true)).Select(e => e.Key.ToArray()));
    }

    [Fact]
    public async Task A_sweep_that_fails_is_tried_again_and_nothing_is_seen_meanwhile()
    {
        var disk = new SimulatedDisk();
        await OpenAsync(Options with { Disk = disk });
        await CommitAsync(Set("a", "1", After(1_000)));
        disk.Faults = call => call.Operation == DiskOperation.Write ? DiskFault.Fail : DiskFault.None;
        Clock.Advance(TimeSpan.FromSeconds(2));
        await Eventually.HoldsAsync(() => Log.Warnings > 0, "a sweep that failed said nothing");
        Assert.Null(await GetAsync("a"));
        Assert.Equal(1, Database.GetStatistics().Entries);
    }
}
