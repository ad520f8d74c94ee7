using System.Buffers;
using System.Text;
using Xunit;

namespace Strata.Tests;

/// <summary>What the log promises when nothing goes wrong: values are found, in order, before and after it is opened again.</summary>
public sealed class LogEngineTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task What_is_committed_is_read_and_is_there_when_the_log_is_opened_again()
    {
        await using (LogEngine log = Open())
        {
            await Put(log, "a", "one");
            await Put(log, "b", "two");
            await Put(log, "a", "three");
            Assert.Equal("three", Read(log, "a"));
        }

        await using LogEngine again = Open();
        Assert.Equal("three", Read(again, "a"));
        Assert.Equal("two", Read(again, "b"));
        Assert.Null(Read(again, "c"));
        Assert.Equal(2, again.GetStatistics().Keys);
    }

    [Fact]
    public async Task A_deleted_key_stays_deleted_when_the_log_is_opened_again()
    {
        await using (LogEngine log = Open())
        {
            await Put(log, "a", "one");
            await Delete(log, "a");
            Assert.Null(Read(log, "a"));
        }

        await using LogEngine again = Open();
        Assert.Null(Read(again, "a"));
        Assert.True(again.TryReadLatest(Key("a"), out LogEntry tombstone), "a tombstone is what conditions compare with");
        Assert.True(tombstone.IsTombstone);
        tombstone.Dispose();
    }

    [Fact]
    public async Task A_log_that_was_not_closed_is_read_from_its_segments()
    {
        // The process ends without closing: no seal, no hint.
        LogEngine killed = Open();
        for (int i = 0; i < 1_000; i++) await Put(killed, $"key {i % 300}", $"value {i}");
        await using LogEngine again = Open();
        for (int i = 700; i < 1_000; i++) Assert.Equal($"value {i}", Read(again, $"key {i % 300}"));
        Assert.Equal(300, again.GetStatistics().Keys);
        await killed.DisposeAsync();
    }

    [Fact]
    public async Task An_expectation_that_does_not_hold_leaves_everything_as_it_was()
    {
        await using LogEngine log = Open();
        await Put(log, "a", "one");
        Assert.True(log.TryLocate(Key("a"), out LogLocation before));
        await Put(log, "a", "two");
        using var batch = new LogBatch();
        batch.Put(Key("b"), "new"u8);
        batch.Expect(Key("a"), before);
        Assert.False((await log.CommitAsync(batch)).IsApplied);
        Assert.Null(Read(log, "b"));
        Assert.Equal("two", Read(log, "a"));
    }

    [Fact]
    public async Task Of_many_that_expect_the_same_place_one_wins()
    {
        await using LogEngine log = Open();
        for (int round = 0; round < 50; round++)
        {
            byte[] key = Key($"contended {round}");
            bool[] won = await Task.WhenAll(Enumerable.Range(0, 8).Select(n => Task.Run(async () =>
            {
                using var batch = new LogBatch();
                batch.Put(key, Encoding.UTF8.GetBytes($"{n}"));
                batch.Expect(key, default);
                return (await log.CommitAsync(batch)).IsApplied;
            })));
            Assert.Single(won, w => w);
        }
    }

    [Fact]
    public async Task Values_longer_than_what_is_copied_are_read_as_they_were()
    {
        byte[] value = new byte[1 << 20];
        new Random(1).NextBytes(value);
        await using (LogEngine log = Open())
        {
            using var batch = new LogBatch();
            batch.Put(Key("long"), "head"u8, new ReadOnlySequence<byte>(value));
            batch.Put(Key("next"), "short"u8);
            await log.CommitAsync(batch);
            Assert.Equal("short", Read(log, "next"));
        }

        await using LogEngine again = Open();
        Assert.True(again.TryRead(Key("long"), out LogEntry entry));
        Assert.True(entry.Body.Span.SequenceEqual(value));
        Assert.Equal("head", Encoding.UTF8.GetString(entry.Head.Span));
        entry.Dispose();
    }

    [Fact]
    public async Task Garbage_is_compacted_and_nothing_is_lost()
    {
        await using (LogEngine log = Open(new LogOptions { Name = "test", SegmentBytes = 1 << 20, CompactionBytesPerSecond = null, Durability = DiskDurability.OperatingSystem }))
        {
            byte[] value = new byte[1_000];
            for (int i = 0; i < 40_000; i++)
            {
                BitConverter.TryWriteBytes(value, i);
                using var batch = new LogBatch();
                batch.Put(Key($"key {i % 1_000}"), value);
                await log.CommitAsync(batch);
            }

            await Eventually.HoldsAsync(() => log.GetStatistics() is var now && now.UsedBytes < (3 * now.LiveBytes) + (5 << 20), "the log stays near the size of what it holds");
            Check(log);
            Assert.True(log.GetStatistics().Compactions > 0);
        }

        await using LogEngine again = Open();
        Check(again);

        static void Check(LogEngine log)
        {
            for (int i = 0; i < 1_000; i++)
            {
                Assert.True(log.TryRead(Key($"key {i}"), out LogEntry entry));
                Assert.Equal(39_000 + i, BitConverter.ToInt32(entry.Value.Span));
                entry.Dispose();
            }
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Reads_are_the_same_by_mapping_and_by_pread(bool maps)
    {
        await using LogEngine log = Open(new LogOptions { Name = "test", MapReads = maps });
        for (int i = 0; i < 100; i++) await Put(log, $"{i:d3}", $"value {i}");
        for (int i = 0; i < 100; i++) Assert.Equal($"value {i}", Read(log, $"{i:d3}"));
    }

    internal static byte[] Key(string key) => [(byte)LogKeyspace.System, .. Encoding.UTF8.GetBytes(key)];

    internal static async Task Put(LogEngine log, string key, string value)
    {
        using var batch = new LogBatch();
        batch.Put(Key(key), Encoding.UTF8.GetBytes(value));
        Assert.True((await log.CommitAsync(batch)).IsApplied);
    }

    internal static async Task Delete(LogEngine log, string key)
    {
        using var batch = new LogBatch();
        batch.Delete(Key(key));
        Assert.True((await log.CommitAsync(batch)).IsApplied);
    }

    internal static string? Read(LogEngine log, string key)
    {
        if (!log.TryRead(Key(key), out LogEntry entry)) return null;
        using (entry) return Encoding.UTF8.GetString(entry.Value.Span);
    }

    private LogEngine Open(LogOptions? options = null) => LogEngine.Open(options ?? new LogOptions { Name = "test" }, new SystemDisk(_folder.Path));
}
