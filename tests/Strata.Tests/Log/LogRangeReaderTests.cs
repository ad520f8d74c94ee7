using System.Buffers;
using Xunit;

namespace Strata.Tests;

/// <summary>A range of the log is read as it was at one instant, whatever writers and compaction do meanwhile.</summary>
public sealed class LogRangeReaderTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_range_is_read_as_it_was_found_though_its_segments_are_let_go(bool maps)
    {
        await using LogEngine log = Open(maps);
        for (int i = 0; i < 200; i++) await PutAsync(log, i, Value(i, 10 + (i * 37)));
        using var before = new LogRangeReader(log);
        Assert.Equal(200, before.Scan(All(256)));
        for (int i = 0; i < 200; i++)
        {
            if (i % 3 == 0) await LogEngineTests.Delete(log, Name(i));
            else await PutAsync(log, i, Value(1_000 + i, 500));
        }

        await log.CompactAsync(0.1, CancellationToken.None);
        Assert.True(log.GetStatistics().UnlinkedSegments > 0, "there is nothing to show: no segment was let go");
        AssertReads(before, 0, i => Value(i, 10 + (i * 37)));

        Assert.False(log.TryRead(LogEngineTests.Key(Name(3)), out _));
        Assert.True(log.TryRead(LogEngineTests.Key(Name(4)), out LogEntry now));
        using (now) Assert.Equal(Value(1_004, 500), now.Body.ToArray());
        before.Release();
        Assert.Equal(0, before.Count);
        Assert.True(log.GetStatistics().UnlinkedSegments == 0, "segments are kept for a reader that has given them back");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task All_of_a_range_is_of_one_commit_while_others_commit_and_compaction_moves_it(bool maps)
    {
        const int Keys = 150, Scans = 400;
        await using LogEngine log = Open(maps);
        await PutAllAsync(log, 0, Keys);
        using var done = new CancellationTokenSource();
        Task writer = Task.Run(async () =>
        {
            for (int generation = 1; !done.IsCancellationRequested; generation++)
            {
                await PutAllAsync(log, generation, Keys);
                if (generation % 8 == 0) await log.CompactAsync(0.1, CancellationToken.None);
            }
        });
        try
        {
            using var range = new LogRangeReader(log);
            int last = 0;
            for (int scan = 0; scan < Scans || log.GetStatistics().Compactions < 5; scan++)
            {
                Assert.Equal(Keys, range.Scan(All(Keys)));
                Assert.True(range.TryRead(0, out LogEntryView first));
                int generation = BitConverter.ToInt32(first.Body);
                Assert.True(generation >= last, $"generation {last} was seen before {generation}");
                AssertReads(range, 0, _ => Generation(generation));
                last = generation;
            }
        }
        finally
        {
            await done.CancelAsync();
            await writer;
        }
    }

    [Fact]
    public async Task A_range_is_read_downwards_and_in_any_order()
    {
        await using LogEngine log = Open(maps: true);
        for (int i = 0; i < 100; i++) await PutAsync(log, i, Value(i, i % 7 == 0 ? 20_000 : 30));
        using var range = new LogRangeReader(log);
        Assert.Equal(40, range.Scan(new LogScan(default, LogEngineTests.Key(Name(90)), 40, descending: true)));
        for (int i = 0; i < 40; i++) Assert.Equal(Value(89 - i, (89 - i) % 7 == 0 ? 20_000 : 30), Read(range, i));
        foreach (int i in (int[])[39, 0, 20, 20, 1]) Assert.Equal(Value(89 - i, (89 - i) % 7 == 0 ? 20_000 : 30), Read(range, i));
        Assert.Equal(10, range.Scan(new LogScan(LogEngineTests.Key(Name(5)), default, 10)));
        AssertReads(range, 5, i => Value(i, i % 7 == 0 ? 20_000 : 30));
        await LogEngineTests.Delete(log, Name(6));
        AssertReads(range, 5, i => Value(i, i % 7 == 0 ? 20_000 : 30));
        Assert.Equal(2, range.Scan(new LogScan(LogEngineTests.Key(Name(6)), default, 2)));
        Assert.True(range.TryRead(0, out LogEntryView tombstone) && tombstone.IsTombstone, "a delete is found until nothing needs it");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_byte_that_is_wrong_anywhere_in_an_entry_is_found_and_hides_no_other(bool maps)
    {
        await using LogEngine log = Open(maps);
        for (int i = 0; i < 3; i++) await PutAsync(log, i, Value(i, 300));
        using var range = new LogRangeReader(log);
        Assert.Equal(3, range.Scan(All(10)));
        LogLocation location = range.Location(1);
        await using FileStream file = new(Path.Combine(_folder.Path, LogSegmentFiles.NameOf(location.Segment)), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        for (int at = 0; at < location.Length; at++)
        {
            Flip(file, location.Offset + at);
            StorageException e = Assert.Throws<StorageException>(() => range.TryRead(1, out _));
            Assert.Equal(StorageErrorKind.Corrupt, e.Kind);
            Assert.Throws<StorageException>(() => log.TryReadAt(range.Key(1), location, out _));
            Assert.Equal(Value(0, 300), Read(range, 0));
            Assert.Equal(Value(2, 300), Read(range, 2));
            Flip(file, location.Offset + at);
        }

        Assert.Equal(Value(1, 300), Read(range, 1));
    }

    private static void Flip(FileStream file, long at)
    {
        file.Position = at;
        int was = file.ReadByte();
        file.Position = at;
        file.WriteByte((byte)(was ^ 0x10));
        file.Flush();
    }

    private static string Name(int i) => $"{i:d6}";

    private static byte[] Value(int seed, int length)
    {
        byte[] value = new byte[length];
        new Random(seed).NextBytes(value);
        return value;
    }

    private static byte[] Generation(int number)
    {
        byte[] value = new byte[200 + (number % 50)];
        BitConverter.TryWriteBytes(value, number);
        return value;
    }

    private static LogScan All(int limit) => new([(byte)LogKeyspace.System], [(byte)LogKeyspace.System + 1], limit);

    private static Task PutAsync(LogEngine log, int i, byte[] value) => CommitAsync(log, batch => batch.Put(LogEngineTests.Key(Name(i)), "head"u8, new ReadOnlySequence<byte>(value)));

    private static Task PutAllAsync(LogEngine log, int generation, int keys) => CommitAsync(log, batch =>
    {
        for (int i = 0; i < keys; i++) batch.Put(LogEngineTests.Key(Name(i)), "head"u8, new ReadOnlySequence<byte>(Generation(generation)));
    });

    private static async Task CommitAsync(LogEngine log, Action<LogBatch> fill)
    {
        using var batch = new LogBatch();
        fill(batch);
        Assert.True((await log.CommitAsync(batch)).IsApplied);
    }

    private static byte[] Read(LogRangeReader range, int index)
    {
        Assert.True(range.TryRead(index, out LogEntryView entry));
        return entry.Body.ToArray();
    }

    private static void AssertReads(LogRangeReader range, int first, Func<int, byte[]> expected)
    {
        for (int i = 0; i < range.Count; i++)
        {
            Assert.True(range.TryRead(i, out LogEntryView entry), $"entry {i} is gone");
            Assert.True(entry.Key.SequenceEqual(range.Key(i)) && entry.Key.SequenceEqual(LogEngineTests.Key(Name(first + i))), $"entry {i} has another key");
            Assert.True(entry.Body.SequenceEqual(expected(first + i)), $"entry {i} is not as it was found");
        }
    }

    private LogEngine Open(bool maps) => LogEngine.Open(
        new LogOptions { Name = "test", SegmentBytes = LogOptions.MinSegmentBytes, Durability = DiskDurability.OperatingSystem, CompactionBytesPerSecond = null, MapReads = maps },
        new SystemDisk(_folder.Path));
}
