using System.Diagnostics;
using System.Text;
using Xunit;

namespace Strata.Tests;

/// <summary>Readers of the log's index beside its writer, which they do not wait for: what they see was so at one instant.</summary>
public sealed class LogIndexReaderTests
{
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(1);
    private long _reads;

    [Fact]
    public async Task Keys_that_stay_are_always_found_while_nodes_are_split_and_merged_around_them()
    {
        using var index = new LogIndex(long.MaxValue);
        byte[][] keys = RandomKeys(40_000);
        for (int i = 0; i < keys.Length; i += 10) Put(index, keys[i], 1);
        await RaceAsync(
            random =>
            {
                // Whole stretches come and go, so that nodes fill and empty.
                int start = random.Next(keys.Length), length = random.Next(8_000);
                bool isGrowth = random.Next(2) == 0;
                for (int i = start; i < Math.Min(keys.Length, start + length); i++)
                {
                    if (i % 10 == 0) Put(index, keys[i], (uint)random.Next(1, 1_000));
                    else if (isGrowth) Put(index, keys[i], (uint)random.Next(1, 1_000));
                    else index.Remove(keys[i], out _);
                }
            },
            random =>
            {
                int i = random.Next(keys.Length);
                bool isFound = index.TryGet(keys[i], out LogLocation location);
                Assert.True(isFound || i % 10 > 0, "a key that was there all the time was not found");
                if (isFound) AssertWritten(keys[i], location);
                else Assert.Equal(default, location);
            });
    }

    [Fact]
    public async Task A_batch_is_seen_whole_or_not_at_all()
    {
        using var index = new LogIndex(long.MaxValue);
        byte[][] keys = RandomKeys(20_000);
        for (int i = 0; i < keys.Length; i++) Put(index, keys[i], 1);
        uint version = 1;
        await RaceAsync(
            random =>
            {
                int first = random.Next(keys.Length - 1_000);
                index.BeginWrite();
                version++;
                for (int i = 0; i < 10; i++) Put(index, keys[first + (i * 100)], version);

                // A key removed and another put: never both, never neither.
                bool isFirst = index.Remove("swap-1"u8, out _);
                index.Remove("swap-2"u8, out _);
                Put(index, isFirst ? "swap-2"u8 : "swap-1"u8, version);
                Put(index, "pair-1"u8, version);
                Put(index, "pair-2"u8, version);
                index.EndWrite();
            },
            random =>
            {
                ReadOnlyMemory<byte>[] names = [.. ((string[])["swap-1", "swap-2", "pair-1", "pair-2"]).Select(n => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(n))];
                var found = new LogLocation[4];
                index.TryGetMany(names, found);
                Assert.Equal(found[2].Segment, found[3].Segment);
                Assert.True(found[2].Segment <= 1 || found[0].IsKnown != found[1].IsKnown, "a batch was seen in part");
                Assert.Equal(found[2].Segment, Math.Max(found[0].Segment, found[1].Segment));
            });
    }

    [Theory]
    [InlineData(200)]
    [InlineData(5_000)]
    public async Task A_scan_is_of_one_instant(int limit)
    {
        using var index = new LogIndex(long.MaxValue);
        const int present = 100;
        byte[][] places = [.. Enumerable.Range(0, 4_000).Select(i => Encoding.UTF8.GetBytes($"scan/{i:D8}"))];
        var at = new int[present];
        for (int i = 0; i < present; i++) Put(index, places[at[i] = i * 40], 1);
        await RaceAsync(
            random =>
            {
                // A token moves: there are always as many as at the start. Others, outside of the range, make nodes come and go.
                int token = random.Next(present), to = random.Next(places.Length);
                if (at.Contains(to)) return;
                index.BeginWrite();
                index.Remove(places[at[token]], out _);
                Put(index, places[at[token] = to], 1);
                index.EndWrite();
                Put(index, Encoding.UTF8.GetBytes($"other/{random.Next(3_000)}"), 1);
                index.Remove(Encoding.UTF8.GetBytes($"other/{random.Next(3_000)}"), out _);
            },
            random =>
            {
                var buffer = new LogScanBuffer();
                bool isDown = random.Next(2) == 0;
                Assert.Equal(present, index.Scan(new LogScan("scan/"u8, "scan0"u8, limit, isDown), buffer));
                for (int i = 0; i < present; i++)
                {
                    AssertWritten(buffer.Key(i), buffer.Location(i));
                    if (i > 0) Assert.True(isDown == buffer.Key(i).SequenceCompareTo(buffer.Key(i - 1)) < 0, "the scan is out of order");
                }
            });
    }

