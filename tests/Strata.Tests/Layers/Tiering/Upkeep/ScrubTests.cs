using System.Text;
using Strata.Testing;
using Xunit;
using static Strata.Tests.TierFixture;

namespace Strata.Tests;

/// <summary>Every copy compared with the origin; what is wrong is told, dropped or made right, and nothing that is right is touched.</summary>
public sealed class ScrubTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Stale_copies_are_made_again_and_orphans_dropped()
    {
        await using var f = new UpkeepFixture();
        foreach (string key in new[] { "a/good", "a/stale", "a/orphan" }) await f.PutAsync(key, "old");
        await f.PutBehindAsync("a/stale", "new");
        await f.Cold.DeleteAsync(BlobKey.Parse("a/orphan"));
        ScrubReport report = await f.Upkeep.ScrubAsync();
        Assert.Equal((3, 6, 2, 2), (report.Keys, report.Copies, report.Stale, report.Orphans));
        Assert.Equal((4, 2, null), (report.Dropped, report.Remade, report.After));
        Assert.Contains(report.Findings, finding => finding is { Tier: "hot", Fault: ScrubFault.Orphan, Remedy: ScrubRemedy.Dropped, Key.Value: "a/orphan" });
        Assert.Contains(report.Findings, finding => finding is { Tier: "warm", Fault: ScrubFault.Stale, Remedy: ScrubRemedy.Remade, Key.Value: "a/stale" });
        Assert.Equal("new", await f.GetAsync("a/stale"));
        Assert.Equal("new", Encoding.UTF8.GetString((await f.WarmMemory.GetBytesAsync(BlobKey.Parse("a/stale")))!));
        Assert.Equal("hot warm cold", await f.HoldersAsync("a/good"));
        Assert.Null(await f.GetAsync("a/orphan"));
        Assert.True((await f.Upkeep.ScrubAsync(new ScrubOptions { ReadBytes = true, ReadOrigin = true })).IsClean, "a second scrub must find nothing");
    }

    [Fact]
    public async Task A_dry_run_tells_and_touches_nothing()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("a/key", "old");
        await f.PutBehindAsync("a/key", "new");
        ScrubReport report = await f.Upkeep.ScrubAsync(new ScrubOptions { DryRun = true });
        Assert.Equal((2, 0), (report.Stale, report.Dropped));
        Assert.Equal("old", await GetAsync(f.Hot));
    }

    /// <summary>Between the look at the origin and the drop comes a write, whose copies are right.</summary>
    [Fact]
    public async Task A_write_meanwhile_keeps_its_copies()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("a/key", "old");
        await f.PutBehindAsync("a/key", "behind");
        using StoreGate gate = f.Gates.Hold(StoreOperation.Stat, CallMoment.After);
        Task<ScrubReport> scrub = f.Upkeep.ScrubAsync().AsTask();
        await gate.WaitForArrivalAsync();
        await f.PutAsync("a/key", "new");
        gate.Open();
        ScrubReport report = await scrub;
        Assert.Equal(0, report.Dropped);
        Assert.True(report.IsClean, "a write that came in between is no fault");
        Assert.Equal("new", await GetAsync(f.Hot));
        Assert.Equal("hot warm cold", await f.HoldersAsync("a/key"));
    }

    [Fact]
    public async Task Damaged_bytes_of_a_copy_are_found_by_reading_alone_and_made_again()
    {
        await using TieredBlobStore store = await OpenAsync();
        byte[] content = RandomBytes(200_000);
        await store.PutBytesAsync(Key, content);
        Damage(_folder.Sub("warm"), content.AsSpan(100_000, 32));
        Assert.True((await store.ScrubAsync()).IsClean, "what the tiers say of it is right");
        ScrubReport report = await store.ScrubAsync(new ScrubOptions { ReadBytes = true });
        Assert.Equal((1, 1), (report.DamagedCopies, report.Remade));
        report = await store.ScrubAsync(new ScrubOptions { ReadBytes = true });
        Assert.True(report.IsClean && report.Bytes == content.Length, "the copy that was made again must be right");
    }

    [Theory]
    [InlineData(200_000)]
    [InlineData(100)]
    public async Task A_damaged_blob_of_the_origin_is_written_again_as_the_same_write_from_a_good_copy(int length)
    {
        await using TieredBlobStore store = await OpenAsync();
        byte[] content = RandomBytes(length);
        BlobInfo written = (await store.PutBytesAsync(Key, content)).Info!;
        Damage(_folder.Sub("cold"), content.AsSpan(length / 2, 32));
        ScrubReport report = await store.ScrubAsync(new ScrubOptions { ReadOrigin = true, DryRun = true });
        Assert.Equal((1, 0), (report.DamagedOrigin, report.Repaired));
        report = await store.ScrubAsync(new ScrubOptions { ReadOrigin = true });
        Assert.True(report is { DamagedOrigin: 1, Repaired: 1 }, string.Join('\n', report.Findings));
        BlobReadResult read = (await store.ReadAsync(Key, new ReadOptions { Consistency = ReadConsistency.Origin }))!;
        await using (read)
        {
            Assert.Equal(content, await read.ToArrayAsync());
            Assert.True(read.Info.IsSameWriteAs(written), "a repair is no write: version and ETag stay");
        }

        Assert.True((await store.ScrubAsync(new ScrubOptions { ReadOrigin = true, ReadBytes = true })).IsClean, "nothing may be wrong behind the repair");
    }

    [Fact]
    public async Task Without_a_good_copy_of_the_very_write_a_damaged_origin_stays_as_it_is_and_no_copy_is_dropped()
    {
        await using TieredBlobStore store = await OpenAsync();
        byte[] content = RandomBytes(200_000);
        await store.PutBytesAsync(Key, content);
        Damage(_folder.Sub("cold"), content.AsSpan(100_000, 32));
        Damage(_folder.Sub("warm"), content.AsSpan(50_000, 32));
        ScrubReport report = await store.ScrubAsync(new ScrubOptions { ReadOrigin = true, ReadBytes = true });
        Assert.Equal((1, 0, 0), (report.DamagedOrigin, report.Repaired, report.Dropped));
        Assert.Equal(["warm", "cold"], await store.LocateAsync(Key));
    }

    [Fact]
    public async Task It_goes_on_where_it_ended_and_keeps_a_hundred_findings()
    {
        await using var f = new UpkeepFixture();
        for (int i = 0; i < 150; i++)
        {
            await f.PutAsync($"a/{i:d3}", "old", new WriteOptions { SkipTiers = ["hot"] });
            await f.PutBehindAsync($"a/{i:d3}", "new");
        }

        ScrubReport first = await f.Upkeep.ScrubAsync(new ScrubOptions { MaxKeys = 120, Remake = false });
        Assert.Equal((120, 120, 100, "a/119"), (first.Keys, first.Dropped, first.Findings.Count, first.After));
        ScrubReport second = await f.Upkeep.ScrubAsync(new ScrubOptions { After = first.After });
        Assert.Equal((30, 30, null), (second.Keys, second.Remade, second.After));
    }

    [Fact]
    public async Task A_tier_that_cannot_be_listed_is_told_and_the_others_are_looked_through()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("a/key", "old");
        await f.PutBehindAsync("a/key", "new");
        f.Warm.Inject(StoreFault.On(StoreOperation.List));
        ScrubReport report = await f.Upkeep.ScrubAsync();
        Assert.Equal((1, 1), (report.Unreadable, report.Remade));
        Assert.Contains(report.Findings, finding => finding is { Key: null, Tier: "warm", Fault: ScrubFault.Unreadable });
        f.Origin.Inject(StoreFault.On(StoreOperation.Stat));
        await Assert.ThrowsAsync<StorageException>(() => f.Upkeep.ScrubAsync().AsTask());
    }

    [Fact]
    public async Task The_bytes_read_a_second_are_kept_below_the_limit()
    {
        await using var f = new UpkeepFixture();
        for (int i = 0; i < 10; i++) await f.Store.PutBytesAsync(BlobKey.Parse($"a/{i}"), new byte[1000], new WriteOptions { SkipTiers = ["hot"] });
        Task<ScrubReport> scrub = f.Upkeep.ScrubAsync(new ScrubOptions { ReadBytes = true, BytesPerSecond = 1000 }).AsTask();
        for (int second = 0; second < 10; second++)
        {
            await f.Clock.WaitForTimerAsync(TimeSpan.FromSeconds(1));
            Assert.False(scrub.IsCompleted, "10,000 bytes at 1,000 a second take ten seconds");
            f.Clock.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(10_000, (await scrub).Bytes);
    }

    private ValueTask<TieredBlobStore> OpenAsync() =>
        new TieredStoreBuilder().AddTier("warm", $"file:{_folder.Sub("warm")}").AddTier("cold", $"file:{_folder.Sub("cold")}").OpenAsync();

    private static byte[] RandomBytes(int length)
    {
        byte[] bytes = new byte[length];
        new Random(5).NextBytes(bytes);
        return bytes;
    }

    private static void Damage(string folder, ReadOnlySpan<byte> at)
    {
        foreach (string file in Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Where(f => f.EndsWith(".seg", StringComparison.Ordinal) || f.EndsWith(".val", StringComparison.Ordinal)))
        {
            byte[] bytes = File.ReadAllBytes(file);
            int found = bytes.AsSpan().IndexOf(at);
            if (found < 0) continue;
            using FileStream damaged = File.OpenWrite(file);
            damaged.Position = found;
            damaged.WriteByte((byte)(bytes[found] ^ 0x10));
            return;
        }

        Assert.Fail($"nothing like that is in {folder}");
    }
}
