using Xunit;
using static Strata.Tests.LogFixture;

namespace Strata.Tests;

/// <summary>What hides an older entry stays until none can be left: tombstones, and values whose time is over (CONSISTENCY 7).</summary>
public sealed class LogTombstoneTests
{
    private const double Some = 0.4, All = 0.02;
    private readonly SimulatedDisk _disk = new();
    private long _now = 1_000;

    [Fact]
    public async Task A_tombstone_stays_while_another_segment_can_hold_what_it_hides()
    {
        LogEngine log = Open(_disk);
        await using (log)
        {
            await OldAndNewSegmentAsync(log, () => log.DeleteAsync("key"));
            await log.CompactAsync(Some, CancellationToken.None);
            Assert.True(log.GetStatistics().Compactions > 0, "the segment of the tombstone was not compacted, so nothing is tested");
            Assert.Equal(1, log.GetStatistics().Tombstones);
            await ExpectAsync(log => Assert.False(log.TryRead(Key("key"), out _), "a deleted key comes back, because its tombstone was dropped before what it hides"));

            // Once nothing can be left of the key it goes.
            await FreeAsync(log);
            await Eventually.HoldsAsync(
                async () =>
                {
                    await log.CompactAsync(All, CancellationToken.None);
                    return log.GetStatistics().Tombstones == 0;
                },
                what: "a tombstone that hides nothing any more stays for ever");
            Assert.False(log.TryLocate(Key("key"), out _));
            await ExpectAsync(log => Assert.False(log.TryRead(Key("key"), out _), "a deleted key comes back"));
        }
    }

    [Fact]
    public async Task A_tombstone_stays_as_long_as_it_is_needed()
    {
        await using LogEngine log = Open(_disk);
        using (var batch = new LogBatch())
        {
            batch.Delete(Key("key"), "version"u8, neededUntil: _now + 500);
            await log.CommitAsync(batch);
            await log.PutAsync("beside it", Long);
        }

        await log.FillAsync("garbage", isGarbage: true);
        for (int i = 0; i < 3; i++) await log.CompactAsync(All, CancellationToken.None);
        Assert.True(log.TryReadLatest(Key("key"), out LogEntry kept), "a tombstone that is needed still is gone: an older copy would come in");
        Assert.True(kept.IsTombstone && kept.Head.Span.SequenceEqual("version"u8));
        kept.Dispose();
        _now += 501;
        await log.PutAsync("beside it", "short");
        await log.FillAsync("garbage", isGarbage: true);
        await Eventually.HoldsAsync(
            async () =>
            {
                await log.CompactAsync(All, CancellationToken.None);
                return !log.TryLocate(Key("key"), out _);
            },
            what: "a tombstone that is not needed any more stays for ever");
    }

    [Fact]
    public async Task A_value_whose_time_is_over_still_hides_the_one_before()
    {
        await using LogEngine log = Open(_disk);
        await OldAndNewSegmentAsync(log, async () =>
        {
            using var batch = new LogBatch();
            batch.Put(Key("key"), "new"u8, default, expires: _now + 1);
            await log.CommitAsync(batch);
        });
        _now += 1_000_000;
        await log.CompactAsync(Some, CancellationToken.None);
        Assert.True(log.GetStatistics().Compactions > 0);
        await ExpectAsync(log => Assert.Equal("new", log.Get("key")));
        await log.FillAsync("garbage", isGarbage: true);
        await log.CompactAsync(All, CancellationToken.None);
        await ExpectAsync(log => Assert.NotEqual("old", log.Get("key")));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_written_while_compaction_copies_the_older_value_wins_over_it(bool isDelete)
    {
        await using LogEngine log = Open(_disk);
        await log.PutAsync("key", "old");
        await log.PutAsync("beside it", Long);
        await log.FillAsync("garbage", isGarbage: true);

        // The new segment has a higher incarnation than the one at the end, and an older entry of the key.
        using HeldCall publishing = _disk.Hold(c => c.Operation == DiskOperation.Rename && c.Name.EndsWith(".tmp", StringComparison.Ordinal) && c.To!.EndsWith(".seg", StringComparison.Ordinal));
        Task compacting = log.CompactAsync(All, CancellationToken.None);
        await publishing.Entered.WaitAsync(TimeSpan.FromSeconds(20));
        if (isDelete) await log.DeleteAsync("key");
        else await log.PutAsync("key", "new");
        publishing.Release();
        await compacting;
        string? expected = isDelete ? null : "new";
        Assert.Equal(expected, log.Get("key"));
        await ExpectAsync(log => Assert.Equal(expected, log.Get("key")));
        for (int i = 0; i < 4; i++)
        {
            await log.FillAsync("garbage", isGarbage: true);
            await log.CompactAsync(All, CancellationToken.None);
            await ExpectAsync(log => Assert.Equal(expected, log.Get("key")));
        }
    }

    /// <summary>The key's first entry in a segment that is all live, its second one, which is sealed too, in one that is nearly all garbage.</summary>
    private static async Task OldAndNewSegmentAsync(LogEngine log, Func<Task> second)
    {
        await log.PutAsync("key", "old");
        await log.FillAsync("live");
        await log.FillAsync("rest");
        await second();
        await log.PutAsync("beside it", Long);
        await log.FillAsync("garbage", isGarbage: true);
        await log.FillAsync("garbage", isGarbage: true);
    }

    /// <summary>Nothing counts any more in the segments that were all live.</summary>
    private static async Task FreeAsync(LogEngine log)
    {
        for (int i = 0; i < 8; i++)
        {
            await log.PutAsync($"live {i}", "short");
            await log.PutAsync($"rest {i}", "short");
        }

        await log.PutAsync("beside it", "short");

        await log.FillAsync("garbage", isGarbage: true);
    }

    /// <summary>The same is found after a kill, and after a power cut.</summary>
    private async Task ExpectAsync(Action<LogEngine> expected)
    {
        foreach (SimulatedDisk found in (SimulatedDisk[])[_disk.Kill(), _disk.CutPower(new Random(1), PowerCut.LosesAll)])
        {
            await using LogEngine again = Open(found);
            expected(again);
        }
    }

    private LogEngine Open(SimulatedDisk disk) => LogEngine.Open(Options with { Now = () => _now }, disk);
}
