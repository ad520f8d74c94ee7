using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>Versions and expiry over restarts and crashes, and a clock that is set back (CONSISTENCY 1 and 7).</summary>
public sealed class DiskRestartTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly FakeClock _clock = new();
    private SimulatedDisk _disk = new();
    private int _openings;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Versions_rise_over_a_hundred_restarts_and_a_clock_that_is_set_back_by_a_day()
    {
        var random = new Random(1);
        BlobVersion last = default;
        for (int life = 0; life < 100; life++)
        {
            await using DiskBlobStore store = await OpenAsync();
            for (int i = random.Next(3); i >= 0; i--)
            {
                BlobKey key = BlobKey.Parse($"key {random.Next(20)}");
                Rises(ref last, (await store.PutBytesAsync(key, new byte[random.Next(6_000)])).Info!.Version, life);
                if (random.Next(2) == 0) Rises(ref last, (await store.UpdateAsync(key, new BlobChanges { ContentType = "type/new" })).Info!.Version, life);
                if (random.Next(3) == 0) Rises(ref last, (await store.DeleteAsync(key)).Version, life);
                _clock.Jump(TimeSpan.FromSeconds(random.Next(90)));
            }

            int end = random.Next(3);
            if (end == 0) await store.DisposeAsync();
            _disk = end == 2 ? _disk.CutPower(random) : _disk.Kill();
            if (random.Next(5) == 0) _clock.Jump(TimeSpan.FromHours(-24));
        }
    }

    [Theory]
    [InlineData("closed")]
    [InlineData("killed")]
    [InlineData("cut")]
    public async Task What_had_expired_before_the_last_write_stays_so_when_the_clock_is_set_back_by_a_day(string end)
    {
        BlobKey expired = BlobKey.Parse("expired"), later = BlobKey.Parse("later");
        await using (DiskBlobStore store = await OpenAsync())
        {
            await store.PutBytesAsync(expired, new byte[10], new WriteOptions { Expires = _clock.GetUtcNow().AddSeconds(5) });
            _clock.Jump(TimeSpan.FromSeconds(10));
            Assert.Null(await store.StatAsync(expired));

            // Its version is persisted, and later than the expiry.
            await store.PutBytesAsync(later, new byte[10]);
            if (end == "closed") await store.DisposeAsync();
            _disk = end == "cut" ? _disk.CutPower(new Random(1), PowerCut.LosesAll) : _disk.Kill();
        }

        _clock.Jump(TimeSpan.FromHours(-24));
        await using DiskBlobStore again = await OpenAsync();
        Assert.NotNull(await again.StatAsync(later));
        Assert.Null(await again.StatAsync(expired));
        Assert.Null(await again.GetBytesAsync(expired));
        Assert.DoesNotContain((await again.ListPageAsync(new ListRequest())).Items, i => i.Key == expired);
    }

    [Fact]
    public async Task A_version_clock_whose_first_sync_failed_is_on_the_medium_before_a_version_is_given()
    {
        BlobKey key = BlobKey.Parse("key");
        await using DiskBlobStore store = await OpenAsync();
        _disk.Faults = call => call is { Operation: DiskOperation.Sync, Name: "clock" } ? DiskFault.SyncFails : DiskFault.None;
        Assert.Equal(WriteOutcome.NotApplied, (await Assert.ThrowsAsync<StorageException>(async () => await store.PutBytesAsync(key, new byte[10]))).Outcome);
        _disk.Faults = null;
        await store.PutBytesAsync(key, new byte[10]);
        DeleteResult deleted = await store.DeleteAsync(key);
        _disk = _disk.CutPower(new Random(1), PowerCut.LosesAll);
        _clock.Jump(TimeSpan.FromHours(-24));
        await using DiskBlobStore again = await OpenAsync();
        Assert.True((await again.PutBytesAsync(BlobKey.Parse("other"), new byte[10])).Info!.Version > deleted.Version, "a version was given again: the name of the version clock was lost");
    }

    [Theory]
    [InlineData(DiskDurability.Interval)]
    [InlineData(DiskDurability.OperatingSystem)]
    public async Task What_was_written_without_a_flush_is_on_the_medium_once_the_store_is_closed(DiskDurability durability)
    {
        BlobKey large = BlobKey.Parse("large"), small = BlobKey.Parse("small");
        byte[] bytes = new byte[2 << 20];
        new Random(1).NextBytes(bytes);
        BlobVersion last;
        await using (DiskBlobStore store = await OpenAsync(durability))
        {
            await store.PutBytesAsync(large, bytes);
            last = (await store.PutBytesAsync(small, bytes.AsMemory(0, 100))).Info!.Version;
        }

        _disk = _disk.CutPower(new Random(1), PowerCut.LosesAll);
        _clock.Jump(TimeSpan.FromHours(-24));
        await using DiskBlobStore again = await OpenAsync(durability);
        Assert.Equal(bytes[..100], await again.GetBytesAsync(small));
        Assert.Equal(bytes, await again.GetBytesAsync(large));
        Assert.True((await again.PutBytesAsync(small, bytes.AsMemory(0, 100))).Info!.Version > last);
    }

    private static void Rises(ref BlobVersion last, BlobVersion version, int life)
    {
        Assert.True(version > last, $"life {life} gives the version {version}, and {last} was given before");
        last = version;
    }

    private async Task<DiskBlobStore> OpenAsync(DiskDurability durability = DiskDurability.Flush) => await DiskBlobStore.OpenAsync(
        new DiskBlobStoreOptions { Path = _folder.Sub($"{_openings++}"), Disk = _disk, Durability = durability, SegmentBytes = LogOptions.MinSegmentBytes, CompactionBytesPerSecond = null },
        StoreContext.Default with { Clock = _clock });
}
