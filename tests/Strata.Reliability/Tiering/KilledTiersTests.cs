using Strata.Workload;

namespace Strata.Reliability;

/// <summary>
/// kill -9 of a process whose store acknowledges writes before the origin has them, or moves blobs between their homes, at any
/// moment of its life, over and over on the same folders (CONSISTENCY 8).
/// </summary>
public sealed class KilledTiersTests(ITestOutputHelper output)
{
    private static readonly int Kills = LongForm.Of(40, 4);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task No_kill_of_a_write_back_store_loses_a_write_or_leaves_the_origin_another_state() => await KillAsync(
        StoreLayers.WriteBack,
        async (history, settings, context) =>
        {
            // The origin alone holds all of it, and the warm tier nothing else.
            await using DiskBlobStore warm = await TierFolders.OpenFolderAsync(settings, TierFolders.Warm), cold = await TierFolders.OpenFolderAsync(settings, TierFolders.Cold);
            await history.CheckIsAsFoundAsync(cold, $"{context}, at the origin");
            await foreach (BlobInfo copy in warm.EnumerateAsync())
            {
                BlobInfo? there = await cold.StatAsync(copy.Key);
                Assert.True(there?.IsSameWriteAs(copy) == true, $"{context}: the warm tier holds {copy.Key} of {copy.Version}, and the origin that of {there?.Version}");
            }
        });

    [Fact]
    public async Task No_kill_while_blobs_are_moved_loses_one_or_leaves_it_in_two_homes() => await KillAsync(
        StoreLayers.Exclusive,
        async (history, settings, context) =>
        {
            await using DiskBlobStore warm = await TierFolders.OpenFolderAsync(settings, TierFolders.Warm), cold = await TierFolders.OpenFolderAsync(settings, TierFolders.Cold);
            HashSet<BlobKey> inWarm = [.. await warm.EnumerateAsync().Select(info => info.Key).ToListAsync()];
            List<BlobKey> inCold = await cold.EnumerateAsync().Select(info => info.Key).ToListAsync();
            Assert.True(!inCold.Exists(inWarm.Contains), $"{context}: {string.Join(", ", inCold.Where(inWarm.Contains))} are in both homes, and nothing is in the journal");
            Assert.True(inWarm.Count + inCold.Count == history.Blobs, $"{context}: the homes hold {inWarm.Count} and {inCold.Count} blobs, and the store {history.Blobs}");
        });

    /// <summary>Kills, checks what is read, lets what is not finished come to its end, and has the tiers looked at one by one.</summary>
    private async Task KillAsync(StoreLayers layers, Func<StoreHistory, WorkloadSettings, string, Task> checkTiers)
    {
        int seed = Random.Shared.Next(), opened = 0, moved = 0, unfinished = 0;
        output.WriteLine($"seed {seed}");
        using var folder = new TemporaryFolder();
        var random = new Random(seed);
        var history = new StoreHistory(seed, writers: 4, deletesOneByOne: true);
        for (int kill = 0; kill < Kills; kill++)
        {
            string context = $"seed {seed}, kill {kill}";
            WorkloadSettings settings = history.Next(folder.Path) with { Command = WorkloadCommand.WriteTiers, Layers = layers };
            using WorkloadProcess process = WorkloadProcess.Start(settings);

            // One in four while it starts, and takes up what the one before has left.
            if (kill % 4 == 2) await Task.Delay(random.Next(500));
            else await process.HasPrintedAsync(layers == StoreLayers.Exclusive ? TiersCommand.Moved : WriteCommand.Opened, TimeSpan.FromMilliseconds(random.Next(LongForm.Of(1_000, 300))));
            await process.KillAsync();
            if (process.Printed.Contains(WriteCommand.Opened)) opened++;
            if (process.Printed.Contains(TiersCommand.Moved)) moved++;
            Assert.True(process.Printed.All(l => l is WriteCommand.Opened or TiersCommand.Moved), $"{context}: before it the store refused something: {process.Text}");

            await using (TierFolders tiers = await TierFolders.OpenAsync(settings))
            {
                if ((await tiers.UnfinishedAsync()).Length > 0) unfinished++;
                await history.CheckAsync(process, tiers.Store, _ => true, context);

                // Every second time the next one comes upon what is not finished yet.
                if (kill % 2 == 0 && kill < Kills - 1) continue;
                string left = "";
                await Eventually.HoldsAsync(async () => (left = await tiers.UnfinishedAsync()).Length == 0, Patience, $"{context}: something is never finished");
                await history.CheckIsAsFoundAsync(tiers.Store, $"{context}, when all is finished");
            }

            await checkTiers(history, settings, context);
        }

        output.WriteLine($"{Kills} kills, {opened} of them with the store open, {unfinished} with something unfinished, {moved} after moves; {history.Acknowledged} acknowledged steps, none lost");
        Assert.True(history.Acknowledged >= Kills / 2, $"{history.Acknowledged} writes in {Kills} lives are no test");

        // A few kills may all fall between two steps.
        Assert.True(!LongForm.IsOn || unfinished > 0, "nothing was ever under way when a process was killed");
    }
}
