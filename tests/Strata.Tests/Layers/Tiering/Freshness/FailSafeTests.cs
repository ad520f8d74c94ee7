using Strata.Testing;
using Xunit;
using static Strata.Tests.TierFixture;

namespace Strata.Tests;

/// <summary>The origin is out: reads go on with copies that it confirmed not too long ago, and say so; never with what this store knows to be over.</summary>
public sealed class FailSafeTests
{
    private static readonly TimeSpan FreshFor = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan FailSafeFor = TimeSpan.FromHours(1);
    private static readonly TimeSpan Throttle = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Soft = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(1);

    [Fact]
    public async Task A_copy_is_served_and_marked_with_when_it_was_confirmed()
    {
        var log = new WarningCounter();
        await using TierFixture f = Open(context: StoreContext.Default with { Loggers = log });
        DateTimeOffset written = f.Clock.GetUtcNow();
        await f.PutAsync("value");
        f.Clock.Advance(FreshFor);
        Break(f);
        for (int i = 0; i < 5; i++)
        {
            await using BlobReadResult? read = await f.Store.ReadAsync(Key);
            Assert.Equal((true, written, "hot"), (read!.IsStale, read.StaleSince, read.Source));
            Assert.Equal("value", System.Text.Encoding.UTF8.GetString(await read.ToArrayAsync()));
        }

        Assert.Equal(5, f.Store.GetTierStatistics()[0].StaleReads);
        Assert.Single(f.Store.GetEvents(), e => e is { Kind: TierEventKind.ServedStale, Tier: "hot" });
        Assert.Equal(1, log.Warnings);
        BlobInfo info = (await f.Store.StatAsync(Key))!;
        Assert.Equal((written, "hot"), (info.StaleSince!.Value, info.Tier));
    }

    /// <summary>The copy is all that there is while the origin is out: a write or delete that it refuses must not cost it.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_write_or_delete_that_fails_in_an_outage_leaves_the_copy_that_reads_need(bool isDelete)
    {
        await using TierFixture f = Open();
        await f.PutAsync("value");
        f.Clock.Advance(FreshFor);
        f.Faults.Inject(new StoreFault());
        await Assert.ThrowsAsync<StorageException>(() => isDelete ? f.Store.DeleteAsync(Key).AsTask() : f.PutAsync("refused"));
        Assert.Equal("value", await f.GetAsync());
        Assert.True((await f.Store.StatAsync(Key))!.StaleSince.HasValue, "it is not marked");
    }

    [Fact]
    public async Task A_dead_origin_is_asked_again_only_when_the_throttle_is_over_and_then_reads_are_as_before()
    {
        await using TierFixture f = Open();
        await f.PutAsync("old");
        f.Clock.Advance(FreshFor);
        Break(f);
        for (int i = 0; i < 10; i++) Assert.Equal("old", await f.GetAsync());
        Assert.Equal(1, f.Faults.CountOf(StoreOperation.Read));
        f.Faults.Heal();
        await f.Disk.PutBytesAsync(Key, Bytes("new"));
        f.Clock.Advance(Throttle - Moment);
        Assert.Equal("old", await f.GetAsync());
        f.Clock.Advance(Moment);
        await using BlobReadResult? read = await f.Store.ReadAsync(Key);
        Assert.False(read!.IsStale);
        Assert.Equal("new", System.Text.Encoding.UTF8.GetString(await read.ToArrayAsync()));
    }

    [Fact]
    public async Task It_is_bounded()
    {
        await using TierFixture f = Open();
        await f.PutAsync("value");
        Break(f);
        f.Clock.Advance(FailSafeFor - Moment);
        Assert.Equal("value", await f.GetAsync());
        f.Clock.Advance(Moment);
        await Assert.ThrowsAsync<StorageException>(f.GetAsync);
        await Assert.ThrowsAsync<StorageException>(() => f.Store.StatAsync(Key).AsTask());
    }

