using Strata.Testing;

namespace Strata.Reliability;

/// <summary>
/// Random sequences of operations on tiers that fail, lose requests and let them come through late, in processes that are killed
/// at any call, against a reference: no acknowledged write is lost, nothing older is read after an acknowledged write or delete,
/// nothing deleted returns, and where others write too nothing is staler than its user chose.
/// </summary>
public sealed class TierModelTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Whatever_fails_no_read_tells_what_is_no_longer_so(bool hasOtherWriters)
    {
        TierTally tally = await RunAsync(hasOtherWriters ? (15_000, 40) : (35_000, 100), (seed, tally) => new InclusiveSequence(seed, hasOtherWriters, tally));
        Assert.True(!LongForm.IsOn || hasOtherWriters || tally.Late > 0, "no request came late");
        Assert.True(!LongForm.IsOn || !hasOtherWriters || tally.Marked > 0, "nothing was stale");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Whatever_fails_what_a_warm_tier_acknowledged_is_read_and_gets_to_the_origin(bool hasOtherWriters)
    {
        TierTally tally = await RunAsync(hasOtherWriters ? (10_000, 15) : (15_000, 25), (seed, tally) => new WriteBackSequence(seed, hasOtherWriters, tally));
        Assert.True(!LongForm.IsOn || tally.Late > 0, "no request came late");
        Assert.True(!LongForm.IsOn || tally.Dead > 0, "nothing was refused for good");
        Assert.True(!LongForm.IsOn || hasOtherWriters || tally.Flushed > 0, "nothing was flushed");
    }

    [Fact]
    public async Task Whatever_fails_a_blob_that_has_one_home_is_there_and_read()
    {
        TierTally tally = await RunAsync((25_000, 30), (seed, tally) => new HomesSequence(seed, tally));
        Assert.True(!LongForm.IsOn || tally.Late > 0, "no request came late");
        Assert.True(!LongForm.IsOn || (tally.Moved > 0 && tally.Rebuilt > 0), "nothing was moved, or no index made anew");
    }

    private async Task<TierTally> RunAsync((int Whole, int Part) count, Func<int, TierTally, TierSequence> begin)
    {
        // The short form is to find what a change breaks, the long one what nobody has thought of.
        int seed = LongForm.IsOn || Environment.GetEnvironmentVariable(TestSeed.Variable) is not null ? TestSeed.Next() : 1, sequences = LongForm.Of(count.Whole, count.Part);
        var tally = new TierTally();
        for (int i = 0; i < sequences; i++)
        {
            await using TierSequence sequence = begin(unchecked(seed + i), tally);
            await sequence.RunAsync();
        }

        output.WriteLine($"{sequences} sequences from seed {seed}: {tally}");
        Assert.True(tally.Lives > sequences && tally.PowerCuts > 0, "no process was killed");
        Assert.True(tally.Unknown > 0 && (!LongForm.IsOn || tally.Refused > 0), "nothing failed");
        return tally;
    }
}
