using Xunit;

namespace Strata.Tests;

/// <summary>What the simulated disk promises to the tests of the log: that it loses what a real one may lose, and nothing else.</summary>
public sealed class SimulatedDiskTests
{
    private const int Page = SimulatedDisk.PageBytes;
    private readonly SimulatedDisk _disk = new();

    public SimulatedDiskTests()
    {
        _disk.CreateFolder("s");
        _disk.SyncFolder("");
    }

    private static IEnumerable<Random> Seeds => Enumerable.Range(0, 200).Select(seed => new Random(seed));

    [Theory]
    [InlineData((int)PowerCut.AnySubset)]
    [InlineData((int)PowerCut.LosesAll)]
    [InlineData((int)PowerCut.KeepsPrefix)]
    public void What_is_synced_is_never_lost(int cut)
    {
        using ILogFile file = Durable("s/a", 4 * Page);
        byte[] synced = Filled(4 * Page, 1);
        file.Write(0, synced);
        file.Sync();
        _disk.SyncFolder("s");
        file.Write(Page, Filled(Page, 2));
        foreach (Random random in Seeds)
        {
            byte[] found = _disk.CutPower(random, (PowerCut)cut).BytesOf("s/a");
            Assert.Equal(synced[..Page], found[..Page]);
            Assert.Equal(synced[..(2 * Page)], found[(2 * Page)..]);
        }
    }

