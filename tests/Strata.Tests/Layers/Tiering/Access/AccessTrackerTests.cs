using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>What the tracker knows, what it forgets, and what it costs who reads.</summary>
public sealed class AccessTrackerTests : IDisposable
{
    private static readonly BlobKey Key = BlobKey.Parse("users/1");
    private readonly FakeClock _clock = new();
    private AccessTracker _tracker;

    public AccessTrackerTests() => _tracker = New();

    public void Dispose() => _tracker.Dispose();

    [Fact]
    public void It_counts_accesses_and_dates_the_last()
    {
        DateTimeOffset first = _clock.GetUtcNow();
        Assert.Equal(default, _tracker.UseOf(Key));
        Record(Key, 3);
        Assert.Equal(3, _tracker.ScoreOf(Key), 3);
        _clock.Advance(TimeSpan.FromMinutes(30));
        Record(Key, 2);
        Assert.Equal(new KeyUse { Accesses = 5, HistoryAccesses = 5, FirstSeen = first, LastAccess = first.AddMinutes(30) }, _tracker.UseOf(Key) with { Score = 0 });
        _clock.Advance(TimeSpan.FromHours(3));
        KeyUse later = _tracker.UseOf(Key);
        Assert.Equal((0, 5), (later.Accesses, later.HistoryAccesses));
        _clock.Advance(TimeSpan.FromDays(9));
        Assert.Equal(0, _tracker.UseOf(Key).HistoryAccesses);
        Assert.InRange(_tracker.ScoreOf(Key), 0.001, 0.02);
    }

    [Fact]
    public void A_key_that_is_forgotten_counts_as_never_used()
    {
        Record(Key, 9);
        _tracker.Forget(Key);
        Assert.Equal(default, _tracker.UseOf(Key));
        _clock.Advance(TimeSpan.FromMinutes(1));
        Record(Key, 1);
        Assert.Equal((1, 1, _clock.GetUtcNow()), (_tracker.UseOf(Key).Accesses, _tracker.UseOf(Key).HistoryAccesses, _tracker.UseOf(Key).FirstSeen));
    }

    [Fact]
    public void Those_whose_use_has_fallen_are_predicted_cold_the_lowest_score_first()
    {
        Record(BlobKey.Parse("used"), 1);
        Record(BlobKey.Parse("fallen"), 9);
        Record(BlobKey.Parse("gone"), 2);
        Assert.Empty(_tracker.PredictCold());
        _clock.Advance(TimeSpan.FromDays(6));
        Record(BlobKey.Parse("new"), 1);
        Record(BlobKey.Parse("used"), 3);
        Record(BlobKey.Parse("fallen"), 1);
        Assert.Empty(_tracker.PredictCold());
        _clock.Advance(TimeSpan.FromDays(3));
        Assert.Equal(["gone", "fallen"], _tracker.PredictCold().Select(k => k.Value));
        Assert.Equal(["gone"], _tracker.PredictCold(1).Select(k => k.Value));
    }

    [Fact]
    public void In_a_full_tracker_the_least_used_are_forgotten_and_the_budget_holds()
    {
        _tracker.Dispose();
        _tracker = New(new AccessTrackerOptions { MaxBytes = 1 << 20 });
        BlobKey[] popular = [.. Enumerable.Range(0, 500).Select(i => BlobKey.Parse($"popular/{i}"))];
        for (int i = 0; i < 60_000; i++)
        {
            _tracker.RecordWrite(BlobKey.Parse($"scanned/once/{i}"));
            if (i % 20 == 0) _tracker.RecordWrite(popular[i / 20 % popular.Length]);
            if (i % 100 == 0) _clock.Advance(TimeSpan.FromSeconds(1));
            if (i % 1_000 == 0) Assert.InRange(_tracker.GetStatistics().Bytes, 0, 1 << 20);
        }

        Assert.All(popular, key => Assert.Equal(6, _tracker.UseOf(key).HistoryAccesses));
        Assert.Equal(default, _tracker.UseOf(BlobKey.Parse("scanned/once/0")));
        Assert.Equal(1, _tracker.UseOf(BlobKey.Parse("scanned/once/59999")).Accesses);
        AccessTrackerStatistics figures = _tracker.GetStatistics();
        Assert.Equal(60_500, figures.Keys + figures.Forgotten);
        Assert.InRange(figures.Keys, 7_000, 20_000);
    }

