using Strata.Testing;
using Xunit;
using static Strata.Tests.TierFixture;

namespace Strata.Tests;

/// <summary>Blobs with an end: given by default, moved by a touch that moves no payload, and swept in the tiers that do not do so themselves.</summary>
public sealed class TimeToLiveTests
{
    private static readonly TimeSpan Life = TimeSpan.FromHours(1);

    [Fact]
    public async Task A_write_without_an_expiry_gets_the_default_whichever_way_it_comes()
    {
        await using TierFixture f = Open();
        DateTimeOffset end = f.Clock.GetUtcNow() + Life;
        await f.PutAsync("value");
        Assert.Equal(end, (await f.Store.StatAsync(Key))!.Expires);
        await using (IBlobWriter writer = await f.Store.OpenWriterAsync(Key))
        {
            await writer.WriteAsync(Bytes("streamed"), CancellationToken.None);
            await writer.CommitAsync(null, CancellationToken.None);
        }

        Assert.Equal(end, (await f.Disk.StatAsync(Key))!.Expires);
        f.Clock.Advance(Life);
        Assert.Null(await f.GetAsync());
    }

    [Fact]
    public async Task One_with_an_expiry_keeps_it_and_a_copy_of_another_blob_keeps_that_ones()
    {
        await using TierFixture f = Open();
        DateTimeOffset end = f.Clock.GetUtcNow() + (2 * Life);
        await f.PutAsync("value", new WriteOptions { Expires = end });
        Assert.Equal(end, (await f.Store.StatAsync(Key))!.Expires);
        BlobInfo lasting = (await f.Disk.StatAsync(Key))! with { Key = BlobKey.Parse("a/lasting"), Expires = null };
        await f.Store.PutBytesAsync(lasting.Key, Bytes("value"), new WriteOptions { AsCopyOf = lasting });
        Assert.Null((await f.Store.StatAsync(lasting.Key))!.Expires);
    }

    [Fact]
    public async Task The_first_rule_that_fits_the_key_counts_and_one_without_a_time_is_for_ever()
    {
        await using var f = new TierFixture(new TieringOptions
        {
            DefaultTimeToLive = 2 * Life,
            TimeToLiveRules = [new TimeToLiveRule { Prefix = "tmp/kept/" }, new TimeToLiveRule { Prefix = "tmp/", TimeToLive = Life }],
        });
        DateTimeOffset now = f.Clock.GetUtcNow();
        Assert.Equal((null, now + Life, now + (2 * Life)), (await ExpiresAsync("tmp/kept/a"), await ExpiresAsync("tmp/a"), await ExpiresAsync("tmpa")));
        Assert.Contains("'tmp/'", Assert.Throws<ArgumentException>(() =>
            new TierFixture(new TieringOptions { TimeToLiveRules = [new TimeToLiveRule { Prefix = "tmp/", TimeToLive = TimeSpan.Zero }] })).Message, StringComparison.Ordinal);

        async Task<DateTimeOffset?> ExpiresAsync(string key)
        {
            await f.Store.PutBytesAsync(BlobKey.Parse(key), Bytes("v"));
            return (await f.Disk.StatAsync(BlobKey.Parse(key)))!.Expires;
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(40_000)]
    public void It_is_more_than_nothing(int days) =>
        Assert.StartsWith("DefaultTimeToLive", Assert.Throws<ArgumentException>(() => new TierFixture(new TieringOptions { DefaultTimeToLive = TimeSpan.FromDays(days) })).Message, StringComparison.Ordinal);

    [Fact]
    public async Task A_touch_moves_no_payload_and_no_copy_outlives_it()
    {
        await using TierFixture f = Open();
        await f.PutAsync("value");
        (long writes, long reads) = (f.Faults.CountOf(StoreOperation.Write), f.Faults.CountOf(StoreOperation.Read));
        DateTimeOffset sooner = f.Clock.GetUtcNow() + (Life / 2);
        Assert.True((await f.Store.TouchAsync(Key, sooner)).IsWritten);
        Assert.Equal((1, writes, reads), (f.Faults.CountOf(StoreOperation.Update), f.Faults.CountOf(StoreOperation.Write), f.Faults.CountOf(StoreOperation.Read)));
        Assert.Equal(sooner, (await f.Store.StatAsync(Key))!.Expires);
        Assert.Equal("value", await f.GetAsync());
        await f.IdleAsync();
        f.Clock.Advance(Life / 2);
        Assert.Null(await f.GetAsync());
        Assert.False((await f.Store.TouchAsync(Key, f.Clock.GetUtcNow() + Life)).IsWritten);
    }

    [Fact]
    public async Task A_touch_is_fenced_a_fill_that_began_before_it_is_not_published()
    {
        await using TierFixture f = Open();
        await f.PutAsync("value", new WriteOptions { SkipTiers = ["hot"] });
        using StoreGate reading = f.Gates.Hold(StoreOperation.Read, CallMoment.After);
        Task<string?> read = Task.Run(f.GetAsync);
        await reading.WaitForArrivalAsync();
        await f.Store.TouchAsync(Key, f.Clock.GetUtcNow() + (Life / 2));
        reading.Open();
        await read;
        await f.IdleAsync();
        f.Clock.Advance(Life / 2);
        Assert.Null(await f.GetAsync());
    }

    [Fact]
    public async Task Tiers_that_need_it_are_swept_one_pass_after_the_other_and_a_failure_ends_nothing()
    {
        var warm = new CountedSweeps();
        await using var f = new TierFixture(new TieringOptions { SweepEvery = Life }, new DistantStore(new MemoryBlobStore(), ownFacet: warm));
        await f.Clock.WaitForTimerAsync(Life);
        f.Clock.Advance(Life - TimeSpan.FromSeconds(1));
        Assert.Equal(0, warm.Sweeps);
        f.Clock.Advance(TimeSpan.FromSeconds(1));
        await WaitForAsync(() => warm.Sweeps == 1, "no sweep");
        f.Clock.Advance(3 * Life);
        Assert.Equal(1, warm.Sweeps);
        warm.End(new StorageException(StorageErrorKind.Unavailable, "Out."));
        await f.Clock.WaitForTimerAsync(Life);
        f.Clock.Advance(Life);
        await WaitForAsync(() => warm.Sweeps == 2, "no sweep after one that failed");
    }

    [Fact]
    public void It_is_not_more_often_than_once_a_minute() =>
        Assert.StartsWith("SweepEvery", Assert.Throws<ArgumentException>(() => new TierFixture(new TieringOptions { SweepEvery = TimeSpan.FromSeconds(59) })).Message, StringComparison.Ordinal);

    private static TierFixture Open() => new(new TieringOptions { DefaultTimeToLive = Life });

    private sealed class CountedSweeps : IBlobSweep
    {
        private readonly TaskCompletionSource<SweepResult> _ending = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Sweeps { get; private set; }

        public void End(Exception e) => _ending.SetException(e);

        public async ValueTask<SweepResult> SweepAsync(SweepOptions? options = null, IProgress<SweepResult>? progress = null, CancellationToken cancellationToken = default)
        {
            Sweeps++;
            return await _ending.Task.WaitAsync(cancellationToken);
        }
    }
}
