using Strata.Testing;
using Xunit;
using static Strata.Tests.LogFixture;

namespace Strata.Tests;

/// <summary>
/// A disk that is full in the middle of an append, of a compaction, of a hint: the log stays readable, says so, still takes
/// deletes, and writes again when there is room.
/// </summary>
public sealed class LogFullDiskTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);
    private readonly SimulatedDisk _disk = new();
    private readonly HashSet<string> _kept = [];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task In_the_middle_of_an_append(bool isTorn)
    {
        await using LogEngine log = Open(_disk);
        await FillSomeAsync(log);

        // No room for a new file, nor, where blocks are given out as they are written, for what is written to one.
        _disk.Capacity = 0;
        if (isTorn) _disk.FailAt(DiskOperation.Write, 1, DiskFault.ShortWriteThenFull);
        StorageException full = await WriteUntilFullAsync(log);
        Assert.Contains("full", full.Message, StringComparison.Ordinal);
        await StaysReadableAndTakesDeletesAsync(log);
        Assert.Null(log.GetStatistics().ReadOnlyBecause);
        await WritesAgainAsync(log);
    }

    [Fact]
    public async Task A_compaction_has_room_held_in_reserve()
    {
        await using LogEngine log = Open(_disk);
        await FillSomeAsync(log);

        // Some pages are left, for hints; nowhere near a segment.
        _disk.Capacity = 1L << 40;
        _disk.Capacity -= _disk.FreeBytes - (40 << 10);
        long used = log.GetStatistics().UsedBytes;
        await log.CompactAsync(0.02, CancellationToken.None);
        Assert.True(log.GetStatistics().UsedBytes < used, "garbage is not given free on a full disk");
        await StaysReadableAndTakesDeletesAsync(log);
        await WritesAgainAsync(log);
    }

    [Fact]
    public async Task An_opening_and_a_closing_without_room_for_hints_go_on_and_the_hints_come_when_there_is_room()
    {
        await using (LogEngine log = Open(_disk)) await FillSomeAsync(log);
        SimulatedDisk found = _disk.Kill();
        foreach (string hint in found.Names.Where(n => n.EndsWith(".hint", StringComparison.Ordinal)).ToArray()) found.Delete(hint);
        int refused = 0;
        found.Faults = call =>
        {
            if (!call.Name.EndsWith(".hint.tmp", StringComparison.Ordinal) || call.Operation != DiskOperation.Create) return DiskFault.None;
            refused++;
            return DiskFault.Full;
        };
        await using (LogEngine log = Open(found))
        {
            ExpectAll(log, "the opening wanted room for hints");
            await log.PutAsync("later", "value");
        }

        Assert.True(refused > 1, "no hint was refused, so nothing is tested");
        Assert.DoesNotContain(found.Names, n => n.EndsWith(".hint", StringComparison.Ordinal));
        var clock = new FakeClock();
        await using LogEngine again = Open(found, context: StoreContext.Default with { Clock = clock });
        ExpectAll(again, "the closing wanted room for hints");
        Assert.Equal("value", again.Get("later"));

        // The look that comes by the clock tries again, says what is wrong, and then that it is not any more.
        clock.Advance(TimeSpan.FromMinutes(2));
        await Eventually.HoldsAsync(() => again.GetStatistics().LastBackgroundError is not null, "hints fail in silence", Soon);
        found.Faults = null;
        clock.Advance(TimeSpan.FromMinutes(2));
        await Eventually.HoldsAsync(() => again.Segments.All(s => s.HasHint), "there is room, and the hints do not come", Soon);
        await Eventually.HoldsAsync(() => again.GetStatistics().LastBackgroundError is null, "what is over is told still", Soon);
    }

    /// <summary>A rename that fails, or only says so: the file must not be asked for again and again.</summary>
    [Theory]
    [InlineData(DiskFault.Fail)]
    [InlineData(DiskFault.FailAfterwards)]
    public async Task A_spare_that_cannot_be_taken_is_passed_over(object fault)
    {
        await using LogEngine log = Open(_disk);
        await FillSomeAsync(log);
        int failed = 0;
        _disk.Faults = call => call.Operation == DiskOperation.Rename && call.Name.Contains("spare", StringComparison.Ordinal) && Interlocked.Increment(ref failed) == 1 ? (DiskFault)fault : DiskFault.None;
        await Eventually.HoldsAsync(
            async () =>
            {
                await log.FillAsync("more", isGarbage: true);
                return failed > 0;
            },
            what: "no spare was taken, so nothing is tested");
        await ExpectKeptAsync(log);
    }

    [Fact]
    public async Task In_the_middle_of_a_compaction()
    {
        await using LogEngine log = Open(_disk);
        await FillSomeAsync(log);
        _disk.Faults = call => IsFull(DiskOperation.Write, call, ".tmp") && !call.Name.Contains(".hint", StringComparison.Ordinal) ? DiskFault.ShortWriteThenFull : DiskFault.None;
        await CompactionFailsAsync(log);
        await StaysReadableAndTakesDeletesAsync(log);
        await WritesAgainAsync(log);
        await log.CompactAsync(0.02, CancellationToken.None);
        Assert.True(log.GetStatistics().Compactions > 0);
        await ExpectKeptAsync(log);
    }

    [Theory]
    [InlineData(DiskOperation.Create)]
    [InlineData(DiskOperation.Write)]
    public async Task In_the_middle_of_a_hint(object operation)
    {
        // Nothing is sealed yet when the disk is full, so that no hint can be written from here on.
        await using LogEngine log = Open(_disk);
        _disk.Faults = call => IsFull((DiskOperation)operation, call, ".hint.tmp") ? DiskFault.ShortWriteThenFull : DiskFault.None;
        await FillSomeAsync(log);
        await CompactionFailsAsync(log);
        Assert.Contains(log.Segments, s => s.IsSettled && !s.HasHint);
        await StaysReadableAndTakesDeletesAsync(log);
        await WritesAgainAsync(log);
        await log.CompactAsync(0.02, CancellationToken.None);
        Assert.DoesNotContain(log.Segments, s => s.IsSettled && !s.HasHint);
        await ExpectKeptAsync(log);
    }

    /// <summary>Half of what is written counts, the rest is garbage.</summary>
    private async Task FillSomeAsync(LogEngine log)
    {
        for (int i = 0; i < 14; i++)
        {
            await log.PutAsync($"kept {i}", $"{i} {Long}");
            await log.PutAsync("garbage", Long);
            _kept.Add($"kept {i}");
        }
    }

    private static bool IsFull(DiskOperation operation, DiskCall call, string ending) =>
        call.Operation == operation && call.Name.EndsWith(ending, StringComparison.Ordinal);

    private static async Task<StorageException> WriteUntilFullAsync(LogEngine log)
    {
        for (int i = 0; i < 1_000; i++)
        {
            try
            {
                await log.PutAsync($"more {i}", Long);
            }
            catch (StorageException e)
            {
                Assert.Equal((StorageErrorKind.Full, WriteOutcome.NotApplied), (e.Kind, e.Outcome));
                return e;
            }
        }

        throw new Xunit.Sdk.XunitException("a full disk took ten megabytes");
    }

    private static async Task CompactionFailsAsync(LogEngine log)
    {
        StorageException e = await RefusedAsync(() => log.CompactAsync(0.02, CancellationToken.None));
        Assert.Equal(StorageErrorKind.Full, e.Kind);

        // The one that runs by itself fails as well, and says so where nobody has called it.
        await log.PutAsync("little", "that counts");
        await log.FillAsync("garbage", isGarbage: true);
        await log.PutAsync("little more", "that counts");
        await log.FillAsync("garbage", isGarbage: true);
        await Eventually.HoldsAsync(() => log.GetStatistics().LastBackgroundError is not null, "compaction fails in silence", Soon);
    }

    private async Task StaysReadableAndTakesDeletesAsync(LogEngine log)
    {
        foreach (string key in _kept) Assert.True(log.Get(key)?.EndsWith(Long, StringComparison.Ordinal), $"'{key}' cannot be read on a full disk");
        foreach (string key in _kept.Take(5).ToArray())
        {
            await log.DeleteAsync(key);
            _kept.Remove(key);
            Assert.Null(log.Get(key));
        }

        await ExpectKeptAsync(log);
    }

    private async Task WritesAgainAsync(LogEngine log)
    {
        _disk.Capacity = null;
        _disk.Faults = null;
        await Eventually.HoldsAsync(
            async () =>
            {
                try
                {
                    for (int i = 0; i < 20; i++) await log.PutAsync($"again {i}", Long);
                    return true;
                }
                catch (StorageException e) when (e.Kind == StorageErrorKind.Full)
                {
                    return false;
                }
            },
            Soon,
            "there is room, and the log does not write");
        await ExpectKeptAsync(log);
    }

    private void ExpectAll(LogEngine log, string otherwise)
    {
        foreach (string key in _kept) Assert.True(log.Get(key)?.EndsWith(Long, StringComparison.Ordinal), $"'{key}' is lost: {otherwise}");
    }

    /// <summary>What was kept is there, what was deleted is not; after a kill and after a power cut too.</summary>
    private async Task ExpectKeptAsync(LogEngine log)
    {
        Check(log);
        foreach (SimulatedDisk found in (SimulatedDisk[])[_disk.Kill(), _disk.CutPower(new Random(1), PowerCut.LosesAll)])
        {
            found.Capacity = null;
            await using LogEngine again = Open(found);
            Check(again);
        }

        void Check(LogEngine each)
        {
            for (int i = 0; i < 14; i++) Assert.True(_kept.Contains($"kept {i}") == each.TryRead(Key($"kept {i}"), out LogEntry entry) && Disposed(entry), $"'kept {i}' is wrong");
        }
    }

    private static bool Disposed(LogEntry entry)
    {
        entry.Dispose();
        return true;
    }
}
