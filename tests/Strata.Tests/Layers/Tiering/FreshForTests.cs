using Strata.Testing;
using Xunit;
using static Strata.Tests.TierFixture;

namespace Strata.Tests;

/// <summary>
/// Others write to the origin as well: their changes are seen within FreshFor, in whatever tier a copy is, and as long as it
/// lasts nobody asks the origin (CONSISTENCY 4).
/// </summary>
public sealed class FreshForTests
{
    private static readonly TimeSpan FreshFor = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Almost = FreshFor - TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(1);

    [Fact]
    public void Over_an_origin_with_other_writers_it_must_be_set_and_the_message_says_what_to_do()
    {
        ArgumentException e = Assert.Throws<ArgumentException>(() => new TierFixture(hasOtherWriters: true));
        Assert.Contains("'cold'", e.Message, StringComparison.Ordinal);
        Assert.Contains("FreshFor", e.Message, StringComparison.Ordinal);
        Assert.Contains("singleWriter=true", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Such_an_origin_alone_needs_none() =>
        await new TieredBlobStore([new Tier { Name = "only", Store = new DistantStore(new MemoryBlobStore(), hasOtherWriters: true) }]).DisposeAsync();

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(400)]
    public void It_is_more_than_nothing_and_at_most_a_year(int days) =>
        Assert.Contains("FreshFor", Assert.Throws<ArgumentException>(() => new TierFixture(new TieringOptions { FreshFor = TimeSpan.FromDays(days) })).Message, StringComparison.Ordinal);

    [Fact]
    public async Task A_change_by_others_is_seen_when_it_is_over_and_the_origin_is_not_asked_before()
    {
        await using TierFixture f = Open();
        await f.PutAsync("old");
        await f.Disk.PutBytesAsync(Key, Bytes("new"));
        f.Clock.Advance(Almost);
        Assert.Equal("old", await f.GetAsync());
        Assert.Equal(0, f.Faults.CountOf(StoreOperation.Read) + f.Faults.CountOf(StoreOperation.Stat));
        f.Clock.Advance(Moment);
        Assert.Equal("new", await f.GetAsync());
        await f.IdleAsync();
        Assert.Equal("new", await f.GetAsync());
        Assert.Equal(1, f.Faults.CountOf(StoreOperation.Read));
        Assert.Equal(1, f.Store.GetTierStatistics()[0].Repairs);
    }

    [Fact]
    public async Task A_delete_by_others_is_seen_and_leaves_no_copy()
    {
        await using TierFixture f = Open();
        await f.PutAsync("old");
        await f.Disk.DeleteAsync(Key);
        f.Clock.Advance(FreshFor);
        Assert.Null(await f.GetAsync());
        Assert.Null(await f.Hot.StatAsync(Key));
        Assert.Equal(new TieredReads(Hits: 0, Misses: 1), f.Store.GetReads());
    }

    [Fact]
    public async Task A_thousand_readers_of_an_unchanged_blob_ask_once_and_its_copy_stays()
    {
        await using TierFixture f = Open();
        await f.PutAsync("value");
        for (int round = 1; round <= 3; round++)
        {
            f.Clock.Advance(FreshFor);
            using StoreGate asking = f.Gates.Hold(StoreOperation.Read);
            Task<string?>[] readers = [.. Enumerable.Range(0, 1000).Select(_ => Task.Run(f.GetAsync))];
            await asking.WaitForArrivalAsync();
            asking.Open();
            Assert.All(await Task.WhenAll(readers), value => Assert.Equal("value", value));
            Assert.Equal(round, f.Faults.CountOf(StoreOperation.Read));
        }

        Assert.Equal(0, f.Gates.CountOf(StoreOperation.ReadStream));
        Assert.Equal((3000, 0), (f.Store.GetTierStatistics()[0].Hits, f.Store.GetTierStatistics()[0].Repairs));
    }

    [Fact]
    public async Task When_it_is_over_and_the_origin_is_out_a_read_fails_and_before_that_it_does_not()
    {
        await using TierFixture f = Open();
        await f.PutAsync("value");
        f.Faults.Inject(StoreFault.On(StoreOperation.Read, StoreOperation.Stat));
        f.Clock.Advance(Almost);
        Assert.Equal("value", await f.GetAsync());
        f.Clock.Advance(Moment);
        await Assert.ThrowsAsync<StorageException>(f.GetAsync);
        f.Faults.Heal();
        Assert.Equal("value", await f.GetAsync());
    }

    [Fact]
    public async Task A_stat_is_no_older_than_a_read()
    {
        await using TierFixture f = Open();
        await f.PutAsync("old");
        await f.Disk.PutBytesAsync(Key, Bytes("newer"));
        f.Clock.Advance(Almost);
        Assert.Equal((3, "hot"), await StatAsync());
        f.Clock.Advance(Moment);
        Assert.Equal((5, "cold"), await StatAsync());

        async Task<(long Length, string? Tier)> StatAsync()
        {
            BlobInfo info = (await f.Store.StatAsync(Key))!;
            return (info.Length, info.Tier);
        }
    }

    [Fact]
    public async Task A_part_or_a_conditional_read_is_no_older_either()
    {
        await using TierFixture f = Open();
        await f.PutAsync("old value");
        string etag = (await f.Disk.StatAsync(Key))!.ETag;
        f.Clock.Advance(FreshFor);
        Assert.Equal("value", await PartAsync(4));
        Assert.Equal(1, f.Store.GetTierStatistics()[0].Hits);
        await f.Disk.PutBytesAsync(Key, Bytes("new worth"));
        f.Clock.Advance(FreshFor);
        Assert.Equal("worth", await PartAsync(4));
        await using BlobReadResult? read = await f.Store.ReadAsync(Key, new ReadOptions { IfNoneMatch = etag });
        Assert.Equal(BlobReadStatus.Found, read!.Status);

        async Task<string> PartAsync(long from)
        {
            await using BlobReadResult? part = await f.Store.ReadAsync(Key, new ReadOptions { Range = BlobRange.From(from, 5) });
            return System.Text.Encoding.UTF8.GetString(await part!.ToArrayAsync());
        }
    }

    [Fact]
    public async Task A_copy_of_a_copy_is_no_fresher_than_that()
    {
        var warm = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "warm" });
        await using TierFixture f = Open(warm: new FaultStore(warm));
        await f.PutAsync("old");
        await f.Hot.DeleteAsync(Key);
        f.Clock.Advance(Almost);
        Assert.Equal("old", await f.GetAsync());
        await f.IdleAsync();
        Assert.NotNull(await f.Hot.StatAsync(Key));
        await f.Disk.PutBytesAsync(Key, Bytes("new"));
        f.Clock.Advance(Moment);
        Assert.Equal("new", await f.GetAsync());
    }

    [Fact]
    public async Task Its_time_is_counted_from_before_the_origin_was_asked()
    {
        await using TierFixture f = Open();
        using StoreGate reading = f.Gates.Hold(call => call is { Operation: StoreOperation.Read, Number: 1 }, CallMoment.After);
        Task<string?> slow = await f.ReadWhileOthersWriteAsync(reading);
        f.Clock.Advance(FreshFor);
        reading.Open();
        Assert.Equal("old", await slow);
        await f.IdleAsync();
        Assert.Equal("new", await f.GetAsync());
    }

    [Fact]
    public async Task A_load_that_began_too_long_ago_is_not_joined()
    {
        await using TierFixture f = Open();
        using StoreGate reading = f.Gates.Hold(call => call is { Operation: StoreOperation.Read, Number: 1 }, CallMoment.After);
        Task<string?> slow = await f.ReadWhileOthersWriteAsync(reading);
        f.Clock.Advance(FreshFor + Moment);
        Assert.Equal("new", await f.GetAsync());
        reading.Open();
        Assert.Equal("old", await slow);
    }

    [Fact]
    public async Task That_a_blob_is_missing_is_not_remembered()
    {
        await using TierFixture f = Open();
        Assert.Null(await f.GetAsync());
        await f.Disk.PutBytesAsync(Key, Bytes("theirs"));
        Assert.Equal("theirs", await f.GetAsync());
    }

    [Fact]
    public async Task After_a_gap_in_what_is_told_of_others_writes_every_copy_is_compared_again()
    {
        await using TierFixture f = Open();
        await f.PutAsync("old");
        Assert.Equal("old", await f.GetAsync());
        await f.Disk.PutBytesAsync(Key, Bytes("new"));
        Assert.Equal("old", await f.GetAsync());
        f.Store.DistrustCopies();
        Assert.Equal("new", await f.GetAsync());
    }

    [Fact]
    public async Task What_was_asked_before_a_gap_is_not_trusted_after_it()
    {
        await using TierFixture f = Open();
        using StoreGate reading = f.Gates.Hold(call => call is { Operation: StoreOperation.Read, Number: 1 }, CallMoment.After);
        Task<string?> slow = await f.ReadWhileOthersWriteAsync(reading);
        f.Store.DistrustCopies();
        reading.Open();
        await slow;
        await f.IdleAsync();
        Assert.Equal("new", await f.GetAsync());
    }

    [Fact]
    public async Task Conditions_are_decided_by_the_origin_and_not_by_a_copy()
    {
        await using TierFixture f = Open();
        await f.PutAsync("mine");
        string etag = (await f.Store.StatAsync(Key))!.ETag;
        await f.Disk.PutBytesAsync(Key, Bytes("theirs"));
        WriteResult late = await f.Store.PutBytesAsync(Key, Bytes("lost update"), new WriteOptions { Condition = WriteCondition.IfMatch(etag) });
        Assert.Equal(WriteStatus.PreconditionFailed, late.Status);
        await f.Disk.DeleteAsync(Key);
        Assert.True((await f.Store.PutBytesAsync(Key, Bytes("anew"), new WriteOptions { Condition = WriteCondition.IfAbsent })).IsWritten);
        Assert.Equal("anew", await f.GetAsync());
    }

    private static TierFixture Open(IBlobStore? warm = null) => new(new TieringOptions { FreshFor = FreshFor }, warm, hasOtherWriters: true);
}
