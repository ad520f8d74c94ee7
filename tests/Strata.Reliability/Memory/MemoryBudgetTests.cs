using Strata.Testing;
using Strata.Workload;

namespace Strata.Reliability;

/// <summary>
/// The budget is a promise to the machine: what the collector finds alive must be what the store was allowed, and what it
/// says it holds. Bookkeeping that is not counted, or entries that something forgotten keeps alive, end in an
/// out-of-memory after days, and nowhere earlier. Measured in processes of their own: what other tests have left alive dies
/// when it will.
/// </summary>
public sealed class MemoryBudgetTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Live_bytes_stay_within_five_percent_of_the_budget_under_sixteen_writers_and_a_million_entries()
    {
        int seed = TestSeed.Next();
        await RunAsync(new WorkloadSettings
        {
            Command = WorkloadCommand.MemoryBudget,
            Folder = "",
            Seed = seed,
            Writers = 16,
            Bytes = 384 << 20,
            Time = LongForm.Of(TimeSpan.FromMinutes(30), TimeSpan.FromSeconds(6)),
        });
    }

    [Fact]
    public Task What_the_store_says_it_holds_is_what_is_alive() =>
        RunAsync(new WorkloadSettings { Command = WorkloadCommand.MemoryAccounts, Folder = "", Bytes = 8 << 20 });

    private async Task RunAsync(WorkloadSettings settings)
    {
        using WorkloadProcess process = WorkloadProcess.Start(settings);
        int code = await process.ExitCodeAsync(settings.Time + TimeSpan.FromMinutes(3));
        output.WriteLine($"seed {settings.Seed}: {process.Text}");
        Assert.True(code == WriteCommand.Well, $"seed {settings.Seed} (set STRATA_TEST_SEED={settings.Seed} to repeat): {process.Text}");
    }
}
