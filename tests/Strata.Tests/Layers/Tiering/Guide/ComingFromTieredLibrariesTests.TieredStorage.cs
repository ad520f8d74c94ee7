using System.Text;
using System.Text.Json;
using Strata.S3;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <content>The table of the class TieredStorage.</content>
public sealed partial class ComingFromTieredLibrariesTests
{
    [Fact]
    [GuideRow("new TieredStorage({ tiers: { hot, warm, cold } })")]
    public async Task Any_number_of_tiers_is_composed_and_the_last_one_keeps_all()
    {
        await using TieredBlobStore store = await new TieredStoreBuilder()
            .AddTier("scorching", "memory:").AddTier("hot", "memory:").AddTier("warm", "memory:").AddTier("last", "memory:").OpenAsync();
        Assert.Equal(["scorching", "hot", "warm", "last"], (await store.PutBytesAsync(User, "Alice"u8.ToArray())).Tiers);
        Assert.Equal("Alice", await TextOfAsync(store, "user:123"));
        Assert.Throws<ArgumentException>(() => new TieredBlobStore([]));
        var evicting = new Tier { Name = "cold", Store = new MemoryBlobStore(new MemoryBlobStoreOptions { Evicts = true }) };
        Assert.Contains("evicts", Assert.Throws<ArgumentException>(() => new TieredBlobStore([evicting])).Message, StringComparison.Ordinal);
    }

