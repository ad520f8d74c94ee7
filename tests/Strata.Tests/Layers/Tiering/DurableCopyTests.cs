using Xunit;
using static Strata.Tests.TierFixture;

namespace Strata.Tests;

/// <summary>Copies on disk: damaged, expired, left behind by a crash. A bad copy is a detour and a repair, never an answer, and never harms the origin.</summary>
public sealed class DurableCopyTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("strata-").FullName;

    private string Warm => Path.Combine(_folder, "warm");

    private string Cold => Path.Combine(_folder, "cold");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_copy_without_metadata_is_a_miss_and_the_origins_blob_stays()
    {
        await PutAsync("value");
        Damage(Warm, Bytes(Key.Value).Span);
        await using TieredBlobStore store = await OpenAsync();
        Assert.Equal("value", await GetAsync(store));
        Assert.Equal("value", await GetAsync(store));
        Assert.NotNull(await store.StatAsync(Key));
    }

    [Fact]
    public async Task A_copy_whose_bytes_do_not_match_their_checksum_is_repaired_from_the_origin()
    {
        await using TieredBlobStore store = await OpenAsync();
        await store.PutBytesAsync(Key, Bytes("value"));
        Damage(Warm, Bytes("value").Span);
        Assert.Equal("value", await GetAsync(store));
        await WaitForAsync(() => store.IsIdle && store.GetTierStatistics()[0].Promotions > 0, "the copy was not made again");
        TierStatistics warm = store.GetTierStatistics()[0];
        Assert.Equal(1, warm.Repairs);
        Assert.Equal("value", await GetAsync(store));
        Assert.Equal(1, store.GetTierStatistics()[0].Hits);
    }

    [Fact]
    public async Task Bytes_that_do_not_match_their_checksum_at_the_origin_are_an_error_and_never_a_value()
    {
        await using TieredBlobStore store = await OpenAsync();
        await store.PutBytesAsync(Key, Bytes("value"), new WriteOptions { SkipTiers = ["warm"] });
        Damage(Cold, Bytes("value").Span, 2);
        StorageException e = await Assert.ThrowsAsync<StorageException>(() => GetAsync(store));
        Assert.Equal(StorageErrorKind.Corrupt, e.Kind);
        Assert.Equal(Key, e.Key);
    }

    [Fact]
    public async Task A_long_copy_damaged_in_its_middle_goes_on_from_the_origin_at_the_same_byte()
    {
        byte[] content = new byte[3 << 20];
        new Random(7).NextBytes(content);
        await using TieredBlobStore store = await OpenAsync();
        await store.PutBytesAsync(Key, content);
        Damage(Warm, content.AsSpan(0, 64), 2 << 20);
        byte[]? read = await store.GetBytesAsync(Key);
        Assert.True(content.AsSpan().SequenceEqual(read), "the stream must be whole in spite of the damage");
        Assert.Equal(1, store.GetTierStatistics()[0].Repairs);
    }

    [Fact]
    public async Task A_copy_that_a_crash_left_behind_an_origins_newer_write_is_not_served()
    {
        await PutAsync("old");

        // The crash: the origin has committed, and the warm copy was not dropped yet.
        await using (DiskBlobStore origin = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = Cold })) await origin.PutBytesAsync(Key, Bytes("new"));
        await using TieredBlobStore store = await OpenAsync();
        Assert.Equal("new", await GetAsync(store));
        Assert.Equal(1, store.GetTierStatistics()[0].Repairs);
    }

    /// <summary>An origin that was restored from a backup, or whose writer's clock was behind: the later copy is none of its writes all the same.</summary>
    [Fact]
    public async Task A_copy_of_a_later_time_does_not_win_over_what_the_origin_holds()
    {
        await PutAsync("origin");
        await using (DiskBlobStore warm = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = Warm }))
        {
            BlobInfo copy = (await warm.StatAsync(Key))!;
            BlobVersion later = BlobVersion.At(copy.Modified.AddDays(1));
            await warm.PutBytesAsync(Key, Bytes("later"), new WriteOptions { AsCopyOf = copy with { Length = 5, Version = later, ETag = later.ToETag(), Modified = later.Time, Checksum = null } });
        }

        await using TieredBlobStore store = await OpenAsync();
        Assert.Equal("origin", await GetAsync(store));
        Assert.Equal(1, store.GetTierStatistics()[0].Repairs);
        await WaitForAsync(() => store.IsIdle, "promotions never came to rest");
        Assert.Equal("origin", await GetAsync(store));
    }

    [Fact]
    public async Task A_copy_that_a_crash_left_behind_an_origins_delete_is_not_served()
    {
        await PutAsync("old");
        await using (DiskBlobStore origin = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = Cold })) await origin.DeleteAsync(Key);
        await using TieredBlobStore store = await OpenAsync();
        Assert.Null(await GetAsync(store));
    }

    [Fact]
    public async Task A_confirmed_copy_is_served_after_a_restart_and_compared_once()
    {
        await PutAsync("value");
        await using TieredBlobStore store = await OpenAsync();
        for (int i = 0; i < 3; i++) Assert.Equal("value", await GetAsync(store));
        TierStatistics warm = store.GetTierStatistics()[0];
        Assert.Equal((3, 0, 0), (warm.Hits, warm.Misses, warm.Repairs));
    }

    [Fact]
    public async Task An_expired_copy_in_one_tier_deletes_nothing_in_another()
    {
        var clock = new Strata.Testing.FakeClock();
        StoreContext context = StoreContext.Default with { Clock = clock };
        var warm = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "warm" }, context);
        var cold = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "cold" }, context);
        await using var store = new TieredBlobStore([new Tier { Name = "warm", Store = warm }, new Tier { Name = "cold", Store = cold }], null, context);
        await store.PutBytesAsync(Key, Bytes("value"), new WriteOptions { Expires = clock.GetUtcNow().AddHours(10) });
        BlobInfo held = (await warm.StatAsync(Key))!;
        await warm.PutBytesAsync(Key, Bytes("value"), new WriteOptions { AsCopyOf = held with { Expires = clock.GetUtcNow().AddHours(1) } });
        clock.Advance(TimeSpan.FromHours(2));
        Assert.Null(await warm.StatAsync(Key));
        Assert.Equal("value", await GetAsync(store));
        Assert.NotNull(await cold.StatAsync(Key));
    }

    private async Task PutAsync(string text)
    {
        await using TieredBlobStore store = await OpenAsync();
        await store.PutBytesAsync(Key, Bytes(text));
        Assert.Equal(["warm", "cold"], await store.LocateAsync(Key));
    }

    private ValueTask<TieredBlobStore> OpenAsync() =>
        new TieredStoreBuilder().AddTier("warm", $"file:{Warm}").AddTier("cold", $"file:{Cold}").OpenAsync();

    /// <summary>Changes a byte of what the store has on disk: one that follows the first place where these bytes are.</summary>
    private static void Damage(string folder, ReadOnlySpan<byte> at, int after = 0)
    {
        foreach (string file in Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Where(f => f.EndsWith(".seg", StringComparison.Ordinal) || f.EndsWith(".val", StringComparison.Ordinal)))
        {
            byte[] bytes = File.ReadAllBytes(file);
            int found = bytes.AsSpan().IndexOf(at);
            if (found < 0) continue;
            using FileStream damaged = File.OpenWrite(file);
            damaged.Position = found + after;
            damaged.WriteByte((byte)(bytes[found + after] ^ 0x10));
            return;
        }

        Assert.Fail($"nothing like that is in {folder}");
    }
}
