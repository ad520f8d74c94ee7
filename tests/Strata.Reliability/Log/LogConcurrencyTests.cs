using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Strata.Tests;

namespace Strata.Reliability;

/// <summary>Many threads on one log, with compaction, on a real disk: each key is linearizable, a batch is seen whole, nothing that was read is taken back.</summary>
public sealed class LogConcurrencyTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(DiskDurability.Flush)]
    [InlineData(DiskDurability.OperatingSystem)]
    public async Task Histories_of_sixteen_threads_are_linearizable_for_each_key(DiskDurability durability)
    {
        using var folder = new TemporaryFolder();
        int seed = Random.Shared.Next(), least = LongForm.Of(400, 40), round = 0, checkedEvents = 0;
        output.WriteLine($"seed {seed}");
        await using LogEngine log = LogEngine.Open(new LogOptions { Name = "test", SegmentBytes = LogOptions.MinSegmentBytes, Durability = durability, CompactionBytesPerSecond = null }, new SystemDisk(folder.Path));
        for (; round < least || (log.GetStatistics().Compactions == 0 && round < 100 * least); round++)
        {
            var events = new ConcurrentBag<RegisterEvent>();
            int now = round, roundSeed = HashCode.Combine(seed, round), clock = 0;
            await Task.WhenAll(Enumerable.Range(0, 16).Select(thread => Task.Run(async () =>
            {
                var random = new Random(HashCode.Combine(roundSeed, thread));
                for (int i = 0; i < 5; i++)
                {
                    byte[] key = Key($"{now} {random.Next(4)}");
                    int write = (thread * 100) + i + 1, call = Interlocked.Increment(ref clock);
                    (RegisterAction action, int expected, int result) = await ActAsync(log, key, random.Next(4), write);
                    events.Add(new RegisterEvent(Convert.ToHexString(key), action, write, expected, result, call, Interlocked.Increment(ref clock)));
                }
            })));
            foreach (IGrouping<string, RegisterEvent> register in events.GroupBy(e => e.Key))
            {
                RegisterEvent[] history = [.. register.OrderBy(e => e.Call)];
                checkedEvents += history.Length;
                Assert.True(Linearizability.Holds(history), $"seed {seed}, round {round}: no order of these explains what they saw:\n{string.Join('\n', history)}");
            }
        }

        output.WriteLine($"{round} rounds, {checkedEvents} calls, {log.GetStatistics().Compactions} compactions.");
        Assert.True(log.GetStatistics().Compactions > 0, "without compaction the test shows less than it says");
    }

    [Fact]
    public void A_history_that_is_not_linearizable_is_found_out()
    {
        RegisterEvent[] stale =
        [
            new("k", RegisterAction.Write, 1, 0, 1, 1, 2),
            new("k", RegisterAction.Write, 2, 0, 1, 3, 4),
            new("k", RegisterAction.Read, 0, 0, 1, 5, 6),
        ];
        Assert.False(Linearizability.Holds(stale), "the last read is of a value that was replaced before it began");
        RegisterEvent[] twice =
        [
            new("k", RegisterAction.Swap, 1, 0, 1, 1, 4),
            new("k", RegisterAction.Swap, 2, 0, 1, 2, 3),
        ];
        Assert.False(Linearizability.Holds(twice), "two that expect nothing cannot both win");
    }

    [Fact]
    public async Task A_batch_is_read_whole_however_the_index_and_the_segments_change()
    {
        using var folder = new TemporaryFolder();
        await using LogEngine log = LogEngine.Open(new LogOptions { Name = "test", SegmentBytes = LogOptions.MinSegmentBytes, Durability = DiskDurability.OperatingSystem, CompactionBytesPerSecond = null }, new SystemDisk(folder.Path));
        using var stop = new CancellationTokenSource();
        byte[][] keys = [.. Enumerable.Range(0, 10).Select(i => Key($"pair {i}"))];
        Task writer = Task.Run(async () =>
        {
            for (int n = 1; !stop.IsCancellationRequested; n++)
            {
                using var batch = new LogBatch();
                foreach (byte[] key in keys) batch.Put(key, Encoding.UTF8.GetBytes(n.ToString(CultureInfo.InvariantCulture) + new string('.', n % 900)));
                await log.CommitAsync(batch);
            }
        });
        var places = new LogLocation[keys.Length];
        var asMemory = Array.ConvertAll(keys, k => (ReadOnlyMemory<byte>)k);
        int reads = LongForm.Of(100_000, 10_000), torn = 0, moved = 0;
        for (int i = 0; i < reads; i++)
        {
            log.Index.TryGetMany(asMemory, places);
            if (places.Any(p => !p.IsKnown)) continue;
            HashSet<ulong> sequences = [];
            bool isGone = false;
            for (int k = 0; k < keys.Length; k++)
            {
                if (!log.TryReadAt(keys[k], places[k], out LogEntry entry)) isGone = true;
                else
                {
                    sequences.Add(entry.Sequence);
                    entry.Dispose();
                }
            }

            if (isGone) moved++;
            else if (sequences.Count != 1) torn++;
        }

        await stop.CancelAsync();
        await writer;
        output.WriteLine($"{reads} reads of ten keys, {moved} found a segment gone and would look again");
        Assert.Equal(0, torn);
        Assert.True(moved < reads / 2, "a reader must come through");
    }

    private static async Task<(RegisterAction Action, int Expected, int Result)> ActAsync(LogEngine log, byte[] key, int what, int write)
    {
        if (what == 0) return (RegisterAction.Read, 0, Read(log, key, out _));
        if (what == 3)
        {
            int expected = Read(log, key, out LogLocation place);
            using var swap = new LogBatch();
            swap.Put(key, Encoding.UTF8.GetBytes($"{write}{new string(' ', write % 700)}"));
            swap.Expect(key, place);
            return (RegisterAction.Swap, expected, (await log.CommitAsync(swap)).IsApplied ? 1 : 0);
        }

        using var batch = new LogBatch();
        if (what == 1) batch.Put(key, Encoding.UTF8.GetBytes($"{write}{new string(' ', write % 700)}"));
        else batch.Delete(key);
        await log.CommitAsync(batch);
        return (what == 1 ? RegisterAction.Write : RegisterAction.Delete, 0, 1);
    }

    private static int Read(LogEngine log, byte[] key, out LogLocation place)
    {
        place = default;
        if (!log.TryReadLatest(key, out LogEntry entry)) return 0;
        using (entry)
        {
            place = entry.Location;
            return entry.IsTombstone ? 0 : int.Parse(Encoding.UTF8.GetString(entry.Value.Span).TrimEnd(), CultureInfo.InvariantCulture);
        }
    }

    private static byte[] Key(string key) => [(byte)LogKeyspace.System, .. Encoding.UTF8.GetBytes(key)];
}
