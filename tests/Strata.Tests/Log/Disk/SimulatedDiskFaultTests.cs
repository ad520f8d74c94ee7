using Xunit;

namespace Strata.Tests;

/// <summary>What goes wrong with the simulated disk when a test asks for it: that, then, and no more.</summary>
public sealed class SimulatedDiskFaultTests
{
    private const int Page = SimulatedDisk.PageBytes;
    private readonly SimulatedDisk _disk = new();

    public SimulatedDiskFaultTests()
    {
        _disk.CreateFolder("s");
        _disk.SyncFolder("");
    }

    [Fact]
    public void The_nth_change_fails_and_the_others_do_not()
    {
        using ILogFile file = _disk.Create("s/a", Page);
        _disk.FailAt(2, DiskFault.Fail);
        file.Write(0, "one"u8);
        Assert.Equal(3, file.Read(0, new byte[3]));
        IOException e = Assert.Throws<IOException>(() => file.Write(0, "two"u8));
        Assert.Equal(5, e.HResult);
        Assert.Equal("one"u8, _disk.BytesOf("s/a").AsSpan(0, 3));
        file.Write(0, "six"u8);
        Assert.Equal("six"u8, _disk.BytesOf("s/a").AsSpan(0, 3));
    }

    [Fact]
    public void Each_operation_can_fail_and_then_nothing_has_happened()
    {
        using ILogFile file = _disk.Create("s/a", Page);
        _disk.Create("s/b", 0).Dispose();
        var calls = new (DiskOperation Operation, Action Call)[]
        {
            (DiskOperation.Create, () => _disk.Create("s/new", Page)),
            (DiskOperation.Rename, () => _disk.Rename("s/a", "s/b")),
            (DiskOperation.Delete, () => _disk.Delete("s/a")),
            (DiskOperation.CreateFolder, () => _disk.CreateFolder("t")),
            (DiskOperation.SyncFolder, () => _disk.SyncFolder("s")),
            (DiskOperation.Write, () => file.Write(0, new byte[2 * Page])),
            (DiskOperation.Sync, file.Sync),
            (DiskOperation.Allocate, () => file.Allocate(2 * Page)),
            (DiskOperation.Truncate, () => file.Truncate(0)),
            (DiskOperation.Open, () => _disk.Open("s/a")),
            (DiskOperation.Read, () => file.Read(0, new byte[1])),
            (DiskOperation.List, () => _disk.List("s")),
            (DiskOperation.Exists, () => _disk.Exists("s/a")),
            (DiskOperation.LengthOf, () => _disk.LengthOf("s/a")),
        };
        foreach ((DiskOperation operation, Action call) in calls)
        {
            foreach ((DiskFault fault, int error) in new[] { (DiskFault.Fail, 5), (DiskFault.Full, 28) })
            {
                _disk.FailAt(operation, 1, fault);
                Assert.Equal(error, Assert.Throws<IOException>(call).HResult);
                Assert.Equal(["s/a", "s/b"], _disk.Names);
                Assert.Equal((Page, 1), (file.Length, _disk.OpenFiles));
                Assert.Empty(_disk.CutPower(new Random(1), PowerCut.LosesAll).Names);
                Assert.Contains($"... {fault}", _disk.Trace, StringComparison.Ordinal);
            }
        }

        Assert.Equal(Enum.GetValues<DiskOperation>().Except([DiskOperation.StartWriteBack, DiskOperation.DropCache]).Order(), calls.Select(c => c.Operation).Order());
    }

    [Fact]
    public void A_failed_sync_may_leave_the_pages_to_the_next_one()
    {
        using ILogFile file = Written();
        _disk.FailAt(DiskOperation.Sync, 1, DiskFault.SyncFails);
        Assert.Equal(5, Assert.Throws<IOException>(file.Sync).HResult);
        Assert.Equal(new byte[Page], AfterCut());
        file.Sync();
        Assert.Equal(_disk.BytesOf("s/a"), AfterCut());
    }