    [Fact]
    [GuideRow("new MemoryStorageTier({ maxSizeBytes }), new DiskStorageTier({ directory }), new S3StorageTier({ bucket, region })")]
    public async Task A_tier_is_an_address_or_any_store()
    {
        using var folder = new TempFolder();
        var urls = new StoreUrlRegistry();
        urls.RegisterS3();
        await using TieredBlobStore store = await new TieredStoreBuilder()
            .WithUrls(urls).AddTier("hot", "memory:", maxBytes: 1 << 20).AddTier("warm", $"file:{folder.Sub("warm")}").AddTier("cold", new MemoryBlobStore()).OpenAsync();
        await store.PutBytesAsync(User, "Alice"u8.ToArray());
        Assert.Equal(["hot", "warm", "cold"], await store.LocateAsync(User));
        Assert.Equal(1 << 20, store.GetTierStatistics()[0].MaxBytes);

        // No bucket is asked for here: the address is read before.
        StrataConfigurationException e = await Assert.ThrowsAsync<StrataConfigurationException>(() => urls.OpenAsync("s3://bucket?region=eu-west-1&regoin=x").AsTask());
        Assert.Contains("regoin", e.Message, StringComparison.Ordinal);
        Assert.Contains("region", e.Message.Replace("regoin", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    [GuideRow("defaultTTL")]
    public async Task What_is_written_without_a_ttl_gets_the_default()
    {
        await using var f = new UpkeepFixture(new TieringOptions { DefaultTimeToLive = TimeSpan.FromDays(14) });
        await f.PutAsync("user:123", "Alice");
        f.Clock.Advance(TimeSpan.FromDays(14) - TimeSpan.FromMilliseconds(1));
        Assert.Equal("Alice", await f.GetAsync("user:123"));
        f.Clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Null(await f.GetAsync("user:123"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [GuideRow("promotionStrategy: 'eager', 'lazy'")]
    public async Task A_read_promotes_eagerly_or_from_as_many_reads_on_as_are_asked_for(bool isEager)
    {
        await using var f = new UpkeepFixture(new TieringOptions { Policy = new TieringPolicy { PromoteOnRead = isEager, AccessCountThreshold = 5 } });
        await f.PutAsync("user:123", "Alice", new WriteOptions { Tier = "cold" });
        Assert.Equal("Alice", await f.GetAsync("user:123"));
        await f.IdleAsync();
        Assert.Equal(isEager ? "hot warm cold" : "cold", await f.HoldersAsync("user:123"));
        for (int i = 0; i < 5; i++) await f.GetAsync("user:123");
        await f.IdleAsync();
        Assert.Equal("hot warm cold", await f.HoldersAsync("user:123"));
    }

    [Fact]
    [GuideRow("get(key)")]
    public async Task Those_who_get_a_cold_blob_at_the_same_time_are_one_load()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("user:123", "Alice", new WriteOptions { Tier = "cold" });
        using StoreGate loading = f.Gates.Hold(StoreOperation.Read);

        // One after the other on this thread: each has joined the load, which is held, before the next one begins.
        Task<string?>[] readers = [.. Enumerable.Range(0, 20).Select(_ => f.GetAsync("user:123"))];
        loading.Open();
        Assert.All(await Task.WhenAll(readers), value => Assert.Equal("Alice", value));
        Assert.Equal(1, f.Gates.CountOf(StoreOperation.Read));
        Assert.Null(await f.GetAsync("user:none"));
    }

    [Fact]
    [GuideRow("metadata.accessCount, lastAccessed")]
    public async Task Accesses_are_counted_and_dated_and_a_read_writes_nothing()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("user:123", "Alice", new WriteOptions { Tier = "warm" });
        f.Clock.Advance(TimeSpan.FromMinutes(10));
        for (int i = 0; i < 3; i++) await using (await f.Store.ReadAsync(User, new ReadOptions { Consistency = ReadConsistency.Origin })) { }
        BlobInfo info = (await f.Store.StatAsync(User))!;
        Assert.Equal((4, f.Clock.GetUtcNow()), (info.AccessCount, info.LastAccess));
        Assert.Equal((1, 0), (f.Origin.CountOf(StoreOperation.Write), f.Origin.CountOf(StoreOperation.Update)));
    }

    [Fact]
    [GuideRow("metadata.size, createdAt, checksum, ttl, customMetadata")]
    public async Task A_stat_tells_what_is_known_of_a_blob()
    {
        await using var f = new UpkeepFixture();
        DateTimeOffset created = f.Clock.GetUtcNow(), expires = created.AddDays(1);
        await f.PutAsync("user:123", "Alice");
        f.Clock.Advance(TimeSpan.FromMinutes(1));
        await f.PutAsync("user:123", "Alicia", new WriteOptions { Expires = expires, Metadata = new Dictionary<string, string> { ["team"] = "a" } });
        BlobInfo info = (await f.Store.StatAsync(User))!;
        Assert.Equal((6, created, created.AddMinutes(1), expires, "a"), (info.Length, info.Created, info.Modified, info.Expires, info.Metadata["team"]));
        Assert.Equal(Crc32C.Of("Alicia"u8), info.Checksum);
    }

    [Fact]
    [GuideRow("exists(key)")]
    public async Task A_blob_exists_in_whatever_tier_it_is_until_it_expires()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("user:123", "Alice", new WriteOptions { Tier = "cold", Expires = f.Clock.GetUtcNow().AddHours(1) });
        Assert.True(await f.Store.ExistsAsync(User));
        Assert.False(await f.Store.ExistsAsync(BlobKey.Parse("user:none")));
        f.Clock.Advance(TimeSpan.FromHours(1));
        Assert.False(await f.Store.ExistsAsync(User));
    }

    [Fact]
    [GuideRow("export()")]
    public async Task An_export_describes_each_blob_on_a_line_and_ends_with_a_checksum()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("user:1", "Alice", new WriteOptions { Tier = "warm" });
        await f.PutAsync("user:2", "Bob");
        using var file = new MemoryStream();
        Assert.Equal((2, 8), (await f.Upkeep.ExportMetadataAsync(file)) is var done ? (done.Blobs, done.Bytes) : default);
        JsonElement[] lines = [.. Encoding.UTF8.GetString(file.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal(4, lines.Length);
        Assert.Equal(1, lines[0].GetProperty("version").GetInt32());
        Assert.Equal(["user:1", "user:2"], lines[1..3].Select(line => line.GetProperty("key").GetString()));
        Assert.Equal(["warm", "cold"], lines[1].GetProperty("tiers").EnumerateArray().Select(tier => tier.GetString()));
        Assert.True(lines[3].TryGetProperty("crc32c", out _), "the last line has no checksum");
    }

    [Fact]
    [GuideRow("getWithMetadata(key): data, metadata, source")]
    public async Task Get_with_metadata_tells_bytes_metadata_and_source()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("user:123", "Alice", new WriteOptions { Metadata = new Dictionary<string, string> { ["team"] = "a" }, SkipTiers = ["hot"] });
        BlobReadResult read = (await f.Store.ReadAsync(User))!;
        await using (read) Assert.Equal(("Alice", "a", "warm"), (Encoding.UTF8.GetString(await read.ToArrayAsync()), read.Info.Metadata["team"], read.Source));
        Assert.Null(await f.Store.GetBytesAsync(BlobKey.Parse("user:none")));
    }

    [Fact]
    [GuideRow("set(key, data, { ttl, metadata, skipTiers })")]
    public async Task Set_writes_all_tiers_but_those_skipped_and_a_skipped_one_keeps_nothing_older()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("user:123", "old");
        DateTimeOffset expires = f.Clock.GetUtcNow().AddDays(1);
        await f.PutAsync("user:123", "new", new WriteOptions { SkipTiers = ["hot"], Expires = expires, Metadata = new Dictionary<string, string> { ["team"] = "a" } });
        Assert.Equal("warm cold", await f.HoldersAsync("user:123"));
        Assert.Equal("new", await f.GetAsync("user:123"));
        BlobInfo info = (await f.Store.StatAsync(User))!;
        Assert.Equal((expires, "a"), (info.Expires, info.Metadata["team"]));
        await Assert.ThrowsAsync<ArgumentException>(() => f.PutAsync("user:123", "lost", new WriteOptions { SkipTiers = ["cold"] }));
    }

    [Fact]
    [GuideRow("tiersWritten")]
    public async Task A_write_says_which_tiers_have_it()
    {
        await using var f = new UpkeepFixture();
        Assert.Equal(["hot", "warm", "cold"], (await f.Store.PutBytesAsync(User, "old"u8.ToArray())).Tiers);
        Assert.Equal(["warm", "cold"], (await f.Store.PutBytesAsync(User, "new"u8.ToArray(), new WriteOptions { SkipTiers = ["hot"] })).Tiers);
        Assert.Equal(["hot", "cold"], (await f.Store.PutBytesAsync(User, "newer"u8.ToArray(), new WriteOptions { OnlyTiers = ["hot"] })).Tiers);
    }

    [Fact]
    [GuideRow("touch(key, ttlMs)")]
    public async Task A_ttl_ends_a_blob_in_all_tiers_and_touch_renews_it_but_revives_nothing()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("user:123", "Alice", new WriteOptions { Expires = f.Clock.GetUtcNow().AddHours(1) });
        f.Clock.Advance(TimeSpan.FromMinutes(59));
        Assert.True((await f.Store.TouchAsync(User, f.Clock.GetUtcNow().AddHours(1))).IsWritten);
        f.Clock.Advance(TimeSpan.FromMinutes(59));
        Assert.True(await f.Store.ExistsAsync(User));
        f.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.False(await f.Store.ExistsAsync(User));
        Assert.Null(await f.GetAsync("user:123"));
        Assert.Equal(WriteStatus.Missing, (await f.Store.TouchAsync(User, null)).Status);
    }

    [Fact]
    [GuideRow("delete(key)")]
    public async Task Delete_takes_a_blob_from_all_tiers()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("user:123", "Alice");
        Assert.Equal(1, (await f.Upkeep.DeleteEverywhereAsync(User)).Deleted);
        Assert.Equal("", await f.HoldersAsync("user:123"));
        Assert.Equal(DeleteStatus.Missing, (await f.Store.DeleteAsync(User)).Status);
    }

