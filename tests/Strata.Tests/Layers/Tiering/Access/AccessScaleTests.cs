using Xunit;

namespace Strata.Tests;

/// <summary>Counts and scores against a list of all accesses: they decide on moves, so their error must be the one that is stated.</summary>
public sealed class AccessScaleTests
{
    private static readonly TieringPolicy Policy = new();

    [Theory]
    [InlineData(0UL, 0)]
    [InlineData(0xFFUL, 255)]
    [InlineData(ulong.MaxValue, 8 * 255)]
    [InlineData(0x0102030405060708UL, 36)]
    public void The_lanes_are_summed(ulong lanes, int expected) => Assert.Equal(expected, AccessScale.Total(lanes));

    [Fact]
    public void A_count_holds_the_whole_window_and_at_most_a_seventh_more()
    {
        var random = new Random(1);
        for (int run = 0; run < 300; run++)
        {
            var scale = new AccessScale(Policy, TimeSpan.FromDays(1));
            uint now = 1_800_000_000 + (uint)random.Next(100_000);
            var entry = new AccessEntry { First = now, Last = now };
            List<uint> times = [];
            for (int i = 0; i < 60; i++)
            {
                now += (uint)random.Next(0, run % 2 == 0 ? 600 : 40_000);
                scale.Note(ref entry, now, 1);
                times.Add(now);
                uint asked = now + (uint)random.Next(0, 5_000);
                KeyUse use = scale.UseAt(entry, asked);
                Check(use.Accesses, times, asked, (uint)Policy.AccessWindow.TotalSeconds, scale.RecentLane);
                Check(use.HistoryAccesses, times, asked, (uint)Policy.HistoryWindow.TotalSeconds, scale.HistoryLane);
            }
        }

        static void Check(int count, List<uint> times, uint now, uint window, uint lane)
        {
            int least = times.Count(t => t > now - window), most = times.Count(t => t > now - (8 * lane));
            Assert.True(count >= least && count <= most, $"{count} accesses were counted; within the window there were {least}, within eight lanes {most}.");
        }
    }

    [Fact]
    public void Nothing_is_counted_after_the_horizon()
    {
        var random = new Random(2);
        var scale = new AccessScale(Policy, TimeSpan.FromDays(1));
        for (int run = 0; run < 1_000; run++)
        {
            uint now = 1_800_000_000 + (uint)random.Next(100_000), horizon = (uint)AccessScale.HorizonOf(Policy.AccessWindow).TotalSeconds;
            var entry = new AccessEntry { First = now, Last = now };
            scale.Note(ref entry, now, 3);
            Assert.Equal(3, scale.UseAt(entry, now + (uint)Policy.AccessWindow.TotalSeconds - 1).Accesses);
            Assert.Equal(0, scale.UseAt(entry, now + horizon).Accesses);
        }
    }

    [Fact]
    public void A_score_is_halved_each_half_life()
    {
        var scale = new AccessScale(Policy, TimeSpan.FromDays(1));
        var entry = new AccessEntry { First = 1_000_000, Last = 1_000_000 };
        scale.Note(ref entry, 1_000_000, 4);
        scale.Note(ref entry, 1_000_000 + 86_400, 1);
        Assert.Equal(3, entry.Score, 3);
        Assert.Equal(1.5, scale.UseAt(entry, 1_000_000 + (2 * 86_400)).Score, 3);
    }

    [Fact]
    public void Counts_end_at_255_a_lane_and_do_not_wrap()
    {
        var scale = new AccessScale(Policy, TimeSpan.FromDays(1));
        var entry = new AccessEntry { First = 1_000_000, Last = 1_000_000 };
        for (int i = 0; i < 400; i++) scale.Note(ref entry, 1_000_000, 1);
        scale.Note(ref entry, 1_000_000, 1e9f);
        Assert.Equal(255, scale.UseAt(entry, 1_000_000).Accesses);
    }

    [Fact]
    public void An_access_that_stands_for_others_counts_right_on_average()
    {
        var scale = new AccessScale(Policy, TimeSpan.FromDays(1));
        double sum = 0;
        for (int i = 0; i < 20_000; i++)
        {
            var entry = new AccessEntry { First = 1_000_000, Last = 1_000_000 };
            scale.Note(ref entry, 1_000_000, 2.3f);
            sum += scale.UseAt(entry, 1_000_000).Accesses;
        }

        Assert.Equal(2.3, sum / 20_000, 0.05);
    }

    [Fact]
    public void What_was_known_and_what_came_since_are_one()
    {
        var random = new Random(3);
        var scale = new AccessScale(Policy, TimeSpan.FromDays(1));
        for (int run = 0; run < 500; run++)
        {
            uint start = 1_800_000_000 + (uint)random.Next(100_000), now = start;
            AccessEntry whole = New(start), before = New(start), since = New(start);
            int split = random.Next(1, 20);
            for (int i = 0; i < 20; i++)
            {
                scale.Note(ref whole, now, 1);
                if (i == split) since = New(now);
                if (i < split) scale.Note(ref before, now, 1);
                else scale.Note(ref since, now, 1);
                now += (uint)random.Next(1_000);
            }

            scale.Merge(ref since, before);
            Assert.Equal(scale.UseAt(whole, now) with { Score = 0 }, scale.UseAt(since, now) with { Score = 0 });
            Assert.Equal(whole.Score, since.Score, 0.001f * whole.Score);
        }

        static AccessEntry New(uint time) => new() { First = time, Last = time };
    }
}