    [Fact]
    public void A_failed_sync_may_lose_the_pages_though_they_are_read_and_the_next_one_says_nothing()
    {
        using ILogFile file = Written();
        byte[] written = _disk.BytesOf("s/a");
        _disk.FailAt(DiskOperation.Sync, 1, DiskFault.SyncLosesPages);
        Assert.Equal(5, Assert.Throws<IOException>(file.Sync).HResult);
        file.Sync();
        Assert.Equal(written, _disk.BytesOf("s/a"));
        for (int seed = 0; seed < 50; seed++) Assert.Equal(new byte[Page], _disk.CutPower(new Random(seed)).BytesOf("s/a"));
        file.DropCache(0, Page);
        Assert.Equal(new byte[Page], _disk.BytesOf("s/a"));
        file.Write(0, written);
        file.Sync();
        Assert.Equal(written, AfterCut());
    }

    [Fact]
    public void A_failed_sync_may_lose_some_pages_and_keep_others()
    {
        var kept = new HashSet<int>();
        for (int seed = 0; seed < 100; seed++)
        {
            var disk = new SimulatedDisk(seed);
            using ILogFile file = disk.Create("a", 8 * Page);
            file.Sync();
            disk.SyncFolder("");
            file.Write(0, Enumerable.Repeat((byte)1, 8 * Page).ToArray());
            disk.FailAt(DiskOperation.Sync, 1, DiskFault.SyncLosesSomePages);
            Assert.Throws<IOException>(file.Sync);
            file.Sync();
            kept.Add(disk.CutPower(new Random(1), PowerCut.LosesAll).BytesOf("a").Chunk(Page).Count(p => p.All(b => b == 1)));
        }

        Assert.Superset(new HashSet<int> { 0, 3, 8 }, kept);
    }

    [Fact]
    public void An_error_may_come_though_all_was_done()
    {
        using ILogFile file = Written();
        _disk.Faults = call => call.Operation is DiskOperation.Sync or DiskOperation.Rename or DiskOperation.SyncFolder ? DiskFault.FailAfterwards : DiskFault.None;
        Assert.Throws<IOException>(file.Sync);
        Assert.Throws<IOException>(() => _disk.Rename("s/a", "s/b"));
        Assert.Throws<IOException>(() => _disk.SyncFolder("s"));
        Assert.Equal(_disk.BytesOf("s/b"), _disk.CutPower(new Random(1), PowerCut.LosesAll).BytesOf("s/b"));
    }

    [Theory]
    [InlineData((int)DiskFault.ShortWrite, 5)]
    [InlineData((int)DiskFault.ShortWriteThenFull, 28)]
    public void A_short_write_leaves_its_beginning(int fault, int error)
    {
        using ILogFile file = _disk.Create("s/a", Page);
        _disk.FailAt(DiskOperation.Write, 1, (DiskFault)fault);
        Assert.Equal(error, Assert.Throws<IOException>(() => file.Write(0, "12345678"u8)).HResult);
        Assert.Equal([.. "1234"u8, 0, 0, 0, 0], _disk.BytesOf("s/a")[..8]);
    }

    [Fact]
    public void A_full_disk_stays_full_until_there_is_room()
    {
        _disk.Capacity = 10 * Page;
        using ILogFile file = _disk.Create("s/a", 4 * Page);
        Assert.Equal(6 * Page, _disk.FreeBytes);
        Assert.True(DiskErrors.IsFull(Assert.Throws<IOException>(() => _disk.Create("s/b", 7 * Page))));
        Assert.Equal(["s/a"], _disk.Names);
        ILogFile last = _disk.Create("s/b", 5 * Page);
        Assert.Equal(28, Assert.Throws<IOException>(() => file.Allocate(6 * Page)).HResult);
        Assert.Equal(4 * Page, file.Length);

        // What fits is written, as the system does it.
        Assert.Equal(28, Assert.Throws<IOException>(() => file.Write(3 * Page, new byte[3 * Page])).HResult);
        Assert.Equal((5 * Page, 0L), (file.Length, _disk.FreeBytes));
        file.Write(0, new byte[5 * Page]);

        _disk.Delete("s/b");
        Assert.Equal(0, _disk.FreeBytes);
        last.Dispose();
        Assert.Equal(5 * Page, _disk.FreeBytes);
        file.Allocate(6 * Page);
        file.Truncate(Page);
        Assert.Equal(9 * Page, _disk.FreeBytes);
        Assert.Equal(9 * Page, _disk.Kill().FreeBytes);
        _disk.Rename("s/a", "s/c");
        using ILogFile other = _disk.Create("s/d", 2 * Page);
        _disk.Rename("s/c", "s/d");
        other.Dispose();
        Assert.Equal(9 * Page, _disk.FreeBytes);
        _disk.Capacity = 0;
        Assert.Equal(0, _disk.FreeBytes);
    }

