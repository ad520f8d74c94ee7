using System.Text;

namespace Strata.Workload;

/// <summary>
/// Writers of a KV database. Each step of a writer is one atomic write that says the step's number under all of the writer's keys,
/// if they still say what its step before did, and counts it in a sum that all writers share: a step that was lost, done twice or
/// done by halves can be told afterwards.
/// </summary>
internal static class KvCommand
{
    /// <summary>Where all steps of all writers are counted.</summary>
    public const string Total = "total";

    public static string WriterOf(WorkloadSettings settings, int writer) => $"{settings.Seed}.{writer}";

    public static byte[] KeyOf(string writer, int key) => Encoding.UTF8.GetBytes($"{writer}/{key:d4}");

    /// <summary>What a writer's keys say.</summary>
    /// <exception cref="InvalidDataException">Half of a step.</exception>
    public static async Task<(long Step, Versionstamp Versionstamp)> StateAsync(IKvDatabase database, string writer, int keys)
    {
        IReadOnlyList<KvRange> found = await database.SnapshotReadAsync([new ReadRange(KeyOf(writer, 0), KeyOf(writer, keys), 1_000)], null, CancellationToken.None);
        var states = found[0].Entries.Select(e => (Step: e.Value.TryGetUInt64(out ulong step) ? (long)step : -1, e.Versionstamp)).Distinct().ToArray();
        if (states.Length > 1 || found[0].Entries.Count != (states.Length == 0 ? 0 : keys))
            throw new InvalidDataException($"the {found[0].Entries.Count} keys of writer {writer} say {string.Join(", ", states)}");
        return states.SingleOrDefault();
    }

    public static async Task<int> RunAsync(WorkloadSettings settings)
    {
        IKvDatabase database;
        try
        {
            database = await settings.OpenKvAsync();
        }
        catch (StorageException e)
        {
            Console.WriteLine(Describe(e));
            return WriteCommand.NotOpened;
        }

        await Console.Out.WriteLineAsync(WriteCommand.Opened);
        if (settings.WaitsForWord) await Console.In.ReadLineAsync();
        try
        {
            await Task.WhenAll(Enumerable.Range(0, settings.Writers).Select(w => Task.Run(() => WriteAsync(database, settings, WriterOf(settings, w)))));
            await database.DisposeAsync();
            return WriteCommand.Well;
        }
        catch (Exception e)
        {
            await Console.Out.WriteLineAsync($"wrong: {e}");
            return WriteCommand.Wrong;
        }
    }

    public static string Describe(StorageException e) => $"refused: {e.Kind} {e.Outcome} {e.Message.ReplaceLineEndings(" ")}";

    private static async Task WriteAsync(IKvDatabase database, WorkloadSettings settings, string writer)
    {
        (long step, Versionstamp last) = await StateAsync(database, writer, settings.KeysPerWriter);
        for (long todo = settings.Steps; settings.Steps == 0 || todo > 0; todo--)
        {
            var value = KvValue.OfUInt64((ulong)(step + 1));
            var write = new AtomicWrite
            {
                Checks = [new KvCheck(KeyOf(writer, 0), last)],
                Mutations = [.. Enumerable.Range(0, settings.KeysPerWriter).Select(k => KvMutation.Set(KeyOf(writer, k), value)), KvMutation.Sum(Encoding.UTF8.GetBytes(Total), 1)],
            };
            try
            {
                CommitResult result = await database.AtomicWriteAsync(write, CancellationToken.None);
                if (!result.IsCommitted) throw new InvalidDataException($"step {step + 1} of writer {writer} finds another's write under its own keys");
                (step, last) = (step + 1, result.Versionstamp);
                Console.WriteLine(new KvAcknowledgement(writer, step, last).ToString());
            }
            catch (StorageException e)
            {
                Console.WriteLine(Describe(e));
                (long Step, Versionstamp Versionstamp) now = await StateAsync(database, writer, settings.KeysPerWriter);
                if (now != (step, last) && (e.Outcome != WriteOutcome.Unknown || now.Step != step + 1)) throw new InvalidDataException($"after step {step + 1} of writer {writer} was refused, its keys say {now}", e);
                (step, last) = now;
            }
        }
    }
}
