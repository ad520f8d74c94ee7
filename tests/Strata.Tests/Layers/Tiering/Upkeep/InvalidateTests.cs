using Strata.Testing;
using Xunit;
using static Strata.Tests.TierFixture;

namespace Strata.Tests;

/// <summary>Copies are dropped and blobs are not; what was dropped does not come back, whatever was under way.</summary>
public sealed class InvalidateTests
{
    public enum Scope
    {
        Key,
        Prefix,
        All,
    }

    [Theory]
    [InlineData(Scope.Key, 2)]
    [InlineData(Scope.Prefix, 4)]
    [InlineData(Scope.All, 6)]
    public async Task The_next_read_asks_the_origin_and_every_copy_is_counted(Scope scope, long copies)
    {
        await using var f = new UpkeepFixture();
        foreach (string key in new[] { "a/key", "a/other", "b/key" }) await f.PutAsync(key, "old");
        await f.PutBehindAsync("a/key", "new");
        Assert.Equal("old", await f.GetAsync("a/key"));
        InvalidateResult result = await InvalidateAsync(f, scope);
        Assert.Equal((copies, true, 0), (result.Copies, result.IsExact, result.InDoubt));
        Assert.Equal("new", await f.GetAsync("a/key"));
        Assert.Equal(scope == Scope.All ? "cold" : "hot warm cold", await f.HoldersAsync("b/key"));
        Assert.Equal("old", await f.GetAsync("b/key"));
    }

    [Theory]
    [InlineData(Scope.Key)]
    [InlineData(Scope.Prefix)]
    [InlineData(Scope.All)]
    public async Task A_copy_that_is_still_fresh_is_not_served_after_it_was_invalidated(Scope scope)
    {
        await using var f = new UpkeepFixture(new TieringOptions { FreshFor = TimeSpan.FromHours(1) });
        await f.PutAsync("a/key", "old");
        Assert.Equal("old", await f.GetAsync("a/key"));
        Assert.True(f.Store.TryRead(Key, out _), "the test needs a hit that asks nobody");
        await f.PutBehindAsync("a/key", "new");
        f.Warm.Inject(StoreFault.On(StoreOperation.Delete, StoreOperation.DeleteMany));
        InvalidateResult result = await InvalidateAsync(f, scope);
        Assert.Equal(["warm"], result.Unconfirmed);
        f.Warm.Heal();
        Assert.Equal("new", await f.GetAsync("a/key"));
        await f.IdleAsync();
        Assert.Equal("new", await f.GetAsync("a/key"));
    }