    [Fact]
    public async Task A_part_and_a_copy_in_a_lower_tier_serve_as_well()
    {
        var warm = new FaultStore(new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "warm" }));
        await using TierFixture f = Open(warm);
        await f.PutAsync("value", new WriteOptions { SkipTiers = ["hot"] });
        f.Clock.Advance(FreshFor);
        Break(f);
        await using BlobReadResult? part = await f.Store.ReadAsync(Key, new ReadOptions { Range = BlobRange.From(1, 2) });
        Assert.Equal(("al", "warm", true), (System.Text.Encoding.UTF8.GetString(await part!.ToArrayAsync()), part!.Source, part!.IsStale));
        await f.IdleAsync();
        Assert.Null(await f.Hot.StatAsync(Key));
    }

    [Fact]
    public async Task Who_asks_for_the_origin_gets_no_copy()
    {
        await using TierFixture f = Open();
        await f.PutAsync("value");
        f.Clock.Advance(FreshFor);
        Break(f);
        await Assert.ThrowsAsync<StorageException>(() => f.Store.ReadAsync(Key, new ReadOptions { Consistency = ReadConsistency.Origin }).AsTask());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_a_tier_could_not_drop_at_a_write_or_delete_here_is_not_served(bool isDelete)
    {
        var warm = new FaultStore(new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "warm" }));
        await using TierFixture f = Open(warm);
        await f.LeaveOldCopyAsync(warm, isDelete);
        f.Clock.Advance(FreshFor);
        Break(f);
        await Assert.ThrowsAsync<StorageException>(f.GetAsync);
        await Assert.ThrowsAsync<StorageException>(() => f.Store.StatAsync(Key).AsTask());
    }

    [Fact]
    public async Task A_key_in_doubt_is_not_served()
    {
        await using TierFixture f = Open();
        await f.PutAsync("old");
        f.Faults.Inject(StoreFault.On(StoreOperation.Write) with { Moment = CallMoment.After, Times = 1 });
        await Assert.ThrowsAsync<StorageException>(() => f.PutAsync("lost reply"));
        Break(f);
        await Assert.ThrowsAsync<StorageException>(f.GetAsync);
        await Assert.ThrowsAsync<StorageException>(() => f.Store.StatAsync(Key).AsTask());
    }

    [Fact]
    public async Task After_a_gap_in_what_is_told_of_others_writes_nothing_is_served()
    {
        await using TierFixture f = Open();
        await f.PutAsync("value");
        f.Store.DistrustCopies();
        Break(f);
        await Assert.ThrowsAsync<StorageException>(f.GetAsync);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_was_seen_replaced_or_deleted_by_others_is_not_served_from_another_tier(bool isDelete)
    {
        var warm = new FaultStore(new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "warm" }));
        await using TierFixture f = Open(warm, promotes: false);
        await f.PutAsync("old");
        if (isDelete) await f.Disk.DeleteAsync(Key);
        else await f.Disk.PutBytesAsync(Key, Bytes("new"));
        f.Clock.Advance(FreshFor);
        Assert.Equal(isDelete ? null : "new", await f.GetAsync());
        Assert.NotNull(await warm.StatAsync(Key));
        Break(f);
        await Assert.ThrowsAsync<StorageException>(f.GetAsync);
    }

    [Fact]
    public void A_promotion_that_comes_late_brings_nothing_back_that_was_seen_replaced()
    {
        var clock = new FakeClock();
        var trust = new Trust(clock, FreshFor);
        var copy = new BlobInfo { Key = Key, Length = 1, ETag = "1" };
        TrustStamp first = trust.Now();
        trust.Confirm(copy, first);
        clock.Advance(FreshFor);
        trust.Replace(Key, null, trust.Now());
        Assert.False(trust.WasSeen(copy, FailSafeFor, out _));
        trust.Confirm(copy, first);
        Assert.False(trust.WasSeen(copy, FailSafeFor, out _));
        trust.Confirm(copy, trust.Now());
        Assert.True(trust.WasSeen(copy, FailSafeFor, out TimeSpan ago));
        Assert.Equal(TimeSpan.Zero, ago);
    }

    [Theory]
    [InlineData(StorageErrorKind.AccessDenied)]
    [InlineData(StorageErrorKind.Corrupt)]
    public async Task An_origin_that_answers_with_an_error_is_not_out(StorageErrorKind kind)
    {
        await using TierFixture f = Open();
        await f.PutAsync("value");
        f.Clock.Advance(FreshFor);
        f.Faults.Inject(new StoreFault { Error = _ => new StorageException(kind, "No.") });
        Assert.Equal(kind, (await Assert.ThrowsAsync<StorageException>(f.GetAsync)).Kind);
    }

    [Fact]
    public async Task What_has_expired_is_not_served()
    {
        await using TierFixture f = Open();
        await f.PutAsync("value", new WriteOptions { Expires = f.Clock.GetUtcNow() + FreshFor });
        f.Clock.Advance(FreshFor);
        Break(f);
        await Assert.ThrowsAsync<StorageException>(f.GetAsync);
    }

    [Fact]
    public async Task A_hung_origin_holds_a_read_up_for_the_soft_time_out_and_later_ones_not_at_all()
    {
        await using TierFixture f = Open(adjust: tier => tier.Name == "cold" ? tier with { SoftTimeout = Soft } : tier);
        await f.PutAsync("old");
        await f.Disk.PutBytesAsync(Key, Bytes("new"));
        f.Clock.Advance(FreshFor);
        using StoreGate asking = f.Gates.Hold(StoreOperation.Read);
        Task<string?> first = await f.LateAsync(f.GetAsync, Soft);
        Assert.Equal("old", await first);
        for (int i = 0; i < 100; i++) Assert.Equal("old", await f.GetAsync());
        Assert.Equal(1, asking.Arrived);

        // What was asked goes on, and is what the next read finds.
        asking.Open();
        await WaitForAsync(() => f.Store.IsIdle && f.Store.GetTierStatistics()[0].Promotions == 1, "the load did not go on by itself");
        Assert.Equal("new", await f.GetAsync());
    }

    [Fact]
    public async Task Without_a_copy_a_hung_origin_is_waited_for_until_its_hard_time_out()
    {
        await using TierFixture f = Open(adjust: tier => tier.Name == "cold" ? tier with { SoftTimeout = Soft, HardTimeout = 2 * Soft } : tier);
        await f.Disk.PutBytesAsync(Key, Bytes("value"));
        using StoreGate asking = f.Gates.Hold(StoreOperation.Read);
        Task<string?> read = await f.LateAsync(f.GetAsync, 2 * Soft);
        StorageException e = await Assert.ThrowsAsync<StorageException>(() => read);
        Assert.Equal((StorageErrorKind.Timeout, true, "cold"), (e.Kind, e.IsTransient, e.Store));
        asking.Open();
        Assert.Equal("value", await f.GetAsync());
    }

    [Theory]
    [InlineData(null, 60.0, null, "FailSafeFor")]
    [InlineData(10.0, 5.0, null, "FailSafeFor")]
    [InlineData(null, null, 5.0, "StaleWhileRevalidate")]
    [InlineData(10.0, 12.0, 5.0, "FailSafeFor")]
    public void Settings_that_mean_nothing_together_are_refused_by_name(double? fresh, double? safe, double? stale, string named)
    {
        var options = new TieringOptions { FreshFor = Seconds(fresh), FailSafeFor = Seconds(safe), StaleWhileRevalidate = Seconds(stale) ?? TimeSpan.Zero };
        Assert.StartsWith(named, Assert.Throws<ArgumentException>(() => new TierFixture(options)).Message, StringComparison.Ordinal);

        static TimeSpan? Seconds(double? seconds) => seconds is { } value ? TimeSpan.FromSeconds(value) : null;
    }

    private static void Break(TierFixture f) => f.Faults.Inject(StoreFault.On(StoreOperation.Read, StoreOperation.Stat));

    private static TierFixture Open(IBlobStore? warm = null, bool promotes = true, Func<Tier, Tier>? adjust = null, StoreContext? context = null) =>
        new(new TieringOptions { FreshFor = FreshFor, FailSafeFor = FailSafeFor, Policy = new TieringPolicy { PromoteOnRead = promotes } }, warm, hasOtherWriters: true, adjust, context);
}