    [Fact]
    public void What_is_not_synced_may_be_kept_lost_torn_in_sectors_and_lost_before_what_is_kept()
    {
        using ILogFile file = Durable("s/a", 3 * Page);
        file.Write(0, Filled(3 * Page, 1));
        var seen = new HashSet<string>();
        foreach (Random random in Seeds)
        {
            byte[] found = _disk.CutPower(random).BytesOf("s/a");
            for (int sector = 0; sector < found.Length; sector += SimulatedDisk.SectorBytes)
                Assert.True(IsAll(found.AsSpan(sector, SimulatedDisk.SectorBytes), found[sector]), "a sector is written whole or not at all");
            bool[] whole = [.. found.Chunk(Page).Select(p => IsAll(p, 1))], none = [.. found.Chunk(Page).Select(p => IsAll(p, 0))];
            if (whole.All(w => w)) seen.Add("all kept");
            if (none.All(n => n)) seen.Add("all lost");
            if (none[0] && whole[2]) seen.Add("first lost, last kept");
            if (whole.Zip(none).Any(p => p is { First: false, Second: false })) seen.Add("torn");
        }

        Assert.Equal(["all kept", "all lost", "first lost, last kept", "torn"], seen.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_page_that_was_written_twice_may_be_as_it_was_in_between()
    {
        using ILogFile file = Durable("s/a", Page);
        file.Write(0, Filled(Page, 1));
        file.Write(0, Filled(Page, 2));
        Assert.Equal([0, 1, 2], Seeds.Select(r => _disk.CutPower(r).BytesOf("s/a")).Where(b => b.Distinct().Count() == 1).Select(b => (int)b[0]).Distinct().Order());
    }

    [Fact]
    public void All_that_is_not_synced_goes_when_that_is_asked_for()
    {
        using ILogFile file = Durable("s/a", 3 * Page);
        file.Write(0, Filled(Page, 1));
        file.Sync();
        file.Write(Page, Filled(Page, 2));
        file.Allocate(10 * Page);
        _disk.Create("s/b", 0).Dispose();
        SimulatedDisk found = _disk.CutPower(new Random(1), PowerCut.LosesAll);
        Assert.Equal([.. Filled(Page, 1), .. new byte[2 * Page]], found.BytesOf("s/a"));
        Assert.Equal(["s/a"], found.Names);
    }

    [Fact]
    public void A_prefix_is_one_over_all_files_and_names_and_its_end_is_torn()
    {
        using ILogFile a = Durable("s/a", 20 * Page), b = Durable("s/b", 20 * Page);
        for (int i = 0; i < 40; i++)
        {
            (i % 2 == 0 ? a : b).Write(i / 2 * Page, Filled(Page, (byte)(i + 1)));
            _disk.Create($"s/name {i:d2}", 0).Dispose();
        }

        var lengths = new HashSet<int>();
        bool isTorn = false;
        foreach (Random random in Seeds)
        {
            SimulatedDisk found = _disk.CutPower(random, PowerCut.KeepsPrefix);
            byte[][] pages = [.. Enumerable.Range(0, 40).Select(i => found.BytesOf(i % 2 == 0 ? "s/a" : "s/b")[(i / 2 * Page)..][..Page])];
            int whole = pages.TakeWhile((p, i) => IsAll(p, (byte)(i + 1))).Count(), names = found.Names.Count - 2;
            lengths.Add(whole);
            Assert.True(names == whole || names == whole - 1, $"{whole} pages and {names} names are no prefix");
            bool torn = whole < 40 && !IsAll(pages[whole], 0);
            isTorn |= torn;
            Assert.All(pages.Skip(whole + (torn ? 1 : 0)), p => Assert.True(IsAll(p, 0), "a later page is there"));
        }

        Assert.True(lengths.Count > 20 && isTorn, "200 cuts must be at many moments, some of them in the middle of a write");
    }

    [Fact]
    public void Names_are_lost_without_a_sync_of_their_folder_and_kept_with_it()
    {
        Durable("s/old", Page).Dispose();
        Durable("s/removed", Page).Dispose();
        _disk.Create("s/new", 0).Dispose();
        _disk.Rename("s/old", "s/moved");
        _disk.Delete("s/removed");
        string[] outcomes = [.. Seeds.Select(r => string.Join(' ', _disk.CutPower(r).Names)).Distinct().Order(StringComparer.Ordinal)];
        Assert.Equal(["s/moved s/new", "s/moved s/new s/removed", "s/new s/old s/removed", "s/old s/removed"], outcomes);
        _disk.SyncFolder("s");
        Assert.All(Seeds, r => Assert.Equal(["s/moved", "s/new"], _disk.CutPower(r).Names));
    }

    [Fact]
    public void A_folder_that_is_not_on_the_medium_takes_its_files_with_it()
    {
        _disk.CreateFolder("t/u");
        _disk.Create("t/u/a", 0).Dispose();
        _disk.SyncFolder("t/u");
        _disk.SyncFolder("t");
        Assert.Empty(_disk.CutPower(new Random(1), PowerCut.LosesAll).Names);
        _disk.SyncFolder("");
        Assert.Equal(["t/u/a"], _disk.CutPower(new Random(1), PowerCut.LosesAll).Names);
    }

    [Fact]
    public void A_recycled_file_has_its_old_bytes_where_new_ones_are_lost()
    {
        using ILogFile file = Durable("s/spare", 2 * Page);
        file.Write(0, Filled(2 * Page, 1));
        file.Sync();
        _disk.Rename("s/spare", "s/next");
        _disk.SyncFolder("s");
        file.Write(0, Filled(Page, 2));
        Assert.Equal(Filled(2 * Page, 1), _disk.CutPower(new Random(1), PowerCut.LosesAll).BytesOf("s/next"));
    }

    [Fact]
    public void What_was_removed_comes_back_as_it_was_synced_and_what_was_cut_does_not_come_back_by_growing()
    {
        using ILogFile file = Durable("s/a", 2 * Page);
        file.Write(0, Filled(2 * Page, 1));
        file.Sync();
        _disk.Delete("s/a");
        Assert.Equal(Filled(2 * Page, 1), _disk.CutPower(new Random(1), PowerCut.LosesAll).BytesOf("s/a"));
        file.Truncate(100);
        file.Allocate(2 * Page);
        file.Sync();
        Assert.Equal([.. Filled(100, 1), .. new byte[(2 * Page) - 100]], _disk.CutPower(new Random(1), PowerCut.LosesAll).BytesOf("s/a"));
    }

    [Fact]
    public void A_file_may_be_found_at_any_length_that_it_had_since_its_sync()
    {
        using ILogFile file = Durable("s/a", 0);
        file.Write(0, Filled(Page, 1));
        file.Write(Page, Filled(Page, 2));
        Assert.Equal([0, Page, 2 * Page], Seeds.Select(r => _disk.CutPower(r).BytesOf("s/a").Length).Distinct().Order());
    }

    [Fact]
    public async Task A_sync_promises_what_was_written_before_it_and_not_what_comes_while_it_runs()
    {
        using ILogFile file = Durable("s/a", 2 * Page);
        file.Write(0, Filled(Page, 1));
        using HeldCall held = _disk.Hold(DiskOperation.Sync, "s/a");
        Task sync = Task.Run(file.Sync);
        DiskCall call = await held.Entered;
        Assert.Equal((DiskOperation.Sync, "s/a"), (call.Operation, call.Name));
        file.Write(Page, Filled(Page, 2));
        Assert.False(sync.IsCompleted, "the sync is held");
        Assert.Equal(Filled(Page, 1), _disk.BytesOf("s/a")[..Page]);
        Assert.Equal(new byte[2 * Page], _disk.CutPower(new Random(1), PowerCut.LosesAll).BytesOf("s/a"));
        held.Release();
        await sync;
        Assert.Equal([.. Filled(Page, 1), .. new byte[Page]], _disk.CutPower(new Random(1), PowerCut.LosesAll).BytesOf("s/a"));
    }

    [Fact]
    public void The_same_seed_finds_the_same()
    {
        using ILogFile file = Durable("s/a", 10 * Page);
        for (int i = 0; i < 30; i++) file.Write(i * 1_111, Filled(2_222, (byte)i));
        for (int seed = 0; seed < 50; seed++)
            foreach (PowerCut cut in Enum.GetValues<PowerCut>()) Assert.Equal(_disk.CutPower(new Random(seed), cut).BytesOf("s/a"), _disk.CutPower(new Random(seed), cut).BytesOf("s/a"));
    }

    [Fact]
    public void A_killed_process_leaves_what_it_wrote_which_power_may_still_take()
    {
        using ILogFile file = Durable("s/a", 0);
        file.Write(0, Filled(Page, 1));
        _disk.Rename("s/a", "s/b");
        SimulatedDisk next = _disk.Kill();
        file.Write(0, Filled(Page, 2));
        Assert.Equal(Filled(Page, 1), next.BytesOf("s/b"));
        Assert.Equal(["s/a"], next.CutPower(new Random(1), PowerCut.LosesAll).Names);
        next.SyncFolder("s");
        using ILogFile again = next.Open("s/b");
        again.Sync();
        Assert.Equal(Filled(Page, 1), next.CutPower(new Random(1), PowerCut.LosesAll).BytesOf("s/b"));
    }

    [Fact]
    public void A_flipped_byte_is_flipped_for_readers_and_on_the_medium()
    {
        using ILogFile file = Durable("s/a", Page);
        file.Write(0, Filled(Page, 1));
        file.Sync();
        _disk.Flip("s/a", 100, 0x80);
        Assert.Equal(0x81, _disk.BytesOf("s/a")[100]);
        byte[] found = _disk.CutPower(new Random(1), PowerCut.LosesAll).BytesOf("s/a");
        Assert.Equal((0x01, 0x81, 0x01), (found[99], found[100], found[101]));
        _disk.Replace("s/a", [1, 2, 3]);
        Assert.Equal([1, 2, 3], _disk.CutPower(new Random(1), PowerCut.LosesAll).BytesOf("s/a"));
    }

    private ILogFile Durable(string name, long length)
    {
        ILogFile file = _disk.Create(name, length);
        file.Sync();
        _disk.SyncFolder("s");
        return file;
    }

    private static bool IsAll(ReadOnlySpan<byte> bytes, byte value) => bytes.IndexOfAnyExcept(value) < 0;

    private static byte[] Filled(int count, byte value) => [.. Enumerable.Repeat(value, count)];
}
