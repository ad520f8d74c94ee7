using FsCheck;
using FsCheck.Fluent;
using Microsoft.FSharp.Core;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>
/// Random sequences of calls on a small store beside a dictionary, shrunk to the shortest that fails. The evicting form may
/// differ by exactly those blobs of which it said that it evicted them.
/// </summary>
public sealed class MemoryModelTests
{
    private static Gen<MemoryStep> Steps => Gen.Frequency(
        (40, Step(MemoryStepKind.Put)),
        (8, Step(MemoryStepKind.PutStream)),
        (14, Step(MemoryStepKind.Delete)),
        (8, Step(MemoryStepKind.Update)),
        (8, Step(MemoryStepKind.Copy)),
        (20, Step(MemoryStepKind.Read)),
        (4, Step(MemoryStepKind.Advance)),
        (4, Step(MemoryStepKind.Resize)),
        (4, Step(MemoryStepKind.List)));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Random_sequences_do_what_they_do_to_a_dictionary(bool evicts)
    {
        int seed = TestSeed.Next(), sequences = 0, evictions = 0, refusals = 0;
        Config config = Config.QuickThrowOnFailure.WithMaxTest(150).WithReplay(new Replay(new Rnd((ulong)seed), FSharpOption<int>.None));
        Check.One(config, Prop.ForAll(Arb.From(Gen.Choose(1, 400).SelectMany(count => Steps.ListOf(count)).Select(list => new MemorySteps([.. list])), steps => steps.Shorter()), steps =>
        {
            using var model = new MemoryModel(evicts);
            model.Run(steps);
            sequences++;
            evictions += model.Evictions;
            refusals += model.Refusals;
            return true;
        }));
        TestContext.Current.TestOutputHelper!.WriteLine($"{sequences} sequences, {evictions} evictions, {refusals} writes refused for want of room");
        Assert.True(evicts ? evictions > 100 : refusals > 100, "the store was never full, so that the test shows less than it says");
    }

    private static Gen<MemoryStep> Step(MemoryStepKind kind) => Gen.Choose(0, int.MaxValue).Select(dice => MemoryStep.Of(kind, new System.Random(dice)));
}
