using System.Globalization;
using System.Text;

namespace Strata.Workload;

/// <summary>
/// Writers that each go on from where the database says they were: a commit sets two keys of the writer to the number of the
/// step, enters the step in a log of the last ones, and counts the steps of all, on condition that nobody else did the like.
/// </summary>
internal static class CommitCommand
{
    /// <summary>Steps that are kept in a writer's log.</summary>
    public const int Kept = 10;

    public static byte[] LeftOf(int writer) => Key($"w{writer}/a");

    public static byte[] RightOf(int writer) => Key($"w{writer}/b");

    public static byte[] LogOf(int writer, long number) => Key($"w{writer}/log/{number:d12}");

    /// <summary>Counts the steps of all writers.</summary>
    public static byte[] Total => Key("total");

    /// <summary>The value that a step sets: its number, and so many bytes that the log turns over.</summary>
    public static KvValue ValueOf(long number) => KvValue.OfBytes(Key($"{number}{new string('x', (int)(number * 7919 % 5_000))}"));

    public static long NumberOf(KvEntry? entry) => entry is null ? 0 : long.Parse(Encoding.ASCII.GetString(entry.Value.Data.Span).TrimEnd('x'), CultureInfo.InvariantCulture);

    public static async Task<int> RunAsync(WorkloadSettings settings)
    {
        var clock = new LateClock(settings.Time);
        try
        {
            await using DiskKvDatabase database = await DiskKvDatabase.OpenAsync(settings.Database, StoreContext.Default with { Clock = clock });
            await Console.Out.WriteLineAsync(WriteCommand.Opened);
            await Task.WhenAll(Enumerable.Range(0, settings.Writers).Select(w => Task.Run(() => WriteAsync(database, w, settings.Steps))));
            return WriteCommand.Well;
        }
        catch (Exception e)
        {
            await Console.Out.WriteLineAsync($"wrong: {e}");
            return WriteCommand.Wrong;
        }
    }

    private static async Task WriteAsync(DiskKvDatabase database, int writer, long steps)
    {
        KvEntry? left = (await database.SnapshotReadAsync([ReadRange.Of(LeftOf(writer))], null, CancellationToken.None))[0].Entries.SingleOrDefault();
        Versionstamp last = left?.Versionstamp ?? Versionstamp.None;
        long first = NumberOf(left) + 1;
        for (long number = first; steps == 0 || number < first + steps; number++)
        {
            KvValue value = ValueOf(number);
            var write = new AtomicWrite
            {
                Checks = [new KvCheck(LeftOf(writer), last)],
                Mutations =
                [
                    KvMutation.Set(LeftOf(writer), value), KvMutation.Set(RightOf(writer), value), KvMutation.Set(LogOf(writer, number), KvValue.OfUInt64((ulong)number)),
                    KvMutation.Delete(LogOf(writer, number - Kept)), KvMutation.Sum(Total, 1),
                ],
            };
            CommitResult result = await database.AtomicWriteAsync(write, CancellationToken.None);
            if (!result.IsCommitted) throw new InvalidDataException($"step {number} of writer {writer} was refused, though nobody else writes its keys");
            last = result.Versionstamp;
            Console.WriteLine(new Acknowledgement(writer, StepResult.Applied, number, (long)last.Counter).ToString());

            // One that changes nothing has a versionstamp, too.
            if (number % 16 == 0) await database.AtomicWriteAsync(new AtomicWrite(), CancellationToken.None);
        }
    }

    private static byte[] Key(string text) => Encoding.ASCII.GetBytes(text);
}
