using Xunit;
using static Strata.Tests.LogFixture;

namespace Strata.Tests;

/// <summary>Who sees a commit before it is on the medium: no reader, and every condition (CONSISTENCY 7).</summary>
public sealed class LogVisibilityTests
{
    private readonly SimulatedDisk _disk = new();

    [Fact]
    public async Task No_reader_sees_a_commit_before_its_sync()
    {
        await using LogEngine log = Open(_disk);
        await log.PutAsync("key", "old");
        using HeldCall sync = HoldSync();
        Task commit = Task.Run(async () =>
        {
            using var batch = new LogBatch();
            batch.Put(Key("key"), "new"u8);
            batch.Put(Key("other"), "new"u8);
            await log.CommitAsync(batch);
        });
        await sync.Entered.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal("old", log.Get("key"));
        Assert.False(log.TryLocate(Key("other"), out _), "a key is found that a power cut can still take back");
        Assert.Equal(1, log.Scan(new LogScan([(byte)LogKeyspace.System], [(byte)LogKeyspace.System + 1], 10), new LogScanBuffer()));
        Assert.Equal(1, log.GetStatistics().Keys);
        Assert.False(commit.IsCompleted, "a commit was acknowledged before its sync");
        sync.Release();
        await commit;
        Assert.Equal(("new", "new"), (log.Get("key"), log.Get("other")));
    }

    [Fact]
    public async Task A_condition_sees_what_is_under_way()
    {
        await using LogEngine log = Open(_disk);
        await log.PutAsync("key", "old");
        Assert.True(log.TryLocate(Key("key"), out LogLocation old));
        using HeldCall sync = HoldSync();
        Task first = Task.Run(() => log.PutAsync("key", "first"));
        await sync.Entered.WaitAsync(TimeSpan.FromSeconds(20));
        Task<LogCommit> replaces = PutIfAsync(log, "key", "second", old), creates = PutIfAsync(log, "key", "second", default), waits = PutIfAsync(log, "free", "third", default);
        Task<LogCommit> behind = PutIfAsync(log, "free", "fourth", default);
        Assert.False(replaces.IsCompleted || creates.IsCompleted, "a condition was decided on what is about to be replaced");
        sync.Release();
        await first;
        Assert.False((await replaces).IsApplied, "two commits have replaced the same value");
        Assert.False((await creates).IsApplied);
        Assert.True((await waits).IsApplied ^ (await behind).IsApplied, "of two that create the same key one must win");
        Assert.Equal("first", log.Get("key"));
    }

    [Theory]
    [InlineData(DiskFault.SyncFails)]
    [InlineData(DiskFault.SyncLosesPages)]
    [InlineData(DiskFault.FailAfterwards)]
    public async Task Once_what_was_under_way_has_failed_a_condition_holds_for_what_was_there_before(object fault)
    {
        await using LogEngine log = Open(_disk);
        await log.PutAsync("key", "old");
        Assert.True(log.TryLocate(Key("key"), out LogLocation old));
        _disk.FailAt(DiskOperation.Sync, 1, (DiskFault)fault);
        using HeldCall sync = HoldSync();
        Task failing = Task.Run(() => log.PutAsync("key", "never seen"));
        await sync.Entered.WaitAsync(TimeSpan.FromSeconds(20));
        Task<LogCommit> conditional = PutIfAsync(log, "key", "new", old);
        Assert.Equal("old", log.Get("key"));
        sync.Release();
        await RefusedAsync(() => failing);
        Assert.True((await conditional).IsApplied, "a commit that was not applied has made a condition fail");
        Assert.Equal("new", log.Get("key"));
        await using LogEngine again = Open(_disk.CutPower(new Random(1)));
        Assert.Equal("new", again.Get("key"));
    }

    [Theory]
    [InlineData(DiskFault.SyncFails)]
    [InlineData(DiskFault.SyncLosesSomePages)]
    [InlineData(DiskFault.FailAfterwards)]
    public async Task Those_who_share_a_sync_share_its_failure(object fault)
    {
        const int Writers = 6;
        await using LogEngine log = Open(_disk);
        await log.PutAsync("first", "value");
        using HeldCall sync = HoldSync();
        Task before = Task.Run(() => log.PutAsync("before", "value"));
        await sync.Entered.WaitAsync(TimeSpan.FromSeconds(20));

        // They queue one behind the other while the sync is held, and are written together.
        Task[] together = [.. Enumerable.Range(0, Writers).Select(i => log.PutAsync($"together {i}", "value"))];
        _disk.FailAt(DiskOperation.Sync, 1, (DiskFault)fault);
        sync.Release();
        await before;
        foreach (Task writer in together) await RefusedAsync(() => writer);
        for (int i = 0; i < Writers; i++) Assert.False(log.TryLocate(Key($"together {i}"), out _), "what was refused is read");
        await log.PutAsync("after", "value");
        foreach (SimulatedDisk found in (SimulatedDisk[])[_disk.Kill(), _disk.CutPower(new Random(1)), _disk.CutPower(new Random(1), PowerCut.LosesAll)])
        {
            await using LogEngine again = Open(found);
            Assert.Equal(("value", "value", "value"), (again.Get("first"), again.Get("before"), again.Get("after")));
            for (int i = 0; i < Writers; i++) Assert.False(again.TryLocate(Key($"together {i}"), out _), $"'together {i}' was refused, and is found later");
        }
    }

    private HeldCall HoldSync() => _disk.Hold(DiskOperation.Sync, LogSegmentFiles.Folder);

    private static async Task<LogCommit> PutIfAsync(LogEngine log, string key, string value, LogLocation expected)
    {
        using var batch = new LogBatch();
        batch.Put(Key(key), System.Text.Encoding.UTF8.GetBytes(value));
        batch.Expect(Key(key), expected);
        return await log.CommitAsync(batch);
    }
}