    [Fact]
    public async Task A_count_beside_a_writer_has_every_key_that_stays_once()
    {
        using var index = new LogIndex(long.MaxValue);
        byte[][] keys = RandomKeys(40_000);
        for (int i = 0; i < keys.Length; i += 2) Put(index, keys[i], 1);
        await RaceAsync(
            random =>
            {
                int i = (random.Next(keys.Length / 2) * 2) + 1;
                if (random.Next(2) == 0) Put(index, keys[i], 1);
                else index.Remove(keys[i], out _);
            },
            _ => Assert.InRange(index.CountRange(default, default), keys.Length / 2, keys.Length));
    }

    [Fact]
    public async Task Marks_of_visits_beside_the_writer_spoil_nothing_but_marks()
    {
        using var index = new LogIndex(long.MaxValue);
        byte[][] keys = RandomKeys(20_000);
        await RaceAsync(
            random =>
            {
                int i = random.Next(keys.Length);
                if (random.Next(3) > 0) Put(index, keys[i], (uint)random.Next(1, 9));
                else index.Remove(keys[i], out _);
            },
            random => index.Visit(keys[random.Next(keys.Length)]));

        var buffer = new LogScanBuffer();
        int count = index.Scan(new LogScan(default, default, int.MaxValue), buffer);
        Assert.Equal(index.Count, count);
        for (int i = 0; i < count; i++) AssertWritten(buffer.Key(i), buffer.Location(i));
    }

    [Fact]
    public async Task A_reader_waits_for_a_long_batch_and_then_sees_all_of_it()
    {
        using var index = new LogIndex(long.MaxValue);
        index.BeginWrite();
        Task<bool> reader = Task.Run(() => index.TryGet("last"u8, out _));
        for (int i = 0; i < 100_000; i++) Put(index, Encoding.UTF8.GetBytes($"{i}"), 1);
        Assert.False(reader.IsCompleted, "the reader saw the middle of a batch");
        Put(index, "last"u8, 1);
        index.EndWrite();
        Assert.True(await reader);
    }

    private static byte[][] RandomKeys(int count)
    {
        var random = new Random(5);
        byte[][] keys = [.. Enumerable.Range(0, count).Select(_ => Encoding.UTF8.GetBytes($"collection/{random.NextInt64():X}{new string('x', random.Next(40))}"))];
        Array.Sort(keys, ByteOrder.Instance);
        return keys;
    }

    /// <summary>Puts a location that says which key and version it is of.</summary>
    private static void Put(LogIndex index, ReadOnlySpan<byte> key, uint version) =>
        Assert.True(index.TryPut(key, new LogLocation(version, Crc32C.Of(key) ^ version, (Crc32C.Of(key) + version) & 0xFFFFFF, LogEntryFlags.Expires), out _));

    private static void AssertWritten(ReadOnlySpan<byte> key, LogLocation location)
    {
        uint version = location.Segment;
        LogLocation expected = new(version, Crc32C.Of(key) ^ version, (Crc32C.Of(key) + version) & 0xFFFFFF, LogEntryFlags.Expires);
        Assert.True(version > 0 && location with { Flags = location.Flags & ~LogEntryFlags.Visited } == expected, "a reader saw what was never written");
    }

    /// <summary>One writer and two readers, until the time is up and each has done something.</summary>
    private async Task RaceAsync(Action<Random> write, Action<Random> read)
    {
        long start = Stopwatch.GetTimestamp();
        using var stop = new CancellationTokenSource();
        
        // Threads of their own: on those of the pool they would hold up whatever else runs.
        Task[] readers = [.. Enumerable.Range(0, 2).Select(seed => Task.Factory.StartNew(() => Loop(new Random(seed)), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        long writes = 0;
        try
        {
            var random = new Random(9);
            for (; Stopwatch.GetElapsedTime(start) < Budget || Volatile.Read(ref _reads) < 10; writes++)
            {
                write(random);
                if (readers.Any(r => r.IsFaulted)) break;
            }
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(readers);
        }

        TestContext.Current.TestOutputHelper!.WriteLine($"{writes} writes, {_reads} reads");

        void Loop(Random random)
        {
            for (; !stop.IsCancellationRequested; Interlocked.Increment(ref _reads)) read(random);
        }
    }
}
