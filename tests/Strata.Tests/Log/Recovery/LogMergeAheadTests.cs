using System.Globalization;
using System.Text;
using Xunit;

namespace Strata.Tests.Log;

/// <summary>What is merged on a thread of its own is what a merge gives, its failures are the caller's, and it ends when the caller does.</summary>
public sealed class LogMergeAheadTests
{
    private const int Keys = 40_000, Sources = 5;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Each_key_comes_once_and_in_order_over_the_bounds_of_batches(bool isThreaded)
    {
        SimulatedDisk disk = Written();
        using LogSources sources = Opened(disk);
        using var ahead = new LogMergeAhead(new LogMerge(sources), isThreaded);
        int next = 0, batches = 0;
        while (ahead.TryTake(out LogMergeBatch batch))
        {
            batches++;
            int at = 0;
            foreach (ref readonly LogMergeEntry entry in batch.Entries)
            {
                Assert.Equal(Key(next), Encoding.UTF8.GetString(batch.Keys[at..entry.KeyEnd]));
                Assert.Equal((LatestOf(next), (uint)(1 + (next % Sources)), next % Sources), (entry.Sequence, entry.Location.Segment, entry.Source));
                at = entry.KeyEnd;
                next++;
            }
        }

        Assert.Equal(Keys, next);
        Assert.InRange(batches, 5, 50);
        Assert.False(ahead.TryTake(out _));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_hint_that_cannot_be_read_any_more_fails_the_caller_behind_what_was_read_before(bool isThreaded)
    {
        SimulatedDisk disk = Written();
        using LogSources sources = Opened(disk);
        int reads = 0;
        disk.Faults = call => call.Operation == DiskOperation.Read && ++reads > 2 * Sources ? DiskFault.Fail : DiskFault.None;
        using var ahead = new LogMergeAhead(new LogMerge(sources), isThreaded);
        int entries = 0;
        Assert.Throws<IOException>(() =>
        {
            while (ahead.TryTake(out LogMergeBatch batch)) entries += batch.Entries.Length;
        });
        Assert.InRange(entries, 1, Keys - 1);
    }

    [Fact]
    public async Task What_was_taken_stays_as_it_is_while_more_is_merged_ahead_and_nothing_is_read_after_the_end()
    {
        SimulatedDisk disk = Written();
        using LogSources sources = Opened(disk);
        var ahead = new LogMergeAhead(new LogMerge(sources), isThreaded: true);
        Assert.True(ahead.TryTake(out _));
        int read = disk.CountOf(DiskOperation.Read);
        Assert.True(ahead.TryTake(out LogMergeBatch taken));
        byte[] keys = taken.Keys.ToArray();

        // A batch takes about seven blocks of the hints: so two more at least.
        await Eventually.HoldsAsync(() => disk.CountOf(DiskOperation.Read) >= read + 20, "the thread merges ahead");
        ahead.Dispose();
        read = disk.CountOf(DiskOperation.Read);
        Assert.True(taken.Keys.SequenceEqual(keys), "a batch was filled anew while the caller had it");
        Assert.True(read < disk.Names.Sum(n => 2 * ((disk.BytesOf(n).Length / LogHintHeader.BlockBytes) + 2)), "memory for what is merged ahead is bounded");
        foreach (LogCursor source in sources.Cursors) source.Dispose();
        Assert.Equal(read, disk.CountOf(DiskOperation.Read));
    }

    [Fact]
    public void Nothing_comes_of_nothing()
    {
        using var sources = new LogSources();
        using var ahead = new LogMergeAhead(new LogMerge(sources), isThreaded: true);
        Assert.False(ahead.TryTake(out _));
        Assert.False(ahead.TryTake(out _));
    }

    /// <summary>Every key is in all sources; the latest is in another one from key to key.</summary>
    private static SimulatedDisk Written()
    {
        SimulatedDisk disk = SegmentImage.EmptyDisk();
        for (int source = 0; source < Sources; source++)
        {
            using var builder = new LogHintBuilder(SegmentImage.HeadOf((uint)(1 + source)));
            for (int key = 0; key < Keys; key++)
            {
                ulong sequence = key % Sources == source ? LatestOf(key) : (ulong)(1 + source);
                builder.Add(Encoding.UTF8.GetBytes(Key(key)), new LogEntryHeader(0, LogEntryFlags.None, 16, sequence, 100, 0, 0), (uint)(4_096 + (key * 64)));
            }

            builder.WriteTo(disk, 80 << 20);
        }

        return disk;
    }

    private static LogSources Opened(SimulatedDisk disk)
    {
        var sources = new LogSources();
        for (uint incarnation = 1; incarnation <= Sources; incarnation++) sources.Add(LogHint.TryOpen(disk, SegmentImage.Identity, incarnation, out _)!);
        return sources;
    }

    private static string Key(int number) => string.Create(CultureInfo.InvariantCulture, $"all/{number:d12}");

    private static ulong LatestOf(int key) => 100 + (ulong)key;
}