    [Fact]
    public void Keys_of_any_length_and_script_are_told_apart()
    {
        BlobKey[] keys = [BlobKey.Parse("a"), BlobKey.Parse("ä"), BlobKey.Parse("𐀀"), BlobKey.Parse(new string('x', 1024)), BlobKey.Parse(new string('x', 1023)), BlobKey.Parse("a/")];
        for (int i = 0; i < keys.Length; i++) Record(keys[i], i + 1);
        for (int i = 0; i < keys.Length; i++) Assert.Equal(i + 1, _tracker.UseOf(keys[i]).Accesses);
        Record(default, 1);
        Assert.Equal(keys.Length, _tracker.GetStatistics().Keys);
    }

    /// <summary>Were the old time kept, what was read under a wrong clock would stay hot until that time comes again.</summary>
    [Theory]
    [InlineData(-24)]
    [InlineData(-24 * 365)]
    public void A_clock_set_back_makes_nothing_cold_early_and_keeps_nothing_hot_for_ever(int hours)
    {
        Record(Key, 2);
        _clock.Jump(TimeSpan.FromHours(hours));
        DateTimeOffset now = _clock.GetUtcNow();
        KeyUse use = _tracker.UseOf(Key);
        Assert.Equal((2, now, now), (use.Accesses, use.LastAccess, use.FirstSeen));
        _clock.Advance(TimeSpan.FromHours(2));
        Assert.Equal(0, _tracker.UseOf(Key).Accesses);
        Record(Key, 1);
        Assert.Equal(_clock.GetUtcNow(), _tracker.UseOf(Key).LastAccess);
    }

    [Fact]
    public void A_read_that_is_recorded_allocates_nothing()
    {
        Record(Key, 1);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) _tracker.RecordAccess(Key);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    /// <summary>While nothing drains, a full ring may neither wait nor lose count: what is there stands for the rest.</summary>
    [Fact]
    public void Accesses_that_find_the_ring_full_count_by_those_that_are_there()
    {
        var ring = new AccessRing(1, Thread.CurrentThread);
        BlobKey[] keys = [BlobKey.Parse("a"), BlobKey.Parse("b")];
        for (int i = 0; i < 4 * AccessRing.Capacity; i++)
        {
            if (!ring.Rests()) ring.Add(keys[i % 2]);
        }

        Dictionary<string, float> counts = [];
        Assert.Equal(3u * AccessRing.Capacity, ring.Drain(Count));
        Assert.Equal([2f * AccessRing.Capacity, 2f * AccessRing.Capacity], counts.Values);
        ring.Add(keys[0]);
        counts.Clear();
        Assert.Equal(0u, ring.Drain(Count));
        Assert.Equal([1f], counts.Values);

        void Count(BlobKey key, float weight) => counts[key.Value] = counts.GetValueOrDefault(key.Value) + weight;
    }

