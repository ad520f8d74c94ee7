using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using Strata.Testing;
using Strata.Tests;

namespace Strata.Reliability;

/// <summary>
/// A compaction that is killed, loses power or fails at any of its calls changes nothing of what the log holds: keys, values
/// and what is noted beside them have the same hash when it is opened again.
/// </summary>
public sealed class LogCompactionCrashTests(ITestOutputHelper output)
{
    private const int Kills = 200;
    private const double Share = 0.02;

    [Fact]
    public async Task A_compaction_that_is_killed_at_any_of_its_calls_changes_nothing()
    {
        int seed = TestSeed.Next(), kills = 0, dead = 0, live = 0, dropped = 0;
        for (int round = 0; kills < LongForm.Of(Kills, 30); round++)
        {
            var random = new Random(seed + round);
            SimulatedDisk prepared = await PrepareAsync(random);
            (string hash, int calls) = await CompactAsync(prepared.Kill());
            int step = LongForm.Of(1, 5);
            for (int at = 1 + random.Next(step); at <= calls; at += step)
            {
                SimulatedDisk disk = prepared.Kill();
                await using (LogEngine log = Open(disk))
                {
                    Assert.Equal(hash, Hash(log));
                    if (at <= step) Count(log, ref dead, ref live, ref dropped);
                }

                disk = prepared.Kill();
                await StopAsync(disk, at);
                await ExpectAsync(disk.Kill(), hash, $"killed at call {at} of {calls}, round {round}, seed {seed}");
                await ExpectAsync(disk.CutPower(random), hash, $"without power at call {at} of {calls}, round {round}, seed {seed}");
                kills++;
            }
        }

        output.WriteLine($"{kills} kills and as many power cuts; victims: {live} with something live, {dead} without; {dropped} tombstones.");
        Assert.True(dead > 0 && live > 0 && dropped > 0, "victims with something live and without, and tombstones, must be among them");
    }

    [Theory]
    [InlineData(DiskFault.Fail)]
    [InlineData(DiskFault.Full)]
    [InlineData(DiskFault.SyncLosesPages)]
    [InlineData(DiskFault.FailAfterwards)]
    public async Task A_compaction_in_which_a_call_fails_changes_nothing_and_the_next_one_succeeds(object fault)
    {
        int seed = TestSeed.Next();
        var random = new Random(seed);
        SimulatedDisk prepared = await PrepareAsync(random);
        (string hash, int calls) = await CompactAsync(prepared.Kill());
        int step = LongForm.Of(1, 6), failed = 0;
        for (int at = 1 + random.Next(step); at <= calls; at += step)
        {
            string context = $"{fault} at call {at} of {calls}, seed {seed}";
            SimulatedDisk disk = prepared.Kill();
            await using LogEngine log = Open(disk);
            disk.FailAt(at, (DiskFault)fault);
            try
            {
                await log.CompactAsync(Share, CancellationToken.None);
            }
            catch (StorageException e)
            {
                Assert.Equal(WriteOutcome.NotApplied, e.Outcome);
                failed++;
            }

            Assert.True(Hash(log) == hash, $"{context}: what is read has changed");
            await ExpectAsync(disk.Kill(), hash, $"{context}, then killed");
            await ExpectAsync(disk.CutPower(random), hash, $"{context}, then without power");
            await log.CompactAsync(Share, CancellationToken.None);
            await log.CompactAsync(Share, CancellationToken.None);
            Assert.True(Hash(log) == hash, $"{context}: what is read has changed with the next compaction");
            await ExpectAsync(disk.CutPower(random), hash, $"{context}, compacted again, then without power");
        }

        output.WriteLine($"{calls} calls, {failed} compactions failed.");
    }

