using System.Text;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <content>The table of @db4/storage.</content>
public sealed partial class ComingFromTieredLibrariesTests
{
    private static readonly BlobKey Alice = BlobKey.Parse("users/user-123");

    [Fact]
    [GuideRow("new TieredStore({ hot: { maxSize } })")]
    public async Task A_hot_tier_holds_no_more_than_its_size_and_no_blob_is_lost()
    {
        await using TieredBlobStore store = await new TieredStoreBuilder().AddTier("hot", "memory:", maxBytes: 256 << 10).AddTier("cold", "memory:").OpenAsync();
        for (int i = 0; i < 40; i++) await store.PutBytesAsync(BlobKey.Parse($"users/{i}"), new byte[16 << 10]);
        IReadOnlyList<TierStatistics> tiers = store.GetTierStatistics();
        Assert.InRange(tiers[0].Bytes!.Value, 1, 256 << 10);
        Assert.Equal(40, tiers[1].Blobs);
        for (int i = 0; i < 40; i++) Assert.True(await store.ExistsAsync(BlobKey.Parse($"users/{i}")));
    }

    [Fact]
    [GuideRow("warm: { ttl, staleWhileRevalidate }")]
    public async Task A_copy_past_its_time_is_served_while_the_cold_tier_is_asked()
    {
        await using var f = new UpkeepFixture(new TieringOptions { FreshFor = TimeSpan.FromHours(1), StaleWhileRevalidate = TimeSpan.FromMinutes(5) });
        await f.PutAsync("users/user-123", "old");
        await f.PutBehindAsync("users/user-123", "new");
        f.Clock.Advance(TimeSpan.FromHours(1) - TimeSpan.FromMilliseconds(1));
        Assert.Equal("old", await f.GetAsync("users/user-123"));
        f.Clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal("old", await f.GetAsync("users/user-123"));
        await f.IdleAsync();
        Assert.Equal("new", await f.GetAsync("users/user-123"));
    }

    [Fact]
    [GuideRow("cold: { bucket, prefix }")]
    public async Task A_cold_tier_is_named_by_its_address_and_keeps_the_blobs()
    {
        using var folder = new TempFolder();
        await using (TieredBlobStore store = await OpenAsync()) await store.PutBytesAsync(Alice, "Alice"u8.ToArray());
        await using TieredBlobStore again = await OpenAsync();
        Assert.Equal("Alice", await TextOfAsync(again, "users/user-123"));

        ValueTask<TieredBlobStore> OpenAsync() => new TieredStoreBuilder().AddTier("hot", "memory:").AddTier("cold", $"file:{folder.Sub("data")}").OpenAsync();
    }

    [Fact]
    [GuideRow("tiering: { hotThresholdMs, warmThresholdMs, accessCountThreshold, accessWindowMs, promoteOnRead }")]
    public async Task Thresholds_have_the_same_defaults_and_move_data()
    {
        var policy = new TieringPolicy();
        Assert.Equal(
            (TimeSpan.FromHours(1), TimeSpan.FromHours(24), 5, TimeSpan.FromHours(1), true),
            (policy.HotFor, policy.WarmFor, policy.AccessCountThreshold, policy.AccessWindow, policy.PromoteOnRead));
        await using var f = new UpkeepFixture(new TieringOptions { Policy = policy with { HotFor = TimeSpan.FromMinutes(10), WarmFor = TimeSpan.FromMinutes(20) } });
        await f.PutAsync("users/user-123", "Alice");
        f.Clock.Advance(TimeSpan.FromMinutes(11));
        await f.Store.Tiering.RunTieringAsync();
        Assert.Equal("warm cold", await f.HoldersAsync("users/user-123"));
        f.Clock.Advance(TimeSpan.FromMinutes(11));
        await f.Store.Tiering.RunTieringAsync();
        Assert.Equal("cold", await f.HoldersAsync("users/user-123"));
    }

    [Fact]
    [GuideRow("StorageTier.HOT, document.tier")]
    public async Task Tiers_go_by_their_names()
    {
        await using var f = new UpkeepFixture();
        Assert.Equal(["hot", "warm", "cold"], f.Store.Capabilities.Tiers);
        await f.PutAsync("users/user-123", "Alice", new WriteOptions { Tier = "warm" });
        await using (BlobReadResult? read = await f.Store.ReadAsync(Alice)) Assert.Equal("warm", read!.Source);
        await f.Store.Tiering.PromoteAsync(Alice, "hot");
        Assert.Equal("hot", (await f.Store.StatAsync(Alice))!.Tier);
    }

