using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>Upkeep goes by the tiers' time-outs and is kept off one that fails again and again: it ends, and names the tier that did not answer.</summary>
public sealed class HungTierTests
{
    private const int Blobs = 20;

    /// <summary>So many failures in a row, and a tier is passed by.</summary>
    private const int Failures = 5;
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task A_scrub_names_a_tier_that_hangs_asks_it_a_few_times_and_goes_on_with_the_others()
    {
        await using UpkeepFixture f = await OpenAsync();
        await f.Hot.DeleteAsync(KeyOf(7));
        await f.PutBehindAsync(KeyOf(9).Value, "behind");
        using StoreGate hung = f.WarmGates.Hold(call => call.Operation is StoreOperation.Read or StoreOperation.Stat);
        ScrubReport report = await await LateAsync(f, () => f.Upkeep.ScrubAsync(new ScrubOptions { ReadBytes = true }));
        Assert.Equal((Blobs, (2 * Blobs) - 1, Blobs), (report.Keys, report.Copies, report.Unreadable));
        Assert.All(report.Findings.Where(found => found.Fault == ScrubFault.Unreadable), found => Assert.Equal("warm", found.Tier));
        Assert.Contains(report.Findings, found => found is { Tier: "hot", Fault: ScrubFault.Stale, Remedy: ScrubRemedy.Remade });
        Assert.Contains("'warm'", report.Findings[0].Detail, StringComparison.Ordinal);
        Assert.InRange(hung.Arrived, Failures, 2 * Failures);
        Assert.False(report.IsClean);
    }

    [Fact]
    public async Task A_scrub_and_an_export_go_on_without_a_tier_whose_list_hangs_and_say_so()
    {
        await using UpkeepFixture f = await OpenAsync();
        using StoreGate hung = f.WarmGates.Hold(StoreOperation.List);
        ScrubReport report = await await LateAsync(f, () => f.Upkeep.ScrubAsync());
        Assert.Equal((Blobs, 1), (report.Copies, report.Unreadable));
        Assert.Equal(("warm", ScrubFault.Unreadable), Assert.Single(report.Findings) is var found ? (found.Tier, found.Fault) : default);
        MetadataExport export = await await LateAsync(f, () => f.Upkeep.ExportMetadataAsync(Stream.Null));
        Assert.Equal(["warm"], export.UnlistedTiers);
        Assert.Equal(Blobs, export.Blobs);
    }

    [Theory]
    [InlineData(StoreOperation.List)]
    [InlineData(StoreOperation.DeleteMany)]
    public async Task An_invalidation_names_a_tier_that_hangs_and_drops_the_copies_of_the_others(StoreOperation operation)
    {
        await using UpkeepFixture f = await OpenAsync();
        using StoreGate hung = f.WarmGates.Hold(operation);
        InvalidateResult result = await await LateAsync(f, () => f.Upkeep.InvalidateAllAsync());
        Assert.Equal(["warm"], result.Unconfirmed);
        Assert.Null(await f.Hot.StatAsync(KeyOf(0)));

        // What it still holds is compared before it is served.
        await f.PutBehindAsync(KeyOf(0).Value, "behind");
        hung.Open();
        Assert.Equal("behind", await f.GetAsync(KeyOf(0).Value));
    }

    [Fact]
    public async Task To_clear_a_tier_that_hangs_fails_with_its_name()
    {
        await using UpkeepFixture f = await OpenAsync();
        using StoreGate hung = f.WarmGates.Hold(StoreOperation.List);
        Task<ClearTierResult> clearing = await LateAsync(f, () => f.Upkeep.ClearTierAsync("warm"));
        StorageException e = await Assert.ThrowsAsync<StorageException>(() => clearing);
        Assert.Equal((StorageErrorKind.Timeout, "warm"), (e.Kind, e.Store));
    }

    [Fact]
    public async Task Where_the_next_tier_hangs_a_bootstrap_copies_from_the_origin()
    {
        await using UpkeepFixture f = await OpenAsync();
        await f.Upkeep.ClearTierAsync("hot");
        using StoreGate hung = f.WarmGates.Hold(StoreOperation.Read);
        BootstrapResult result = await await LateAsync(f, () => f.Upkeep.BootstrapTierAsync("hot"));
        Assert.Equal((Blobs, 0), (result.Copied, result.Failed));
        Assert.Equal(Blobs, f.Store.GetTierStatistics()[0].Blobs);
    }

    [Fact]
    public async Task A_bootstrap_of_a_tier_that_hangs_ends_and_holds_nobody_up()
    {
        await using UpkeepFixture f = await OpenAsync();
        await f.Upkeep.ClearTierAsync("warm");
        using StoreGate hung = f.WarmGates.Hold(StoreOperation.Commit);
        Task<BootstrapResult> filling = await LateAsync(f, () => f.Upkeep.BootstrapTierAsync("warm"));
        StorageException e = await Assert.ThrowsAsync<StorageException>(() => filling);
        Assert.Contains("'warm'", e.Message, StringComparison.Ordinal);

        // A copy is published under its key's fence: one that never ends would keep writers of the key waiting.
        for (int i = 0; i < Blobs; i++) await f.PutAsync(KeyOf(i).Value, "again", new WriteOptions { SkipTiers = ["warm"] });
        Assert.Equal("again", await f.GetAsync(KeyOf(0).Value));

        // What comes through late is another write than the origin's.
        hung.Open();
        await f.Upkeep.ClearTierAsync("hot");
        for (int i = 0; i < Blobs; i++) Assert.Equal("again", await f.GetAsync(KeyOf(i).Value));
    }

    [Fact]
    public async Task A_promotion_into_a_tier_that_hangs_does_not_hang_an_invalidation()
    {
        await using UpkeepFixture f = await OpenAsync();
        await f.PutAsync(KeyOf(0).Value, "cold", new WriteOptions { Tier = "cold" });
        using StoreGate hung = f.WarmGates.Hold(StoreOperation.Commit);
        Assert.Equal("cold", await f.GetAsync(KeyOf(0).Value));
        await hung.WaitForArrivalAsync();
        InvalidateResult result = await await LateAsync(f, () => f.Upkeep.InvalidateAllAsync());
        Assert.True(result.IsExact);
        await f.IdleAsync();
        Assert.Equal("cold", await f.HoldersAsync(KeyOf(0).Value));
    }

    private static BlobKey KeyOf(int number) => BlobKey.Parse($"a/{number:d2}");

    private static async Task<UpkeepFixture> OpenAsync()
    {
        var f = new UpkeepFixture(adjust: tier => tier.Name == "warm" ? tier with { HardTimeout = Second } : tier);
        for (int i = 0; i < Blobs; i++) await f.PutAsync(KeyOf(i).Value, "value");
        return f;
    }

    private static Task<Task<T>> LateAsync<T>(UpkeepFixture f, Func<ValueTask<T>> begin) => TierFixture.LateAsync(f.Clock, () => begin().AsTask(), Second);
}
