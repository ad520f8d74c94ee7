using Strata.Testing;

namespace Strata.Reliability;

/// <summary>
/// Random sequences of operations on tiers that fail, lose requests and let them come through late, in processes that are killed
/// at any call, against a reference: no acknowledged write is lost, nothing older is read after an acknowledged write or delete,
/// nothing deleted returns, and where others write too nothing is staler than FreshFor.
/// </summary>
public sealed class TierModelTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Whatever_fails_no_read_tells_what_is_no_longer_so(bool hasOtherWriters)
    {
        int seed = TestSeed.Next(), sequences = LongForm.Of(100_000, 1_000) / (hasOtherWriters ? 2 : 1);
        var tally = new TierTally();
        for (int i = 0; i < sequences; i++)
        {
            await using var sequence = new TierSequence(unchecked(seed + i), hasOtherWriters, tally);
            await sequence.RunAsync();
        }

        output.WriteLine($"{sequences} sequences: {tally}");
        Assert.True(tally.Lives > sequences, "no process was killed");
        Assert.True(tally.Refused > 0 && tally.Unknown > 0, "nothing failed");
        Assert.True(hasOtherWriters || tally.Late > 0, "no request came late");
    }
}
