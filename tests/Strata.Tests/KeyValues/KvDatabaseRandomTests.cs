using FsCheck;
using FsCheck.Fluent;
using Microsoft.FSharp.Core;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>
/// Random work on a KV database, checked against what it must come to: sequences against a model, concurrent histories for
/// an order that explains them, reads for the instant that they are of. A class a database derives it.
/// </summary>
public abstract class KvDatabaseRandomTests
{
    /// <summary>The clock of the database under test.</summary>
    protected FakeClock Clock { get; } = new();

    /// <summary>How often each is done in the short form, as a share of what is usual: less where each call waits for a disk.</summary>
    protected virtual double Share => 1;

    /// <summary>Opens the database of this test: without entries the first time, later with what it had if it is durable.</summary>
    /// <param name="context">To be given to the database.</param>
    protected abstract ValueTask<IKvDatabase> OpenAsync(StoreContext context);

    [Fact]
    public async Task Random_sequences_do_what_they_do_to_a_dictionary()
    {
        int seed = TestSeed.Next();
        await using var model = new KvModel(() => OpenAsync(new StoreContext { Clock = Clock }), Clock);
        Config config = Config.QuickThrowOnFailure.WithMaxTest(LongForm.Of(100_000, Short(5_000))).WithEndSize(100)
            .WithReplay(FSharpOption<Replay>.Some(new Replay(new Rnd((ulong)seed, 1), FSharpOption<int>.None)));

        // Away from this thread, which waits.
        await Task.Run(() => Check.One($"seed {seed} (set {TestSeed.Variable}={seed} to repeat)", config, Prop.ForAll(KvSequences.All, model.RunAsync)));
    }

    [Fact]
    public async Task Recorded_histories_are_linearizable()
    {
        int seed = TestSeed.Next();
        var random = new Random(seed);
        await using IKvDatabase database = await OpenAsync(new StoreContext { Clock = Clock });
        int histories = LongForm.Of(10_000, Short(500));
        for (int run = 0; run < histories; run++) await KvHistory.CheckAsync(database, $"history/{run}/", random.Next(), $"seed {seed}, run {run} (set {TestSeed.Variable}={seed} to repeat)");
    }

    [Fact]
    public async Task Of_many_reads_of_several_ranges_none_is_torn()
    {
        await using IKvDatabase database = await OpenAsync(new StoreContext { Clock = Clock });
        var reads = new KvTornReads(database, TestSeed.Next());
        await reads.RunAsync(LongForm.Of(100_000, Short(10_000)));
    }

    private int Short(int usual) => Math.Max(1, (int)(usual * Share));
}
