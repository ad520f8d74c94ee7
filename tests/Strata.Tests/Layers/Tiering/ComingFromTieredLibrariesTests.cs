using System.Text;
using Xunit;

namespace Strata.Tests;

/// <summary>docs/guides/coming-from-tiered-libraries.md, row by row: what the other libraries' documents describe works here, under the name that the table gives.</summary>
public sealed class ComingFromTieredLibrariesTests
{
    private static readonly BlobKey User = BlobKey.Parse("user:123");

    [Fact]
    public async Task Get_with_metadata_tells_bytes_metadata_and_source()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("user:123", "Alice", new WriteOptions { Metadata = new Dictionary<string, string> { ["team"] = "a" }, SkipTiers = ["hot"] });
        BlobReadResult read = (await f.Store.ReadAsync(User))!;
        await using (read) Assert.Equal(("Alice", "a", "warm"), (Encoding.UTF8.GetString(await read.ToArrayAsync()), read.Info.Metadata["team"], read.Source));
        Assert.Null(await f.Store.GetBytesAsync(BlobKey.Parse("user:none")));
    }

    [Fact]
    public async Task Set_writes_all_tiers_but_those_skipped_and_says_which()
    {
        await using var f = new UpkeepFixture();
        WriteResult all = await f.Store.PutBytesAsync(User, "old"u8.ToArray());
        Assert.Equal(["hot", "warm", "cold"], all.Tiers);
        WriteResult skipping = await f.Store.PutBytesAsync(User, "new"u8.ToArray(), new WriteOptions { SkipTiers = ["hot"] });
        Assert.Equal(["warm", "cold"], skipping.Tiers);
        Assert.Equal("new", await f.GetAsync("user:123"));
    }

    [Fact]
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
    public async Task Delete_takes_a_blob_from_all_tiers()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("user:123", "Alice");
        Assert.Equal(1, (await f.Upkeep.DeleteEverywhereAsync(User)).Deleted);
        Assert.Equal("", await f.HoldersAsync("user:123"));
        Assert.Equal(DeleteStatus.Missing, (await f.Store.DeleteAsync(User)).Status);
    }

    [Fact]
    public async Task List_keys_streams_those_of_a_prefix()
    {
        await using var f = new UpkeepFixture();
        foreach (string key in new[] { "user:2", "user:1", "site:1" }) await f.PutAsync(key, "v");
        List<string> keys = [];
        await foreach (BlobInfo info in f.Store.EnumerateAsync("user:")) keys.Add(info.Key.Value);
        Assert.Equal(["user:1", "user:2"], keys);
    }

    [Fact]
    public async Task Invalidate_by_prefix_which_deletes_there_is_a_delete_everywhere_and_says_how_many()
    {
        await using var f = new UpkeepFixture();
        foreach (string key in new[] { "user:1", "user:2", "site:1" }) await f.PutAsync(key, "v");
        Assert.Equal(2, (await f.Upkeep.DeletePrefixEverywhereAsync("user:")).Deleted);
        Assert.Null(await f.GetAsync("user:1"));
        Assert.Equal("v", await f.GetAsync("site:1"));
        Assert.Equal(1, (await f.Upkeep.DeleteAllEverywhereAsync()).Deleted);
        Assert.Equal("", await f.HoldersAsync("site:1"));
    }

    [Fact]
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
    public async Task A_tier_is_cleared_and_fills_again_and_the_source_of_truth_is_never()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("user:123", "Alice");
        Assert.Equal((1, 5), ((await f.Upkeep.ClearTierAsync("hot")) is var cleared ? (cleared.Copies, cleared.Bytes) : default));
        Assert.Equal("warm cold", await f.HoldersAsync("user:123"));
        await Assert.ThrowsAsync<ArgumentException>(() => f.Upkeep.ClearTierAsync("cold").AsTask());
        Assert.Equal("Alice", await f.GetAsync("user:123"));
        await f.IdleAsync();
        Assert.Equal("hot warm cold", await f.HoldersAsync("user:123"));
    }

    /// <summary>Theirs cannot be imported where a blob has a TTL.</summary>
    [Fact]
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

    [Fact]
    public async Task Batches_write_and_read_with_an_outcome_for_each()
    {
        await using var f = new UpkeepFixture();
        WriteManyResult written = await f.Store.WriteManyAsync([.. Enumerable.Range(0, 5).Select(i => new BlobWrite(BlobKey.Parse($"users/{i}"), BlobContent.From(Encoding.UTF8.GetBytes($"{i}"))))]);
        Assert.Equal(5, written.Written);
        List<string> read = [];
        await foreach (ReadOutcome outcome in f.Store.ReadManyAsync([BlobKey.Parse("users/3"), BlobKey.Parse("users/none"), BlobKey.Parse("users/0")]))
        {
            if (outcome.Result is not { } result)
            {
                read.Add("missing");
                continue;
            }

            await using (result) read.Add(Encoding.UTF8.GetString(await result.ToArrayAsync()));
        }

        Assert.Equal(["3", "missing", "0"], read);
    }

    [Fact]
    public async Task Subscribers_are_told_what_was_invalidated()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("user:123", "Alice");
        await using IAsyncEnumerator<TierEvent> events = f.Store.WatchEventsAsync().GetAsyncEnumerator();
        ValueTask<bool> next = events.MoveNextAsync();
        await f.Upkeep.InvalidateAsync(User);
        Assert.True(await next);
        Assert.Equal((TierEventKind.Invalidated, "hot", User), (events.Current.Kind, events.Current.Tier, events.Current.Key));
    }

    [Fact]
    public async Task A_reader_that_expects_a_version_is_told_that_it_changed()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("user:123", "Alice");
        string expected = (await f.Store.StatAsync(User))!.ETag;
        await f.PutAsync("user:123", "Bob");
        BlobReadResult read = (await f.Store.ReadAsync(User, new ReadOptions { IfMatch = expected }))!;
        await using (read) Assert.Equal(BlobReadStatus.PreconditionFailed, read.Status);
    }
}
