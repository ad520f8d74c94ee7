using Xunit;
using static Strata.Tests.LogFixture;

namespace Strata.Tests;

/// <summary>What compaction must still know of when one of its steps has failed, or a commit comes between two of them: no deleted key comes back.</summary>
public sealed class LogCompactionFaultTests
{
    private const double All = 0.02;
    private readonly SimulatedDisk _disk = new();

    /// <summary>A group that goes over the end of a segment is durable in part before any of it can be read.</summary>
    [Fact]
    public async Task A_delete_that_is_durable_and_not_yet_visible_when_compaction_begins_keeps_its_tombstone()
    {
        await using LogEngine log = Open();
        await log.PutAsync("key", "old");
        await log.PutAsync("beside it", Long);
        await log.FillAsync("garbage", isGarbage: true);
        while (log.Appender.Active!.Capacity - log.Appender.Active.End > Long.Length + 500) await log.PutAsync("garbage", Long);
        using HeldCall sync = _disk.Hold(DiskOperation.Sync, LogSegmentFiles.Folder), rolling = _disk.Hold(IsNewSegment);
        Task first = Task.Run(() => log.PutAsync("first", "value"));
        await EnteredAsync(sync);
        Task delete = log.DeleteAsync("key"), large = log.PutAsync("large", Long);
        sync.Release();
        await EnteredAsync(rolling);
        Assert.Equal("old", log.Get("key"));
        await log.CompactAsync(All, CancellationToken.None);
        rolling.Release();
        await Task.WhenAll(first, delete, large);
        Assert.Null(log.Get("key"));
        await log.FillAsync("garbage", isGarbage: true);
        for (int i = 0; i < 3; i++) await log.CompactAsync(All, CancellationToken.None);
        await ExpectGoneAsync();
    }

    [Theory]
    [InlineData(DiskOperation.Rename, false)]
    [InlineData(DiskOperation.Rename, true)]
    [InlineData(DiskOperation.SyncFolder, false)]
    [InlineData(DiskOperation.SyncFolder, true)]
    public async Task What_hides_the_entries_of_a_segment_that_could_not_be_let_go_stays(object operation, bool hasLive)
    {
        await using LogEngine log = Open();
        await log.PutAsync("key", "old");
        await log.PutAsync("beside it", Long);
        string victim = LogSegmentFiles.NameOf(log.Appender.Active!.Incarnation);
        await log.FillAsync("garbage", isGarbage: true);
        bool isRetiring = false, hasFailed = false;
        _disk.Faults = call =>
        {
            // The calls that let the victim go, not those that make the new segment known.
            if (call.Operation == DiskOperation.Rename && call.Name == victim) isRetiring = true;
            if (!isRetiring || hasFailed || call.Operation != (DiskOperation)operation) return DiskFault.None;
            hasFailed = true;
            return DiskFault.Fail;
        };
        await log.DeleteAsync("key");
        if (!hasLive) await log.PutAsync("beside it", Long);

        // What is nothing but garbage goes by itself, but its name is synced with the next segment's, or by whoever asks.
        if (hasLive || (DiskOperation)operation == DiskOperation.SyncFolder) await Assert.ThrowsAsync<StorageException>(() => log.CompactAsync(All, CancellationToken.None));
        await Eventually.HoldsAsync(() => hasFailed, "the segment was not let go, so nothing is tested");
        _disk.Faults = null;
        await CompactUntilForgottenAsync(log);
        await ExpectGoneAsync();
    }

    [Fact]
    public async Task What_hides_the_entries_of_a_segment_whose_publication_could_not_be_undone_stays()
    {
        await using LogEngine log = Open();
        await log.PutAsync("key", "old");
        await log.PutAsync("beside it", Long);
        await log.FillAsync("garbage", isGarbage: true);
        string? published = null;
        int failures = 0;
        _disk.Faults = call =>
        {
            if (call.Operation == DiskOperation.Rename && call.Name.EndsWith(".tmp", StringComparison.Ordinal) && call.To!.EndsWith(".seg", StringComparison.Ordinal) && !call.To.Contains("spare", StringComparison.Ordinal)) published = call.To;
            bool fails = published is not null && failures < 2 && (call.Operation == DiskOperation.SyncFolder || (call.Operation == DiskOperation.Rename && call.Name == published));
            if (fails) failures++;
            return fails ? DiskFault.Fail : DiskFault.None;
        };
        await Assert.ThrowsAsync<StorageException>(() => log.CompactAsync(All, CancellationToken.None));
        Assert.Equal(2, failures);
        _disk.Faults = null;
        await log.DeleteAsync("key");
        await CompactUntilForgottenAsync(log);
        await ExpectGoneAsync();
    }

    /// <summary>Writes and compacts until nothing of the first segments is left in the log, nor a tombstone, if it lets it go.</summary>
    private static async Task CompactUntilForgottenAsync(LogEngine log)
    {
        for (int i = 0; i < 6; i++)
        {
            await log.PutAsync("beside it", Long);
            await log.FillAsync("garbage", isGarbage: true);
            await log.CompactAsync(All, CancellationToken.None);
        }
    }

    private static bool IsNewSegment(DiskCall call) =>
        call.Operation is DiskOperation.Create or DiskOperation.Rename && (call.To ?? call.Name) is var name && name.EndsWith(".seg", StringComparison.Ordinal) && !name.Contains("spare", StringComparison.Ordinal);

    private static Task EnteredAsync(HeldCall held) => held.Entered.WaitAsync(TimeSpan.FromSeconds(20));

    private async Task ExpectGoneAsync()
    {
        foreach (SimulatedDisk found in (SimulatedDisk[])[_disk.Kill(), _disk.CutPower(new Random(1), PowerCut.LosesAll)])
        {
            await using LogEngine again = LogEngine.Open(Options, found);
            Assert.True(again.Get("key") is null, $"a deleted key comes back\n{string.Join(' ', found.Names)}");
        }
    }

    private LogEngine Open() => LogEngine.Open(Options, _disk);
}