    [Fact]
    public async Task What_many_threads_record_is_counted_also_after_they_have_ended()
    {
        const int Threads = 8, Each = 100;
        Task[] all = [.. Enumerable.Range(0, Threads).Select(thread => Task.Factory.StartNew(
            () =>
            {
                for (int i = 0; i < Each; i++) _tracker.RecordAccess(BlobKey.Parse($"by/{thread}"));
            }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        await Task.WhenAll(all);
        for (int thread = 0; thread < Threads; thread++) Assert.Equal(Each, _tracker.UseOf(BlobKey.Parse($"by/{thread}")).Accesses);
        Assert.Equal(Threads * Each, _tracker.Recorded);
        Assert.Equal(0, _tracker.GetStatistics().Dropped);
    }

    /// <summary>It is the count of a tier's hits: what is dropped, and what a thread did that has ended, or a tracker that is closed, belongs to it.</summary>
    [Fact]
    public void Every_access_is_counted_whatever_became_of_it()
    {
        const int Each = 10 * AccessRing.Capacity;
        for (int i = 0; i < Each; i++) _tracker.RecordAccess(Key);
        var other = new Thread(() =>
        {
            for (int i = 0; i < Each; i++) _tracker.RecordAccess(Key);
        });
        other.Start();
        other.Join();
        Assert.Equal(2 * Each, _tracker.Recorded);
        _tracker.Drain();
        Assert.Equal(2 * Each, _tracker.Recorded);
        _tracker.Dispose();
        Assert.Equal(2 * Each, _tracker.Recorded);
    }

    /// <summary>Rings are left behind by their threads: a pool that grows and shrinks would leak them.</summary>
    [Fact]
    public async Task The_ring_of_a_thread_that_has_ended_goes()
    {
        using var rings = new AccessRings();
        var thread = new Thread(() => rings.Add(Key));
        thread.Start();
        thread.Join();
        int noted = 0;
        await Eventually.HoldsAsync(
            () =>
            {
                rings.Drain((_, _) => noted++);
                return rings.Count == 0;
            },
            "The ring of a thread that has ended is kept.");
        Assert.Equal(1, noted);
    }

    [Fact]
    public void Trackers_of_one_thread_do_not_mix_also_where_one_takes_the_place_of_another()
    {
        using AccessTracker other = New();
        Record(Key, 1);
        other.RecordAccess(Key);
        other.RecordAccess(Key);
        Assert.Equal((1, 2), (_tracker.UseOf(Key).Accesses, other.UseOf(Key).Accesses));
        _tracker.RecordAccess(Key);
        _tracker.Dispose();
        _tracker = New();
        Assert.Equal(default, _tracker.UseOf(Key));
        Record(Key, 3);
        Assert.Equal(3, _tracker.UseOf(Key).Accesses);
    }

    [Fact]
    public async Task Who_reads_much_has_its_ring_drained_in_the_background()
    {
        await Eventually.HoldsAsync(
            () =>
            {
                for (int i = 0; i < AccessRing.Capacity; i++) _tracker.RecordAccess(Key);
                return _tracker.Peek(Key).Accesses > 0;
            },
            "Nobody drains the rings.");
    }

    /// <summary>A memory tier marks its own hits: what it says must count, and not each time that it is asked.</summary>
    [Fact]
    public void What_a_store_has_counted_by_itself_is_noted_once()
    {
        DateTimeOffset read = _clock.GetUtcNow().AddMinutes(20);
        _tracker.RecordWrite(Key);
        _clock.Advance(TimeSpan.FromMinutes(30));
        _tracker.RecordActivity(Key, new BlobActivity(0, read));
        Assert.Equal(1, _tracker.UseOf(Key).Accesses);
        for (int i = 0; i < 3; i++) _tracker.RecordActivity(Key, new BlobActivity(4, read));
        Assert.Equal((5, read), (_tracker.UseOf(Key).Accesses, _tracker.UseOf(Key).LastAccess));
        BlobKey other = BlobKey.Parse("other");
        _tracker.RecordActivity(other, new BlobActivity(2, read.AddYears(9)));
        Assert.Equal((2, _clock.GetUtcNow()), (_tracker.UseOf(other).Accesses, _tracker.UseOf(other).LastAccess));
    }

    [Fact]
    public void Settings_out_of_their_range_are_refused_by_name()
    {
        Assert.Contains("MaxBytes", Assert.Throws<ArgumentException>(() => New(new AccessTrackerOptions { MaxBytes = 1000 })).Message, StringComparison.Ordinal);
        Assert.Contains("ScoreHalfLife", Assert.Throws<ArgumentException>(() => New(new AccessTrackerOptions { ScoreHalfLife = TimeSpan.Zero })).Message, StringComparison.Ordinal);
        Assert.Contains("MaxFlushKeys", Assert.Throws<ArgumentException>(() => New(new AccessTrackerOptions { MaxFlushKeys = 0 })).Message, StringComparison.Ordinal);
        Assert.Contains("AccessWindow", Assert.Throws<ArgumentException>(() => new AccessTracker(new TieringPolicy { AccessWindow = TimeSpan.FromSeconds(1) })).Message, StringComparison.Ordinal);
    }

    private AccessTracker New(AccessTrackerOptions? options = null) => new(null, options, new StoreContext { Clock = _clock });

    private void Record(BlobKey key, int times)
    {
        for (int i = 0; i < times; i++) _tracker.RecordAccess(key);
    }
}