    [Fact]
    [GuideRow("write(collection, id, doc)")]
    public async Task A_collection_is_the_beginning_of_the_key()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("users/user-123", "{\"name\":\"Alice\"}");
        await f.PutAsync("reports/2024", "…");
        Assert.Equal("hot warm cold", await f.HoldersAsync("users/user-123"));
        List<string> users = [];
        await foreach (BlobInfo info in f.Store.EnumerateAsync("users/")) users.Add(info.Key.Value);
        Assert.Equal(["users/user-123"], users);
    }

    [Fact]
    [GuideRow("write(…, { tier: COLD })")]
    public async Task A_write_may_begin_in_the_cold_tier()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("archives/report-2024", "old");
        await f.PutAsync("archives/report-2024", "new", new WriteOptions { Tier = "cold" });
        Assert.Equal("cold", await f.HoldersAsync("archives/report-2024"));
        Assert.Equal("new", await f.GetAsync("archives/report-2024"));
    }

    [Fact]
    [GuideRow("read(collection, id)")]
    public async Task A_read_asks_each_tier_in_turn_and_leaves_copies_in_those_that_it_passed()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("users/user-123", "Alice", new WriteOptions { Tier = "cold" });
        Assert.Equal("cold", await SourceAsync());
        await f.IdleAsync();
        Assert.Equal("hot", await SourceAsync());
        await f.Upkeep.ClearTierAsync("hot");
        Assert.Equal("warm", await SourceAsync());

        async Task<string> SourceAsync()
        {
            await using BlobReadResult? read = await f.Store.ReadAsync(Alice);
            return read!.Source;
        }
    }

    [Fact]
    [GuideRow("delete(collection, id), { tier }")]
    public async Task A_delete_is_of_all_tiers_or_of_those_that_are_named()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("users/user-123", "Alice");
        Assert.Equal(["hot"], await f.Store.Tiering.DeleteFromAsync(Alice, ["hot"]));
        Assert.Equal("warm cold", await f.HoldersAsync("users/user-123"));
        await Assert.ThrowsAsync<ArgumentException>(() => f.Store.Tiering.DeleteFromAsync(Alice, ["cold"]).AsTask());
        Assert.Equal(DeleteStatus.Deleted, (await f.Store.DeleteAsync(Alice)).Status);
        Assert.Equal("", await f.HoldersAsync("users/user-123"));
    }

    [Fact]
    [GuideRow("getTier(collection, id)")]
    public async Task The_fastest_tier_of_a_blob_is_told_and_why_it_is_there()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("users/user-123", "Alice", new WriteOptions { Tier = "warm" });
        Assert.Equal("warm", await f.Store.Tiering.GetTierAsync(Alice));
        Assert.Null(await f.Store.Tiering.GetTierAsync(BlobKey.Parse("users/none")));
        Assert.Equal(["warm", "cold"], await f.Store.LocateAsync(Alice));
        TierExplanation found = (await f.Store.Tiering.ExplainAsync(Alice))!;
        Assert.Equal(("warm", "hot"), (found.Tier, found.Belongs.Tier));
        Assert.NotEmpty(found.Why);
    }

    [Fact]
    [GuideRow("promote(…, HOT)")]
    public async Task A_blob_is_promoted_by_hand()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("reports/dashboard", "v", new WriteOptions { Tier = "cold" });
        Assert.Equal(MoveStatus.Moved, await f.Store.Tiering.PromoteAsync(BlobKey.Parse("reports/dashboard"), "hot"));
        Assert.Equal("hot cold", await f.HoldersAsync("reports/dashboard"));
        Assert.Equal(MoveStatus.Unchanged, await f.Store.Tiering.PromoteAsync(BlobKey.Parse("reports/dashboard"), "hot"));
    }

    [Fact]
    [GuideRow("demote(…, COLD)")]
    public async Task A_blob_is_demoted_by_hand_and_a_pin_keeps_it_there()
    {
        await using var f = new UpkeepFixture();
        BlobKey key = BlobKey.Parse("logs/2023-01");
        await f.PutAsync("logs/2023-01", "v");
        Assert.Equal(MoveStatus.Moved, await f.Store.Tiering.DemoteAsync(key, "cold"));
        Assert.Equal("cold", await f.HoldersAsync("logs/2023-01"));
        await f.Store.Tiering.PinAsync(key, "cold");
        Assert.Equal("v", await f.GetAsync("logs/2023-01"));
        await f.IdleAsync();
        Assert.Equal("cold", await f.HoldersAsync("logs/2023-01"));
    }

    [Fact]
    [GuideRow("demote(…, { keepInSource: true })")]
    public async Task A_demotion_may_keep_the_copy_in_the_source()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("logs/2023-02", "v", new WriteOptions { OnlyTiers = ["hot"] });
        Assert.Equal(MoveStatus.Moved, await f.Store.Tiering.DemoteAsync(BlobKey.Parse("logs/2023-02"), "warm", keepInSource: true));
        Assert.Equal("hot warm cold", await f.HoldersAsync("logs/2023-02"));
    }

    [Fact]
    [GuideRow("runTiering({ maxOperations })")]
    public async Task A_run_moves_what_is_due_within_its_budget()
    {
        await using var f = new UpkeepFixture();
        for (int i = 0; i < 3; i++) await f.PutAsync($"users/{i}", "v");
        f.Clock.Advance(TimeSpan.FromHours(2));
        Assert.Equal((2, 1), await RunAsync());
        Assert.Equal((1, 0), await RunAsync());
        Assert.Equal((0, 3L), (f.Store.GetTierStatistics()[0].Blobs, f.Store.GetTierStatistics()[1].Blobs!.Value));

        async Task<(long Demoted, int Left)> RunAsync()
        {
            TieringReport report = await f.Store.Tiering.RunTieringAsync(new TieringRun { MaxOperations = 2 });
            return (report.Demoted, report.Left);
        }
    }

    [Fact]
    [GuideRow("result.promoted, result.demoted")]
    public async Task A_run_tells_what_it_moved_and_a_dry_one_what_it_would()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("users/user-123", "Alice");
        f.Clock.Advance(TimeSpan.FromHours(2));
        TieringReport dry = await f.Store.Tiering.RunTieringAsync(new TieringRun { DryRun = true });
        Assert.Equal((Alice, "hot", "warm"), Assert.Single(dry.Planned) is var move ? (move.Key, move.From, move.To) : default);
        Assert.Equal("hot warm cold", await f.HoldersAsync("users/user-123"));
        TieringReport report = await f.Store.Tiering.RunTieringAsync();
        Assert.Equal((0, 1, 0, 0), (report.Promoted, report.Demoted, report.Refused, report.Failed));
    }

    [Fact]
    [GuideRow("writeBatch(collection, docs)")]
    public async Task A_batch_is_written_with_an_outcome_for_each()
    {
        await using var f = new UpkeepFixture();
        BlobWrite[] docs = [.. Enumerable.Range(0, 5).Select(i => new BlobWrite(BlobKey.Parse($"users/{i}"), BlobContent.From(Encoding.UTF8.GetBytes($"{i}"))))];
        f.Origin.Inject(new StoreFault { When = call => call.Operation == StoreOperation.Write && call.Key.Value == "users/3" });
        WriteManyResult written = await f.Store.WriteManyAsync(docs);
        Assert.Equal(4, written.Written);
        Assert.Equal([0, 1, 2, 4], written.Outcomes.Index().Where(of => of.Item.Error is null).Select(of => of.Index));
    }

    [Fact]
    [GuideRow("readBatch(collection, ids)")]
    public async Task A_batch_is_read_with_an_outcome_for_each_in_order()
    {
        await using var f = new UpkeepFixture();
        for (int i = 0; i < 5; i++) await f.PutAsync($"users/{i}", $"{i}");
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
    [GuideRow("getHotStorage(), getWarmStorage(), getColdStorage(); HotStorage, WarmStorage, ColdStorage")]
    public async Task One_tier_is_a_store_and_keeps_the_promises_of_the_whole()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("users/user-123", "Alice", new WriteOptions { Tier = "warm" });
        IBlobStore hot = f.Store.Tiering.Tier("hot"), warm = f.Store.Tiering.Tier("warm");
        Assert.Null(await TextOfAsync(hot, "users/user-123"));
        Assert.Equal("Alice", await TextOfAsync(warm, "users/user-123"));
        await hot.PutBytesAsync(Alice, "Alicia"u8.ToArray());
        Assert.Equal("Alicia", await f.GetAsync("users/user-123"));
        Assert.Equal("Alicia", await TextOfAsync(f.Store.Tiering.Tier("cold"), "users/user-123"));
        Assert.NotEqual("Alice", await TextOfAsync(warm, "users/user-123"));
    }
}