    [Fact]
    [GuideRow("listKeys(prefix)")]
    public async Task List_keys_streams_those_of_a_prefix()
    {
        await using var f = new UpkeepFixture();
        foreach (string key in new[] { "user:2", "user:1", "site:1" }) await f.PutAsync(key, "v");
        List<string> keys = [];
        await foreach (BlobInfo info in f.Store.EnumerateAsync("user:")) keys.Add(info.Key.Value);
        Assert.Equal(["user:1", "user:2"], keys);
    }

    [Fact]
    [GuideRow("invalidate(prefix), which deletes in all tiers")]
    public async Task Invalidate_by_prefix_which_deletes_there_is_a_delete_everywhere_and_says_how_many()
    {
        await using var f = new UpkeepFixture();
        foreach (string key in new[] { "user:1", "user:2", "site:1" }) await f.PutAsync(key, "v");
        Assert.Equal(2, (await f.Upkeep.DeletePrefixEverywhereAsync("user:")).Deleted);
        Assert.Null(await f.GetAsync("user:1"));
        Assert.Equal("v", await f.GetAsync("site:1"));
    }

    [Fact]
    [GuideRow("clear()")]
    public async Task Clear_deletes_all_blobs_in_all_tiers()
    {
        await using var f = new UpkeepFixture();
        foreach (string key in new[] { "user:1", "site:1" }) await f.PutAsync(key, "v");
        Assert.Equal(2, (await f.Upkeep.DeleteAllEverywhereAsync()).Deleted);
        Assert.Equal(("", ""), (await f.HoldersAsync("user:1"), await f.HoldersAsync("site:1")));
    }

    [Fact]
    [GuideRow("invalidate(prefix), which deletes in all tiers")]
    public async Task Invalidate_of_copies_leaves_the_blobs()
    {
        await using var f = new UpkeepFixture();
        foreach (string key in new[] { "user:1", "user:2", "site:1" }) await f.PutAsync(key, "v");
        Assert.Equal(2, (await f.Upkeep.InvalidateAsync(BlobKey.Parse("user:1"))).Copies);
        Assert.Equal(2, (await f.Upkeep.InvalidatePrefixAsync("user:")).Copies);
        Assert.Equal(2, (await f.Upkeep.InvalidateAllAsync()).Copies);
        Assert.Equal("v", await f.GetAsync("user:1"));
    }

