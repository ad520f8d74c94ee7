using FsCheck;
using FsCheck.Fluent;
using Strata.Testing;
using Xunit;
using static Strata.Tests.FaultyKvDatabase;

namespace Strata.Tests;

/// <summary>What checks a database must find one that breaks its promises.</summary>
public sealed class FaultyKvDatabaseTests
{
    private const int Histories = 3_000;
    private readonly FakeClock _clock = new();

    [Theory]
    [InlineData(Fault.LostMutations)]
    [InlineData(Fault.IgnoredChecks)]
    [InlineData(Fault.LateExpiry)]
    [InlineData(Fault.LimitBeforeReverse)]
    [InlineData(Fault.StaleReads)]
    internal async Task Random_sequences_find_it(Fault fault)
    {
        await using var model = new KvModel(() => new(Open(fault)), _clock);
        Exception found = await Assert.ThrowsAnyAsync<Exception>(() => Task.Run(() =>
            Check.One(Config.QuickThrowOnFailure.WithMaxTest(5_000).WithQuietOnSuccess(true), Prop.ForAll(KvSequences.All, model.RunAsync))));
        Assert.Contains("Falsifiable", found.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Fault.TornReads)]
    [InlineData(Fault.SplitWrites)]
    [InlineData(Fault.StaleReads)]
    [InlineData(Fault.LostMutations)]
    [InlineData(Fault.IgnoredChecks)]
    internal async Task Recorded_histories_find_it(Fault fault)
    {
        await using IKvDatabase database = Open(fault);
        int run = 0;
        while (run < Histories && await IsLinearizableAsync(database, run)) run++;
        Assert.True(run < Histories, $"{Histories} histories were explained, and yet there are {fault}.");
    }

    [Theory]
    [InlineData(Fault.TornReads)]
    [InlineData(Fault.SplitWrites)]
    [InlineData(Fault.LostMutations)]
    internal async Task Reads_of_several_ranges_find_it(Fault fault)
    {
        await using IKvDatabase database = Open(fault);
        await Assert.ThrowsAnyAsync<Xunit.Sdk.XunitException>(() => new KvTornReads(database, 1).RunAsync(50_000));
    }

    private IKvDatabase Open(Fault fault) => new FaultyKvDatabase(new MemoryKvDatabase(null, new StoreContext { Clock = _clock }), fault);

    private static async Task<bool> IsLinearizableAsync(IKvDatabase database, int run)
    {
        var history = new KvHistory(database, $"{run}/", run);
        await history.RecordAsync(3 + (run % 6), 5);
        return history.IsLinearizable();
    }
}
