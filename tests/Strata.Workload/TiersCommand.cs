namespace Strata.Workload;

/// <summary>The writers of <see cref="WriteCommand"/> at a store of several tiers, while its blobs are moved to and fro.</summary>
internal static class TiersCommand
{
    /// <summary>Printed when the first blob has been moved.</summary>
    public const string Moved = "moved";

    public static async Task<int> RunAsync(WorkloadSettings settings)
    {
        TierFolders tiers = await TierFolders.OpenAsync(settings);
        return await WriteCommand.RunAsync(settings, tiers.Store, settings.Layers == StoreLayers.Exclusive ? () => MoveAsync(settings, tiers.Tiering) : null);
    }

    /// <summary>Runs, and moves by hand between them, until the process is killed.</summary>
    private static async Task MoveAsync(WorkloadSettings settings, ITiering tiering)
    {
        var random = new Random(settings.Seed);
        bool isToldOf = false;
        while (true)
        {
            for (int i = 0; i < 8; i++)
            {
                BlobKey key = Script.KeyOf(random.Next(settings.Writers), random.Next(settings.KeysPerWriter));
                await TellAsync(await (random.Next(2) == 0 ? tiering.PromoteAsync(key) : tiering.DemoteAsync(key)) == MoveStatus.Moved);
            }

            TieringReport report = await tiering.RunTieringAsync(new TieringRun { MaxOperations = 16 });
            await TellAsync(report.Promoted + report.Demoted > 0);
        }

        async ValueTask TellAsync(bool hasMoved)
        {
            if (!hasMoved || isToldOf) return;
            isToldOf = true;
            await Console.Out.WriteLineAsync(Moved);
        }
    }
}