    [Fact]
    [GuideRow("getStats(): per tier, totalHits, totalMisses, hitRate")]
    public async Task Statistics_count_a_missing_blob_as_one_miss_and_give_the_hit_rate()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("user:123", "Alice");
        for (int i = 0; i < 3; i++) await f.GetAsync("user:123");
        await f.GetAsync("user:none");
        TieredReads reads = f.Store.GetReads();
        Assert.Equal((3, 1), (reads.Hits, reads.Misses));
        Assert.Equal([3, 0, 0], f.Store.GetTierStatistics().Select(t => t.Hits));
        Assert.Equal([1L, 1L, 1L], f.Store.GetTierStatistics().Select(t => t.Blobs));
    }

    [Fact]
    [GuideRow("clearTier('hot' | 'warm')")]
    public async Task A_tier_is_cleared_and_fills_again()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("user:123", "Alice");
        ClearTierResult cleared = await f.Upkeep.ClearTierAsync("hot");
        Assert.Equal((1, 5), (cleared.Copies, cleared.Bytes));
        Assert.Equal("warm cold", await f.HoldersAsync("user:123"));
        Assert.Equal("Alice", await f.GetAsync("user:123"));
        await f.IdleAsync();
        Assert.Equal("hot warm cold", await f.HoldersAsync("user:123"));
    }

    [Fact]
    [GuideRow("clearTier('cold')")]
    public async Task The_source_of_truth_is_not_cleared()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("user:123", "Alice");
        ArgumentException e = await Assert.ThrowsAsync<ArgumentException>(() => f.Upkeep.ClearTierAsync("cold").AsTask());
        Assert.Contains(nameof(ITierUpkeep.DeleteAllEverywhereAsync), e.Message, StringComparison.Ordinal);
        Assert.Equal("hot warm cold", await f.HoldersAsync("user:123"));
    }

    /// <summary>Theirs cannot be imported where a blob has a TTL.</summary>
    [Fact]
    [GuideRow("import(snapshot)")]
    public async Task An_export_with_a_ttl_is_imported_into_a_store_that_has_the_data()
    {
        await using var from = new UpkeepFixture();
        await using var to = new UpkeepFixture();
        DateTimeOffset expires = from.Clock.GetUtcNow().AddDays(14);
        await from.PutAsync("user:123", "Alice", new WriteOptions { Expires = expires, Metadata = new Dictionary<string, string> { ["team"] = "a" } });
        await to.PutAsync("user:123", "Alice");
        using var file = new MemoryStream();
        await from.Upkeep.ExportMetadataAsync(file);
        file.Position = 0;
        Assert.Equal(1, (await to.Upkeep.ImportMetadataAsync(file)).Applied);
        BlobInfo info = (await to.Store.StatAsync(User))!;
        Assert.Equal((expires, "a"), (info.Expires, info.Metadata["team"]));
    }

    [Fact]
    [GuideRow("bootstrapHot(limit)")]
    public async Task Bootstrap_of_hot_takes_the_most_used_and_a_limit_of_zero_is_an_error()
    {
        await using var f = new UpkeepFixture();
        for (int i = 0; i < 10; i++) await f.PutAsync($"user:{i}", "v", new WriteOptions { SkipTiers = ["hot"] });
        f.Store.ScoreOf = key => key.Value == "user:4" ? 9 : 0;
        Assert.Equal(1, (await f.Upkeep.BootstrapTierAsync("hot", new BootstrapOptions { Limit = 1 })).Copied);
        Assert.Equal("hot warm cold", await f.HoldersAsync("user:4"));
        await Assert.ThrowsAsync<ArgumentException>(() => f.Upkeep.BootstrapTierAsync("hot", new BootstrapOptions { Limit = 0 }).AsTask());
    }

    [Fact]
    [GuideRow("bootstrapWarm({ limit, sinceDate })")]
    public async Task Bootstrap_of_warm_takes_what_is_not_older_than_a_date()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("user:old", "v", new WriteOptions { OnlyTiers = [] });
        f.Clock.Advance(TimeSpan.FromDays(2));
        await f.PutAsync("user:new", "v", new WriteOptions { OnlyTiers = [] });
        var recent = new BootstrapOptions { By = BootstrapOrder.Modified, Since = f.Clock.GetUtcNow().AddDays(-1) };
        Assert.Equal(1, (await f.Upkeep.BootstrapTierAsync("warm", recent)).Copied);
        Assert.Equal("warm cold", await f.HoldersAsync("user:new"));
        Assert.Equal("cold", await f.HoldersAsync("user:old"));
    }
}
