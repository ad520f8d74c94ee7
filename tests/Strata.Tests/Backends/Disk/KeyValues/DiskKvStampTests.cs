using Xunit;

namespace Strata.Tests;

/// <summary>No versionstamp is issued twice, and each is above all before: whatever the process, the power and the clock do.</summary>
public sealed class DiskKvStampTests : DiskKvFixture
{
    [Theory]
    [InlineData(DiskDurability.Flush)]
    [InlineData(DiskDurability.OperatingSystem)]
    public async Task They_rise_by_one_over_closed_restarts(DiskDurability durability)
    {
        Versionstamp last = Versionstamp.None;
        for (int restart = 0; restart < 3; restart++)
        {
            await OpenAsync(Options with { Durability = durability });
            for (int i = 0; i < 3; i++)
            {
                Versionstamp stamp = await CommitAsync(i == 1 ? [] : [Set("a", "1")]);
                Assert.Equal(last.Next(), stamp);
                last = stamp;
            }

            Clock.Jump(TimeSpan.FromDays(-1));
        }
    }

    /// <summary>Stops the process at every single change that it makes to the disk; what is on the disk by then, power lost or not, is opened again.</summary>
    [Theory]
    [InlineData(DiskDurability.Flush)]
    [InlineData(DiskDurability.Interval)]
    [InlineData(DiskDurability.OperatingSystem)]
    public async Task They_rise_after_a_crash_at_any_line(DiskDurability durability)
    {
        for (int stop = 1; ; stop++)
        {
            var disk = new SimulatedDisk();
            disk.StopAt(stop);
            Versionstamp told = await CommitUntilStoppedAsync(disk, durability);
            if (!disk.IsStopped) return;
            foreach (SimulatedDisk left in (SimulatedDisk[])[disk.Kill(), disk.CutPower(new Random(stop)), disk.CutPower(new Random(stop), PowerCut.LosesAll)])
            {
                Clock.Jump(TimeSpan.FromDays(-1));
                await OpenAsync(Options with { Disk = left, Durability = durability });
                foreach (KvEntry entry in await AllAsync()) Assert.True(entry.Versionstamp > Versionstamp.None);
                Versionstamp next = await CommitAsync(Set("next", "1"));
                Assert.True(next > told, $"after a crash at change {stop} the versionstamp {next} was issued, and {told} before it");
                Assert.All(await AllAsync(), e => Assert.True(e.Versionstamp <= next, $"after a crash at change {stop} there is an entry of {e.Versionstamp}, and {next} was issued"));
                await CloseAsync();
            }
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task They_go_on_beyond_all_that_are_found_where_their_record_is_lost(bool isDamaged)
    {
        var disk = new SimulatedDisk();
        await OpenAsync(Options with { Disk = disk });
        Versionstamp last = default;
        for (int i = 0; i < 10; i++) last = await CommitAsync(Set($"{i}", "1"));
        if (isDamaged)
        {
            await CloseAsync();
            byte[] key = KvStampRecord.KeyOf(LogKeyspace.KeyValues);
            foreach (string segment in disk.Names.Where(n => n.EndsWith(".seg", StringComparison.Ordinal)))
            {
                byte[] bytes = disk.BytesOf(segment);
                for (int at = bytes.AsSpan().IndexOf(key); at >= 0; at = bytes.AsSpan(at + 1).IndexOf(key) is >= 0 and int next ? at + 1 + next : -1) disk.Flip(segment, at + key.Length + 9);
            }
        }
        else
        {
            using var batch = new LogBatch();
            batch.Delete(KvStampRecord.KeyOf(LogKeyspace.KeyValues));
            await Database.Log.CommitAsync(batch);
            disk = disk.Kill();
        }

        int warnings = Log.Warnings;
        await OpenAsync(Options with { Disk = disk });
        Assert.True(Log.Warnings > warnings, "the loss is not reported");
        Assert.True(await CommitAsync(Set("next", "1")) > last);
        Assert.Equal("1", await GetAsync("9"));
    }

    private async Task<Versionstamp> CommitUntilStoppedAsync(SimulatedDisk disk, DiskDurability durability)
    {
        Versionstamp told = Versionstamp.None;
        try
        {
            await OpenAsync(Options with { Disk = disk, Durability = durability });
            for (int i = 0; i < 4; i++)
            {
                told = await CommitAsync(Set($"{i}", "1"), Set("all", $"{i}"));
                told = await CommitAsync();
                told = await CommitAsync(Delete($"{i}"));
            }

            await CloseAsync();
        }
        catch (Exception e) when (disk.IsStopped && e is not Xunit.Sdk.XunitException)
        {
            // What a killed process would have done is nobody's concern.
            await Record.ExceptionAsync(CloseAsync);
            Forget();
        }

        return told;
    }
}
