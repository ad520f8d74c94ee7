using Xunit;
using static Strata.Tests.LogFixture;

namespace Strata.Tests;

/// <summary>A log over a hundred lives: closed, killed, without power, with calls that failed.</summary>
public sealed class LogRestartTests
{
    [Fact]
    public async Task Sequence_numbers_and_incarnations_rise_over_a_hundred_restarts()
    {
        var random = new Random(1);
        var disk = new SimulatedDisk();
        ulong last = 0;
        uint segment = 0;
        var expected = new Dictionary<string, string>(StringComparer.Ordinal);
        for (int life = 0; life < 100; life++)
        {
            LogEngine log = Open(disk);
            Assert.True(log.GetStatistics().LastSequence >= last, $"life {life} begins behind what was acknowledged before it");
            foreach ((string key, string value) in expected) Assert.Equal(value, log.Get(key));
            uint before = segment;
            for (int i = random.Next(4); i >= 0; i--)
            {
                if (random.Next(8) == 0) disk.FailAt(DiskOperation.Sync, 1, DiskFault.SyncLosesSomePages);
                using var batch = new LogBatch();
                string key = $"key {random.Next(50)}", value = $"{life}.{i}.{(random.Next(5) == 0 ? Long : "")}";
                batch.Put(Key(key), System.Text.Encoding.UTF8.GetBytes(value));
                try
                {
                    LogCommit commit = await log.CommitAsync(batch);
                    Assert.True(commit.Sequence > last, $"the LSN {commit.Sequence} was given again");
                    last = commit.Sequence;
                    expected[key] = value;
                    Assert.True(log.TryLocate(Key(key), out LogLocation location) && location.Segment >= segment && location.Segment > before, $"the incarnation {location.Segment} was used before");
                    segment = location.Segment;
                }
                catch (StorageException e)
                {
                    Assert.Equal(WriteOutcome.NotApplied, e.Outcome);
                }
            }

            int end = random.Next(3);
            if (end == 0) await log.DisposeAsync();
            SimulatedDisk next = end == 2 ? disk.CutPower(random) : disk.Kill();
            if (end != 0) await log.DisposeAsync();
            disk = next;
        }

        await using LogEngine found = Open(disk);
        await found.FillAsync();
        await Eventually.HoldsAsync(() => found.GetStatistics().Segments < 24, () => $"a hundred openings leave {found.GetStatistics().Segments} segments for 50 keys");
        foreach ((string key, string value) in expected) Assert.Equal(value, found.Get(key));
    }
}