    /// <summary>A log that was not closed, with garbage that nobody has looked at yet: segments of which all counts, some, and nothing.</summary>
    private static async Task<SimulatedDisk> PrepareAsync(Random random)
    {
        using var go = new ManualResetEventSlim();
        var disk = new SimulatedDisk(random.Next());

        // Compaction runs by itself; here it is to begin when the test says so.
        disk.Before = call =>
        {
            if (call.Change > 0 && IsCompaction()) go.Wait();
        };
        LogEngine log = Open(disk);
        const int Keys = 150;
        for (int i = 0; i < 260; i++)
        {
            using var batch = new LogBatch();

            // Of a segment with keys that are written again and again nothing counts in the end; those that are written once keep theirs alive.
            int key = i switch { < 110 => random.Next(6), < 160 => Keys + i, < 200 => random.Next(Keys), _ => random.Next(12) };
            if (random.Next(5) == 0) batch.Delete(Key(key), BitConverter.GetBytes((ulong)i), random.Next(2) == 0 ? 0 : 1_000);
            else batch.Put(Key(key), BitConverter.GetBytes(i), new ReadOnlySequence<byte>(new byte[random.Next(20, 3_000)]), random.Next(3) == 0 ? 1_000_000 + i : 0);
            Assert.True((await log.CommitAsync(batch)).IsApplied);
        }

        SimulatedDisk prepared = disk.Kill();
        disk.Stop();
        go.Set();
        await CloseAsync(log);
        return prepared;
    }

    private static async Task CloseAsync(LogEngine log)
    {
        try
        {
            await log.DisposeAsync();
        }
        catch (SimulatedCrashException)
        {
            // Its process has ended.
        }
    }

    private static bool IsCompaction() => Thread.CurrentThread.Name?.StartsWith("strata-compaction", StringComparison.Ordinal) == true;

    /// <summary>What the log holds, and how many calls change something when it is compacted.</summary>
    private static async Task<(string Hash, int Calls)> CompactAsync(SimulatedDisk disk)
    {
        await using LogEngine log = Open(disk);
        string hash = Hash(log);
        int before = disk.Changes;
        await log.CompactAsync(Share, CancellationToken.None);
        Assert.Equal(hash, Hash(log));
        return (hash, disk.Changes - before);
    }

    private static async Task StopAsync(SimulatedDisk disk, int at)
    {
        LogEngine log = Open(disk);
        disk.StopAt(at);
        await Assert.ThrowsAsync<SimulatedCrashException>(() => log.CompactAsync(Share, CancellationToken.None));
        await CloseAsync(log);
    }

    private static async Task ExpectAsync(SimulatedDisk disk, string hash, string context)
    {
        LogEngine log;
        try
        {
            log = Open(disk);
        }
        catch (StorageException e)
        {
            throw new Xunit.Sdk.XunitException($"{context}: the log does not open: {e.Message}\n{disk.Trace}", e);
        }

        await using (log)
        {
            Assert.True(Hash(log) == hash, $"{context}: the content has changed\n{disk.Trace}");
            await log.CompactAsync(Share, CancellationToken.None);
            Assert.True(Hash(log) == hash, $"{context}: the content changes with the compaction after it");
        }

        await using LogEngine again = Open(disk);
        Assert.True(Hash(again) == hash, $"{context}: the content has changed after another compaction");
    }

    private static void Count(LogEngine log, ref int dead, ref int live, ref int tombstones)
    {
        dead += log.Segments.Count(s => s.LiveBytes == 0);
        live += log.Segments.Count(s => s.LiveBytes > 0 && s.GarbageBytes > 8 << 10);
        tombstones += (int)log.GetStatistics().Tombstones;
    }

    private static string Hash(LogEngine log)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var keys = new LogScanBuffer();
        byte[] next = [(byte)LogKeyspace.System];
        while (log.Scan(new LogScan(next, [(byte)LogKeyspace.System + 1], 100), keys) is > 0 and int count)
        {
            for (int i = 0; i < count; i++)
            {
                if (!log.TryRead(keys.Key(i), out LogEntry entry)) continue;
                using (entry)
                {
                    hash.AppendData(entry.Key.Span);
                    hash.AppendData(entry.Value.Span);
                    hash.AppendData(BitConverter.GetBytes(entry.Expires));
                    hash.AppendData(BitConverter.GetBytes(entry.Head.Length));
                    hash.AppendData(BitConverter.GetBytes(entry.Sequence));
                }
            }

            next = [.. keys.Key(count - 1), 0];
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    private static byte[] Key(int key) => [(byte)LogKeyspace.System, .. System.Text.Encoding.UTF8.GetBytes(key.ToString("d4", CultureInfo.InvariantCulture))];

    /// <summary>Every tombstone's time is over: it goes as soon as nothing that it hides can be left.</summary>
    private static LogEngine Open(SimulatedDisk disk) =>
        LogEngine.Open(new LogOptions { Name = "test", SegmentBytes = LogOptions.MinSegmentBytes, GarbageShare = 0.9, CompactionBytesPerSecond = null, Now = () => 1_000_000_000 }, disk);
}
