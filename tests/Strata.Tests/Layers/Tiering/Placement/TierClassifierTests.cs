using Xunit;

namespace Strata.Tests;

/// <summary>Where a blob belongs, by a table and by what must hold for every blob: a rule that is not monotone would move blobs to and fro.</summary>
public sealed class TierClassifierTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly TierClassifier Three = Of(new TieringPolicy());

    [Fact]
    public void The_defaults_are_those_that_users_of_tiered_stores_know()
    {
        var policy = new TieringPolicy();
        Assert.Equal((TimeSpan.FromHours(1), TimeSpan.FromHours(24), 5, TimeSpan.FromHours(1), true), (policy.HotFor, policy.WarmFor, policy.AccessCountThreshold, policy.AccessWindow, policy.PromoteOnRead));
        Assert.Equal((TimeSpan.FromDays(7), 3, TimeSpan.FromDays(7)), (policy.HistoryWindow, policy.ColdPredictionThreshold, policy.ColdAge));
    }

    [Theory]
    [InlineData(0, 1, "hot", PlacementCause.Age, 60)]
    [InlineData(59, 1, "hot", PlacementCause.Age, 1)]
    [InlineData(60, 1, "warm", PlacementCause.Age, 1380)]
    [InlineData(1439, 0, "warm", PlacementCause.Age, 1)]
    [InlineData(1440, 0, "cold", PlacementCause.Age, null)]
    [InlineData(1440, 9, "cold", PlacementCause.Age, null)]
    [InlineData(10, 5, "hot", PlacementCause.Frequency, 60)]
    [InlineData(10, 4, "hot", PlacementCause.Age, 50)]
    public void Age_and_accesses_decide(int minutes, int accesses, string tier, PlacementCause cause, int? dueMinutes)
    {
        Classification found = Three.Classify(Facts(TimeSpan.FromMinutes(minutes), accesses));
        Assert.Equal((tier, cause), (found.Tier, found.Cause));
        TimeSpan? due = found.Due - Now;
        if (cause == PlacementCause.Frequency) Assert.InRange(due!.Value.TotalMinutes, dueMinutes!.Value - 10, dueMinutes.Value + 10);
        else Assert.Equal(dueMinutes, due?.TotalMinutes);
    }

    [Fact]
    public void A_write_is_a_use()
    {
        PlacementFacts facts = Facts(TimeSpan.FromDays(3), 0) with { Modified = Now.AddMinutes(-30) };
        Assert.Equal("hot", Three.Classify(facts).Tier);
    }

    [Fact]
    public void A_blob_that_was_never_read_goes_by_its_age()
    {
        PlacementFacts facts = Facts(TimeSpan.Zero, 0) with { Use = default, Modified = Now.AddHours(-2) };
        Assert.Equal(("warm", Now.AddHours(22)), (Three.Classify(facts).Tier, Three.Classify(facts).Due));
    }

    [Theory]
    [InlineData(8, 2, "warm", PlacementCause.PredictedCold)]
    [InlineData(8, 3, "hot", PlacementCause.Age)]
    [InlineData(6, 2, "hot", PlacementCause.Age)]
    public void What_is_old_and_hardly_used_belongs_a_tier_lower(int knownDays, int accesses, string tier, PlacementCause cause)
    {
        PlacementFacts facts = Facts(TimeSpan.FromMinutes(5), 1) with { Modified = Now.AddDays(-knownDays) };
        facts = facts with { Use = facts.Use with { HistoryAccesses = accesses, FirstSeen = Now.AddDays(-knownDays) } };
        Classification found = Three.Classify(facts);
        Assert.Equal((tier, cause), (found.Tier, found.Cause));
    }

    [Fact]
    public void What_is_too_long_goes_to_the_next_tier_that_takes_it()
    {
        TierClassifier tiers = Of(new TieringPolicy(), hotBytes: 100, warmBytes: 1000);
        PlacementFacts facts = Facts(TimeSpan.Zero, 9);
        Assert.Equal(["hot", "warm", "cold"], ((long[])[100, 101, 1001]).Select(length => tiers.Classify(facts with { Length = length }).Tier));
        Assert.Equal(PlacementCause.Size, tiers.Classify(facts with { Length = 101 }).Cause);
    }

    [Fact]
    public void A_tier_that_is_nearly_full_keeps_blobs_for_a_shorter_time()
    {
        PlacementFacts facts = Facts(TimeSpan.FromMinutes(40), 1);
        Assert.Equal("hot", Three.Classify(facts with { Fill = [0.9, 0, 0] }).Tier);
        Classification pressed = Three.Classify(facts with { Fill = [0.95, 0, 0] });
        Assert.Equal(("warm", PlacementCause.CapacityPressure), (pressed.Tier, pressed.Cause));
        Assert.Equal("cold", Three.Classify(facts with { Fill = [1, 1.2, 0] }).Tier);
        Assert.Equal("hot", Three.Classify(Facts(TimeSpan.FromMinutes(1), 9) with { Fill = [1] }).Tier);
        Assert.Equal(Now.AddMinutes(20), Three.Classify(Facts(TimeSpan.FromMinutes(10), 1) with { Fill = [0.95] }).Due);
    }

    [Fact]
    public void The_first_rule_that_matches_decides_and_a_pin_goes_before_all()
    {
        TierClassifier tiers = Of(new TieringPolicy
        {
            Rules =
            [
                new PlacementRule { Prefix = "logs/today/", Hottest = "warm" },
                new PlacementRule { Prefix = "logs/", Tier = "cold" },
                new PlacementRule { Pattern = "**.idx", Coldest = "warm" },
                new PlacementRule { Tier = "warm", Pattern = "tmp/*" },
            ],
        });
        Check("logs/today/a", TimeSpan.Zero, "warm", PlacementCause.Rule);
        Check("logs/today/a", TimeSpan.FromDays(9), "cold", PlacementCause.Age);
        Check("logs/a", TimeSpan.Zero, "cold", PlacementCause.Rule);
        Check("a/b.idx", TimeSpan.FromDays(9), "warm", PlacementCause.Rule);
        Check("a/b.idx", TimeSpan.Zero, "hot", PlacementCause.Age);
        Check("tmp/a", TimeSpan.Zero, "warm", PlacementCause.Rule);
        Check("tmp/a/b", TimeSpan.Zero, "hot", PlacementCause.Age);
        Classification pinned = tiers.Classify(Facts(TimeSpan.Zero, 9) with { Key = BlobKey.Parse("logs/a"), Pin = "hot" });
        Assert.Equal(("hot", PlacementCause.Pin, null), (pinned.Tier, pinned.Cause, pinned.Due));

        void Check(string key, TimeSpan age, string tier, PlacementCause cause)
        {
            Classification found = tiers.Classify(Facts(age, 1) with { Key = BlobKey.Parse(key), Use = Facts(age, 1).Use with { HistoryAccesses = 9 } });
            Assert.Equal((key, tier, cause), (key, found.Tier, found.Cause));
            if (cause == PlacementCause.Rule && tier != "warm") Assert.Null(found.Due);
        }
    }

    [Fact]
    public void There_may_be_any_number_of_tiers()
    {
        var one = new TierClassifier(new TieringPolicy(), [new TierPlan { Name = "only" }]);
        Assert.Equal(("only", null), (one.Classify(Facts(TimeSpan.FromDays(99), 0)).Tier, one.Classify(Facts(TimeSpan.FromDays(99), 0)).Due));
        var five = new TierClassifier(new TieringPolicy(), [.. "abcd".Select(c => new TierPlan { Name = $"{c}" }), new TierPlan { Name = "e" }]);
        Assert.Equal("abbcde", string.Concat(((double[])[0.5, 1, 23, 25, 49, 73]).Select(hours => five.Classify(Facts(TimeSpan.FromHours(hours), 1) with { Modified = Now.AddHours(-hours) }).Tier)));
        var own = new TierClassifier(new TieringPolicy { ColdPredictionThreshold = 0 }, [new TierPlan { Name = "a", KeepFor = TimeSpan.FromMinutes(1) }, new TierPlan { Name = "b", KeepFor = TimeSpan.FromDays(30) }, new TierPlan { Name = "c" }]);
        Assert.Equal(Now.AddDays(30).AddMinutes(-1), own.Classify(Facts(TimeSpan.FromMinutes(1), 1)).Due);
    }

    [Fact]
    public void Tiers_have_an_order()
    {
        Assert.True(Three.IsHotter("hot", "cold"));
        Assert.True(Three.IsColder("cold", "warm"));
        Assert.False(Three.IsHotter("warm", "warm"));
        Assert.Contains("there are hot, warm, cold", Assert.Throws<ArgumentException>(() => Three.IsHotter("lukewarm", "cold")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Settings_that_make_no_sense_are_refused_by_name()
    {
        Refused("WarmFor", new TieringPolicy { HotFor = TimeSpan.FromDays(2) });
        Refused("HotFor", new TieringPolicy { HotFor = TimeSpan.FromSeconds(-1) });
        Refused("AccessCountThreshold", new TieringPolicy { AccessCountThreshold = 0 });
        Refused("AccessCountThreshold", new TieringPolicy { AccessCountThreshold = 10_000 });
        Refused("ColdPredictionThreshold", new TieringPolicy { ColdPredictionThreshold = -1 });
        Refused("HistoryWindow", new TieringPolicy { HistoryWindow = TimeSpan.FromDays(9999) });
        Refused("PressureFrom", new TieringPolicy { PressureFrom = double.NaN });
        Refused("'lukewarm'", new TieringPolicy { Rules = [new PlacementRule { Tier = "lukewarm" }] });
        Refused("wrong way round", new TieringPolicy { Rules = [new PlacementRule { Hottest = "cold", Coldest = "hot" }] });
        Refused("one of both", new TieringPolicy { Rules = [new PlacementRule { Tier = "hot", Coldest = "hot" }] });
        Refused("1024", new TieringPolicy { Rules = [new PlacementRule { Pattern = new string('*', 1025) }] });

        static void Refused(string word, TieringPolicy policy) => Assert.Contains(word, Assert.Throws<ArgumentException>(() => Of(policy)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_used_more_is_never_colder_and_time_alone_makes_nothing_hotter()
    {
        var random = new Random(6);
        for (int run = 0; run < 50_000; run++)
        {
            (TierClassifier tiers, PlacementFacts facts) = Draw(random);
            int index = tiers.Classify(facts).Index;
            KeyUse use = facts.Use;
            PlacementFacts more = facts with { Use = use with { Accesses = use.Accesses + 1, HistoryAccesses = use.HistoryAccesses + 1, LastAccess = facts.Now, FirstSeen = use.FirstSeen ?? facts.Now } };
            PlacementFacts later = facts with { Now = facts.Now.AddMinutes(Math.Exp(random.NextDouble() * 10)) };
            PlacementFacts fuller = facts with { Fill = [.. (facts.Fill ?? [0, 0, 0]).Select(f => f + random.NextDouble())] };
            PlacementFacts longer = facts with { Length = facts.Length + random.Next(1000) };
            if (tiers.Classify(more).Index > index) Assert.Fail($"One more access makes it colder: {facts}");
            if (tiers.Classify(later).Index < index) Assert.Fail($"Time makes it hotter: {facts}");
            if (tiers.Classify(fuller).Index < index) Assert.Fail($"A fuller tier makes it hotter: {facts}");
            if (tiers.Classify(longer).Index < index) Assert.Fail($"Length makes it hotter: {facts}");
        }
    }

    /// <summary>Whoever comes at the time that was given must find a change, and who comes before it none: else runs find nothing to do, or come too late.</summary>
    [Fact]
    public void The_time_that_is_given_is_that_of_the_next_change()
    {
        var random = new Random(7);
        int changes = 0;
        for (int run = 0; run < 50_000; run++)
        {
            (TierClassifier tiers, PlacementFacts facts) = Draw(random);
            Classification found = tiers.Classify(facts);
            if (found.Due is not { } due)
            {
                Assert.Equal(found.Index, tiers.Classify(facts with { Now = facts.Now.AddYears(50) }).Index);
                continue;
            }

            changes++;
            Assert.True(due > facts.Now);
            Assert.Equal(found.Index, tiers.Classify(facts with { Now = due.AddTicks(-1) }).Index);
            Assert.Equal(found.DueIndex, tiers.Classify(facts with { Now = due }).Index);
            Assert.True(found.DueIndex > found.Index);
            Assert.True(tiers.EarliestDue(facts.LastUse) <= due || facts.Fill is not null || found.Index > 0 || due == facts.Use.LastAccess + AccessScale.HorizonOf(tiers.Policy.HistoryWindow) || due - tiers.Policy.ColdAge == Earlier(facts));
        }

        Assert.True(changes > 10_000, $"{changes} changes.");

        static DateTimeOffset Earlier(PlacementFacts facts) => facts.Use.FirstSeen is { } seen && seen < facts.Modified ? seen : facts.Modified;
    }

    [Fact]
    public void It_says_why_in_words()
    {
        Check("warm: last used 1 h ago, and hot holds only for 1 h; 2 accesses within 1 h, 5 would make it hot; due to go to cold at 2026-03-02 10:58:00Z, if it is not used before", Facts(TimeSpan.FromMinutes(62), 2));
        Check("cold: last used 3 d ago, and warm holds only for 24 h; 0 accesses within 1 h, 5 would make it hot", Facts(TimeSpan.FromDays(3), 2));
        Check("hot: last used 10 min ago, and hot holds for 1 h; 1 access within 1 h; due to go to warm at 2026-03-01 12:50:00Z, if it is not used before", Facts(TimeSpan.FromMinutes(10), 1));
        Check("cold: pinned", Facts(TimeSpan.Zero, 1) with { Pin = "cold" });
        Check("warm: known for 9 d, with fewer than 3 accesses within 7 d: one tier lower than its last use, 1 min ago, says; 1 access within 1 h, 5 would make it hot; due to go to cold at 2026-03-01 12:59:00Z, if it is not used before", Facts(TimeSpan.FromMinutes(1), 1) with { Modified = Now.AddDays(-9) });
        Assert.StartsWith("hot: 7 accesses within 1 h, and 5 keep it hot; due to go to warm at ", Three.Explain(Facts(TimeSpan.FromMinutes(1), 7)), StringComparison.Ordinal);
        Assert.StartsWith("cold: 2,000,000 bytes are too long for warm; 1 access within 1 h", Of(new TieringPolicy(), 10, 20).Explain(Facts(TimeSpan.Zero, 1) with { Length = 2_000_000 }), StringComparison.Ordinal);
        Assert.StartsWith("warm: last used 50 min ago, and a faster tier is nearly full", Three.Explain(Facts(TimeSpan.FromMinutes(50), 1) with { Fill = [0.97] }), StringComparison.Ordinal);
        Assert.Equal("cold: the rule for 'logs/' says so", Of(new TieringPolicy { Rules = [new PlacementRule { Prefix = "logs/", Tier = "cold" }] }).Explain(Facts(TimeSpan.Zero, 1) with { Key = BlobKey.Parse("logs/1") }));

        static void Check(string expected, PlacementFacts facts) => Assert.Equal(expected, Three.Explain(facts));
    }

    private static TierClassifier Of(TieringPolicy policy, long? hotBytes = null, long? warmBytes = null) =>
        new(policy, [new TierPlan { Name = "hot", MaxBlobBytes = hotBytes }, new TierPlan { Name = "warm", MaxBlobBytes = warmBytes }, new TierPlan { Name = "cold" }]);

    /// <summary>A blob written a day ago and last read at an age, with accesses in both windows.</summary>
    private static PlacementFacts Facts(TimeSpan age, int accesses) => new()
    {
        Key = BlobKey.Parse("a/b"),
        Length = 100,
        Modified = Now - TimeSpan.FromDays(1) - age,
        Now = Now,
        Use = new KeyUse { Accesses = accesses, HistoryAccesses = accesses, LastAccess = Now - age, FirstSeen = Now - age, Score = accesses },
    };

    private static (TierClassifier Tiers, PlacementFacts Facts) Draw(Random random)
    {
        var policy = new TieringPolicy
        {
            HotFor = TimeSpan.FromMinutes(random.Next(0, 120)),
            WarmFor = TimeSpan.FromMinutes(random.Next(120, 20_000)),
            AccessCountThreshold = random.Next(1, 8),
            AccessWindow = TimeSpan.FromSeconds(random.Next(10, 20_000)),
            HistoryWindow = TimeSpan.FromMinutes(random.Next(10, 20_000)),
            ColdPredictionThreshold = random.Next(0, 6),
            ColdAge = TimeSpan.FromMinutes(random.Next(0, 20_000)),
            Rules = random.Next(4) switch
            {
                0 => [new PlacementRule { Hottest = "warm" }],
                1 => [new PlacementRule { Coldest = "warm" }],
                _ => [],
            },
        };
        int accesses = random.Next(0, 10);
        DateTimeOffset first = Now.AddMinutes(-Math.Exp(random.NextDouble() * 10));
        KeyUse use = random.Next(5) == 0
            ? default
            : new KeyUse { Accesses = accesses, HistoryAccesses = accesses + random.Next(5), FirstSeen = first, LastAccess = first + ((Now - first) * random.NextDouble()) };
        return (Of(policy, random.Next(2) == 0 ? null : 500, 1200), new PlacementFacts
        {
            Key = BlobKey.Parse("a"),
            Length = random.Next(1500),
            Modified = Now.AddMinutes(-Math.Exp(random.NextDouble() * 10)),
            Now = Now,
            Use = use,
            Fill = random.Next(2) == 0 ? null : [random.NextDouble() * 1.1, random.NextDouble() * 1.1, 0],
        });
    }
}