    /// <summary>A reader has the old blob in hand when the invalidation comes; its copy would be served from memory without a question.</summary>
    [Theory]
    [InlineData(Scope.Key)]
    [InlineData(Scope.Prefix)]
    [InlineData(Scope.All)]
    public async Task A_fill_under_way_does_not_bring_the_copy_back(Scope scope)
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("a/key", "old", new WriteOptions { SkipTiers = ["hot", "warm"] });
        using StoreGate gate = f.Gates.Hold(StoreOperation.ReadStream);
        Task<string?> reader = f.GetAsync("a/key");
        await gate.WaitForArrivalAsync();
        await f.PutBehindAsync("a/key", "new");
        InvalidateResult result = await InvalidateAsync(f, scope);
        Assert.Equal(0, result.Copies);
        gate.Open();
        Assert.Equal("old", await reader);
        await f.IdleAsync();
        Assert.Equal("cold", await f.HoldersAsync("a/key"));
        Assert.Equal("new", await f.GetAsync("a/key"));
    }

    /// <summary>A reader has taken the old copy from warm, and its promotion into hot is under way.</summary>
    [Fact]
    public async Task A_promotion_from_a_slower_tier_does_not_bring_the_copy_back()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("a/key", "old", new WriteOptions { SkipTiers = ["hot"] });
        using StoreGate gate = f.WarmGates.Hold(StoreOperation.ReadStream);
        Task<string?> reader = f.GetAsync("a/key");
        await gate.WaitForArrivalAsync(2);
        await f.PutBehindAsync("a/key", "new");
        InvalidateResult result = await f.Upkeep.InvalidatePrefixAsync("a/");
        Assert.Equal(1, result.Copies);
        gate.Open();
        Assert.Equal("old", await reader);
        await f.IdleAsync();
        Assert.Equal("cold", await f.HoldersAsync("a/key"));
        Assert.Equal("new", await f.GetAsync("a/key"));
    }

    [Theory]
    [InlineData(StoreOperation.List)]
    [InlineData(StoreOperation.Delete)]
    public async Task A_tier_that_fails_is_named_and_its_copies_are_compared_before_they_are_served(StoreOperation operation)
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("a/key", "old");
        await f.PutBehindAsync("a/key", "new");
        f.Warm.Inject(StoreFault.On(operation, StoreOperation.DeleteMany));
        InvalidateResult result = await f.Upkeep.InvalidatePrefixAsync("a/");
        Assert.False(result.IsExact, "what a tier did not confirm must not be told as exact");
        Assert.Equal(["warm"], result.Unconfirmed);
        f.Warm.Heal();
        if (operation == StoreOperation.Delete) Assert.Equal("warm cold", await f.HoldersAsync("a/key"));
        Assert.Equal("new", await f.GetAsync("a/key"));
        await f.IdleAsync();
        Assert.Equal("new", await f.GetAsync("a/key"));
    }

    [Fact]
    public async Task A_memory_tier_that_keeps_its_copies_is_passed_by_until_they_are_gone()
    {
        var hot = new StubbornMemory();
        await using var f = new UpkeepFixture(hot: hot);
        await f.PutAsync("a/key", "old");
        await f.PutBehindAsync("a/key", "new");
        hot.IsStuck = true;
        InvalidateResult result = await f.Upkeep.InvalidateAsync(Key);
        Assert.Equal(["hot"], result.Unconfirmed);
        Assert.True(hot.TryRead(Key, out _), "the test needs a copy that stayed");
        Assert.Equal("new", await f.GetAsync("a/key"));
        hot.IsStuck = false;
        Assert.Equal("new", await f.GetAsync("a/key"));
    }

    [Fact]
    public async Task A_memory_tier_that_cannot_be_looked_through_is_asked_about_from_then_on()
    {
        var hot = new StubbornMemory();
        await using var f = new UpkeepFixture(hot: hot);
        await f.PutAsync("a/key", "old", new WriteOptions { SkipTiers = ["warm"] });
        await f.PutBehindAsync("a/key", "new");
        hot.HidesKeys = true;
        InvalidateResult result = await f.Upkeep.InvalidatePrefixAsync("a/");
        Assert.Equal(["hot"], result.Unconfirmed);
        Assert.True(hot.TryRead(Key, out _), "the test needs a copy that stayed");
        Assert.False(f.Store.TryRead(Key, out _), "a copy that nobody could look at must not be served without a question");
        Assert.Equal("new", await f.GetAsync("a/key"));
    }

    /// <summary>While a change of unknown outcome is pending, the suspended copy may be the only bytes of the write that counts.</summary>
    [Fact]
    public async Task The_copies_of_a_key_in_doubt_stay_and_are_told()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("a/key", "old");
        f.Origin.Inject(StoreFault.On(StoreOperation.Write) with { Moment = CallMoment.After });
        await Assert.ThrowsAsync<StorageException>(() => f.PutAsync("a/key", "new"));
        f.Origin.Heal();
        string before = await f.HoldersAsync("a/key");
        InvalidateResult result = await f.Upkeep.InvalidateAllAsync();
        Assert.True(result.InDoubt > 0, "a key that was left out must be told");
        Assert.Equal(before, await f.HoldersAsync("a/key"));
        Assert.Equal("new", await f.GetAsync("a/key"));
    }

    [Fact]
    public async Task Thousands_of_copies_are_dropped_page_by_page_with_progress()
    {
        await using var f = new UpkeepFixture();
        for (int i = 0; i < 1000; i++) await f.PutAsync($"a/{i:d4}", "x");
        var told = new Told();
        InvalidateResult result = await f.Upkeep.InvalidatePrefixAsync("a/", told);
        Assert.Equal(2000, result.Copies);
        Assert.True(told.Reports.Count >= 4, "a long invalidation must tell how far it is");
        Assert.Equal("a/0999", told.Reports[^1].Key);
        Assert.Equal("x", await f.GetAsync("a/0999"));
    }

    [Fact]
    public async Task Blobs_are_deleted_everywhere_and_orphans_with_them()
    {
        await using var f = new UpkeepFixture();
        foreach (string key in new[] { "a/1", "a/2", "b/1" }) await f.PutAsync(key, "v");
        await f.PutAsync("a/orphan", "v");
        await f.Cold.DeleteAsync(BlobKey.Parse("a/orphan"));
        DeleteEverywhereResult result = await f.Upkeep.DeletePrefixEverywhereAsync("a/");
        Assert.Equal((2, 0, null), (result.Deleted, result.Failed, result.FirstError));
        Assert.Equal(2, result.Orphans.Copies);
        Assert.Null(await f.GetAsync("a/1"));
        Assert.Equal("", await f.HoldersAsync("a/orphan"));
        Assert.Equal("v", await f.GetAsync("b/1"));
        Assert.Equal(1, (await f.Upkeep.DeleteEverywhereAsync(BlobKey.Parse("b/1"))).Deleted);
        Assert.Equal(0, (await f.Upkeep.DeleteAllEverywhereAsync()).Deleted);
        await Assert.ThrowsAsync<ArgumentException>(() => f.Upkeep.DeletePrefixEverywhereAsync("").AsTask());
        await Assert.ThrowsAsync<ArgumentException>(() => f.Upkeep.InvalidatePrefixAsync("").AsTask());
    }

    [Fact]
    public async Task A_tier_is_emptied_and_the_origin_is_not()
    {
        await using var f = new UpkeepFixture();
        for (int i = 0; i < 600; i++) await f.PutAsync($"a/{i:d4}", "12345");
        ClearTierResult result = await f.Upkeep.ClearTierAsync("warm");
        Assert.Equal((600, 3000, 0, 0), (result.Copies, result.Bytes, result.Failed, result.InDoubt));
        Assert.Equal("hot cold", await f.HoldersAsync("a/0001"));
        ArgumentException e = await Assert.ThrowsAsync<ArgumentException>(() => f.Upkeep.ClearTierAsync("cold").AsTask());
        Assert.Contains("origin", e.Message, StringComparison.Ordinal);
        Assert.Contains("hot, warm, cold", (await Assert.ThrowsAsync<ArgumentException>(() => f.Upkeep.ClearTierAsync("luke").AsTask())).Message, StringComparison.Ordinal);
        Assert.Equal("12345", await f.GetAsync("a/0001"));
    }

    private static ValueTask<InvalidateResult> InvalidateAsync(UpkeepFixture f, Scope scope) => scope switch
    {
        Scope.Key => f.Upkeep.InvalidateAsync(Key),
        Scope.Prefix => f.Upkeep.InvalidatePrefixAsync("a/"),
        _ => f.Upkeep.InvalidateAllAsync(),
    };
}
