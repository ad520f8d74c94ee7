using System.Text;
using Strata.Workload;

namespace Strata.Reliability;

/// <summary>kill -9 of a process that enqueues and handles messages, over and over on one database, until all of them are handled.</summary>
public sealed class KilledQueueTests(ITestOutputHelper output)
{
    private const int Producers = 5;
    private static readonly int Messages = LongForm.Of(100_000, 5_000), Kills = LongForm.Of(100, 15);

    [Theory]
    [InlineData(KvFiles.Log)]
    [InlineData(KvFiles.Sqlite)]
    internal async Task No_kill_loses_a_message_or_does_its_work_twice(KvFiles files)
    {
        int seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        using var folder = new TemporaryFolder();
        long[] told = new long[Producers];
        int cut = 0;
        for (int kill = 0; kill < Kills; kill++)
        {
            using WorkloadProcess process = WorkloadProcess.Start(Settings(folder.Path, files, kill, random));

            // One in five while it opens what the one before has left.
            if (random.Next(5) == 0) await Task.Delay(random.Next(300));
            else Assert.True(await process.OpenedAsync(), $"seed {seed}, kill {kill}: the database does not open: {process.Text}");
            await Task.Delay(random.Next(LongForm.Of(1_000, 300)));
            await process.KillAsync();
            Note(process, told, $"seed {seed}, kill {kill}");
            if (process.Printed.Contains(WriteCommand.Opened)) cut++;
        }

        WorkloadSettings settings = Settings(folder.Path, files, Kills, random);
        using (WorkloadProcess last = WorkloadProcess.Start(settings))
        {
            Assert.True(await last.ExitCodeAsync(LongForm.Of(TimeSpan.FromMinutes(30), TimeSpan.FromMinutes(3))) == WriteCommand.Well, $"seed {seed}: the last process did not handle the rest: {last.Text}");
            Note(last, told, $"seed {seed}, the last process");
        }

        await using IKvDatabase database = await settings.OpenKvAsync();
        (long done, long undelivered, ulong repeats) = await CheckAsync(database, $"seed {seed}");
        output.WriteLine($"{files}: {Kills} kills, {cut} of them with the database open; {Messages} messages, {done} handled, {undelivered} given up as they should be, {repeats} delivered again after they had been handled");
        Assert.True(repeats <= (ulong)(Kills * QueueCommand.Concurrency), $"seed {seed}: {repeats} deliveries of what had been handled, which {Kills} kills do not explain");
    }

    private static WorkloadSettings Settings(string folder, KvFiles files, int life, Random random) => new()
    {
        Command = WorkloadCommand.Queue,
        Files = files,
        Folder = folder,
        Writers = Producers,
        Steps = Messages / Producers,
        Durability = random.Next(8) == 0 ? DiskDurability.Flush : DiskDurability.OperatingSystem,
        SegmentBytes = 1 << 20,

        // Each life begins when the leases of the one before have ended.
        Time = -life * (QueueCommand.Lease + TimeSpan.FromSeconds(1)),
    };

    private static void Note(WorkloadProcess process, long[] told, string context)
    {
        Assert.True(process.Printed.All(l => l == WriteCommand.Opened), $"{context}: {process.Text}");
        foreach (Acknowledgement acknowledged in process.Acknowledged)
        {
            Assert.True(acknowledged.Number > told[acknowledged.Writer], $"{context}: producer {acknowledged.Writer} enqueued message {acknowledged.Number} after it had been told of {told[acknowledged.Writer]}: what was acknowledged is lost");
            told[acknowledged.Writer] = acknowledged.Number;
        }
    }

    /// <summary>Each message was handled, or was given up if no handler could do it; none of both, or both, none was.</summary>
    private static async Task<(long Done, long Undelivered, ulong Repeats)> CheckAsync(IKvDatabase database, string context)
    {
        Assert.Equal(new QueueStatus(0, 0, 0, null), await new KvQueue(database, "work").GetStatusAsync());
        HashSet<string> found = await KeysAsync(database);
        long done = 0, undelivered = 0;
        for (int producer = 0; producer < Producers; producer++)
        {
            for (long number = 1; number <= Messages / Producers; number++)
            {
                bool isDone = found.Contains(Text(QueueCommand.DoneOf(producer, number))), isGivenUp = found.Contains(Text(QueueCommand.UndeliveredOf(producer, number)));
                Assert.True(isDone != QueueCommand.IsHopeless(number) && isGivenUp == QueueCommand.IsHopeless(number), $"{context}: message {number} of producer {producer} was {(isDone ? "" : "not ")}handled, and {(isGivenUp ? "" : "not ")}given up");
                done += isDone ? 1 : 0;
                undelivered += isGivenUp ? 1 : 0;
            }
        }

        Assert.Equal((ulong)done, await CountAsync(database, QueueCommand.Effects));
        return (done, undelivered, await CountAsync(database, QueueCommand.Repeats));
    }

    private static async Task<HashSet<string>> KeysAsync(IKvDatabase database)
    {
        HashSet<string> keys = [];
        for (var range = new ReadRange(default, new byte[] { 0xFF }, 1_000, KeysOnly: true); ;)
        {
            IReadOnlyList<KvEntry> entries = (await database.SnapshotReadAsync([range], null, CancellationToken.None))[0].Entries;
            foreach (KvEntry entry in entries) keys.Add(Text(entry.Key.Span));
            if (entries.Count < range.Limit) return keys;
            range = range with { Start = (byte[])[.. entries[^1].Key.Span, 0] };
        }
    }

    private static async Task<ulong> CountAsync(IKvDatabase database, byte[] key) =>
        (await database.SnapshotReadAsync([ReadRange.Of(key)], null, CancellationToken.None))[0].Entries is [var entry] && entry.Value.TryGetUInt64(out ulong count) ? count : 0;

    private static string Text(ReadOnlySpan<byte> key) => Encoding.ASCII.GetString(key);
}