    [Fact]
    public void The_process_ends_at_the_nth_change_and_does_nothing_more()
    {
        for (int n = 1; n <= 5; n++)
        {
            var disk = new SimulatedDisk(n);
            disk.StopAt(n);
            int done = 0;
            Assert.Throws<SimulatedCrashException>(() =>
            {
                using ILogFile file = disk.Create("a", 0);
                done++;
                file.Write(0, new byte[100]);
                done++;
                file.Sync();
                done++;
                disk.Rename("a", "b");
                done++;
                disk.SyncFolder("");
                done++;
            });
            Assert.Equal(n - 1, done);
            Assert.True(disk.IsStopped);
            Assert.Throws<SimulatedCrashException>(() => disk.Exists("a"));
            SimulatedDisk next = disk.Kill();
            Assert.Equal(n == 1 ? [] : [n <= 4 ? "a" : "b"], next.List(""));
            Assert.Equal(0, next.OpenFiles);
        }
    }

    [Fact]
    public void The_end_in_the_middle_of_a_write_leaves_any_part_of_it()
    {
        HashSet<int> parts = [.. Enumerable.Range(0, 300).Select(seed =>
        {
            var disk = new SimulatedDisk(seed);
            using ILogFile file = disk.Create("a", 0);
            disk.StopAt(1);
            Assert.Throws<SimulatedCrashException>(() => file.Write(0, new byte[10]));
            return disk.BytesOf("a").Length;
        })];
        Assert.Equal(Enumerable.Range(0, 11), parts.Order());
    }

    [Fact]
    public async Task The_end_reaches_calls_that_are_held()
    {
        using ILogFile file = Written();
        using HeldCall held = _disk.Hold(DiskOperation.Sync);
        Task sync = Task.Run(file.Sync);
        await held.Entered;
        _disk.Stop();
        await Assert.ThrowsAsync<SimulatedCrashException>(() => sync);
        Assert.Equal(new byte[Page], AfterCut());
    }

    [Fact]
    public void Calls_are_seen_before_they_are_made_counted_and_traced()
    {
        var seen = new List<DiskCall>();
        _disk.Before = seen.Add;
        (int calls, int changes) = (_disk.Calls, _disk.Changes);
        using (ILogFile file = _disk.Create("s/a", 10))
        {
            file.Write(4, new byte[6]);
            file.Read(0, new byte[3]);
            file.Sync();
        }

        _disk.Rename("s/a", "s/b");
        Assert.Equal([DiskOperation.Create, DiskOperation.Write, DiskOperation.Read, DiskOperation.Sync, DiskOperation.Rename], seen.Select(c => c.Operation));
        Assert.Equal(Enumerable.Range(calls + 1, 5), seen.Select(c => c.Number));
        Assert.Equal([changes + 1, changes + 2, 0, changes + 3, changes + 4], seen.Select(c => c.Change));
        Assert.Equal((1, 1), (_disk.CountOf(DiskOperation.Write), _disk.CountOf(DiskOperation.Create)));
        Assert.EndsWith("(change 6) Rename s/a -> s/b 0+0", _disk.Trace, StringComparison.Ordinal);
        Assert.Contains("Write s/a 4+6\n", _disk.Trace, StringComparison.Ordinal);
        Assert.Equal(0, _disk.OpenFiles);
    }

    private ILogFile Written()
    {
        ILogFile file = _disk.Create("s/a", Page);
        file.Sync();
        _disk.SyncFolder("s");
        file.Write(0, Enumerable.Repeat((byte)1, Page).ToArray());
        return file;
    }

    private byte[] AfterCut() => _disk.CutPower(new Random(1), PowerCut.LosesAll).BytesOf("s/a");
}
