using System.Diagnostics.Metrics;
using Strata.Testing;
using Xunit;
using static Strata.Tests.TierFixture;

namespace Strata.Tests;

/// <summary>What the tiers count and tell: bytes, times and events.</summary>
public sealed class TierFiguresTests
{
    [Fact]
    public async Task Bytes_are_counted_by_tier_and_a_miss_once_a_read()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("a/key", "12345", new WriteOptions { SkipTiers = ["hot"] });
        Assert.Equal("12345", await f.GetAsync("a/key"));
        await f.IdleAsync();
        Assert.Null(await f.GetAsync("a/none"));
        IReadOnlyList<TierStatistics> tiers = f.Store.GetTierStatistics();
        Assert.Equal([5L, 5L, 5L], tiers.Select(t => t.BytesWritten));
        Assert.Equal([null, 5L, 0L], tiers.Select(t => t.BytesRead));
        Assert.Equal([0L, 1L, 0L], tiers.Select(t => t.TimedReads));
        Assert.Equal(1, f.Store.GetReads().Misses);
    }

    [Fact]
    public async Task Times_are_told_as_percentiles_and_recorded_by_the_meter()
    {
        using var meter = new Meter("Strata");
        using var listener = new MeterListener();
        var recorded = new List<(double Value, string Tags)>();
        listener.InstrumentPublished = (instrument, own) =>
        {
            if (instrument.Meter == meter && instrument.Name == "strata.tier.read.duration") own.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<double>((_, value, tags, _) =>
        {
            lock (recorded) recorded.Add((value, string.Join(' ', tags.ToArray().Select(t => $"{t.Key}={t.Value}"))));
        });
        listener.Start();
        var clock = new FakeClock();
        var cold = new LatencyStore(new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "cold" }));
        await using var store = new TieredBlobStore([new Tier { Name = "cold", Store = cold }], new TieringOptions { Name = "s" }, StoreContext.Default with { Clock = clock, Meter = meter });
        await store.PutBytesAsync(Key, Bytes("v"));
        for (int i = 0; i < 100; i++)
        {
            using StoreGate gate = cold.Hold(StoreOperation.Read);
            Task<string?> read = GetAsync(store);
            await gate.WaitForArrivalAsync();
            clock.Advance(TimeSpan.FromMilliseconds(i < 95 ? 2 : 500));
            gate.Open();
            await read;
        }

        TierStatistics seen = store.GetTierStatistics()[0];
        Assert.Equal(100, seen.TimedReads);
        Assert.InRange(seen.ReadP50Microseconds, 1_750, 2_250);
        Assert.InRange(seen.ReadP99Microseconds, 437_500, 562_500);
        Assert.Equal(100, recorded.Count);
        Assert.Equal((0.002, "store=s tier=cold"), recorded[0]);
    }

    [Fact]
    public void Every_time_falls_into_a_bucket_within_an_eighth()
    {
        for (long ticks = 0; ticks < TimeSpan.FromMinutes(10).Ticks; ticks += 1 + (ticks / 7))
        {
            var histogram = new LatencyHistogram();
            histogram.Add(TimeSpan.FromTicks(ticks));
            LatencySnapshot seen = histogram.Snapshot();
            Assert.True(Math.Abs(seen.P99.Ticks - ticks) <= ticks / 8, $"{ticks} ticks are told as {seen.P99.Ticks}");
        }

        var extremes = new LatencyHistogram();
        extremes.Add(TimeSpan.FromTicks(-5));
        extremes.Add(TimeSpan.MaxValue);
        Assert.Equal(2, extremes.Snapshot().Count);
    }

    [Fact]
    public async Task A_watcher_gets_what_is_kept_and_what_comes_until_the_store_is_closed()
    {
        var f = new UpkeepFixture();
        await f.PutAsync("a/key", "v");
        await f.Upkeep.InvalidateAsync(Key);
        await using IAsyncEnumerator<TierEvent> watch = f.Store.WatchEventsAsync().GetAsyncEnumerator();
        Assert.True(await watch.MoveNextAsync());
        Assert.Equal((TierEventKind.Invalidated, "hot", Key, 1), (watch.Current.Kind, watch.Current.Tier, watch.Current.Key, watch.Current.Sequence));
        Assert.True(await watch.MoveNextAsync());
        ValueTask<bool> next = watch.MoveNextAsync();
        Assert.False(next.IsCompleted, "nothing has happened yet");
        Assert.Equal("v", await f.GetAsync("a/key"));
        Assert.True(await next);
        Assert.Equal((TierEventKind.Promoted, 3, 0), (watch.Current.Kind, watch.Current.Sequence, watch.Current.Missed));
        await f.IdleAsync();
        await f.DisposeAsync();
        Assert.True(await watch.MoveNextAsync());
        Assert.False(await watch.MoveNextAsync(), "a watch ends with its store");
    }

    [Fact]
    public async Task A_slow_watcher_is_told_how_many_it_missed_and_holds_nobody_up()
    {
        var events = new TierEvents(TimeProvider.System);
        await using IAsyncEnumerator<TierEvent> watch = events.WatchAsync(0, CancellationToken.None).GetAsyncEnumerator();
        for (int i = 0; i < 10; i++) events.Add(TierEventKind.Evicted, "hot", Key, i);
        Assert.True(await watch.MoveNextAsync());
        for (int i = 0; i < 10_000; i++) events.Add(TierEventKind.Evicted, "hot", Key, i);
        long seen = 1, missed = 0;
        while (watch.Current.Sequence < 10_010)
        {
            Assert.True(await watch.MoveNextAsync());
            seen++;
            missed += watch.Current.Missed;
        }

        Assert.Equal(10_010, seen + missed);
        Assert.True(missed > 0 && seen >= 4096, $"{seen} were seen and {missed} missed");
    }

    [Fact]
    public async Task A_watcher_ends_when_it_is_cancelled_and_one_from_before_a_restart_begins_anew()
    {
        var events = new TierEvents(TimeProvider.System);
        events.Add(TierEventKind.Evicted, "hot", Key, 1);
        using var stop = new CancellationTokenSource();
        await using IAsyncEnumerator<TierEvent> watch = events.WatchAsync(500, stop.Token).GetAsyncEnumerator();
        Assert.True(await watch.MoveNextAsync());
        Assert.Equal(1, watch.Current.Sequence);
        ValueTask<bool> next = watch.MoveNextAsync();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next.AsTask());
    }
}
