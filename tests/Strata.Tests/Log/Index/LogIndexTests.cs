using System.Buffers.Binary;
using System.Text;
using Xunit;

namespace Strata.Tests;

/// <summary>What the log's index promises its one writer.</summary>
public sealed class LogIndexTests
{
    private static readonly LogLocation Here = new(1, 64, 5, LogEntryFlags.None), There = new(2, 128, 6, LogEntryFlags.Expires);

    [Fact]
    public void A_full_index_refuses_new_keys_changes_nothing_and_takes_everything_else()
    {
        const long max = 1 << 20;
        using var index = new LogIndex(max);
        var random = new Random(1);
        var held = new List<byte[]>();
        byte[] key;
        while (index.TryPut(key = Key(random, 40), Here, out _)) held.Add(key);
        Assert.InRange(index.Bytes, max * 8 / 10, max);

        (string Key, LogLocation Location)[] before = All(index);
        for (int i = 0; i < 1_000; i++)
        {
            bool isTaken = index.TryPut(key = Key(random, i % 2 == 0 ? 1_000 : 2_080), There, out LogLocation previous);
            Assert.Equal(default, previous);
            Assert.Equal(isTaken, index.TryGet(key, out _));
            if (isTaken) Assert.True(index.Remove(key, out _));
        }

        Assert.Equal(before, All(index));
        Assert.InRange(index.Bytes, 0, max);
        foreach (byte[] k in held)
        {
            Assert.True(index.TryPut(k, There, out LogLocation previous), "a key that is there is replaced however full the index is");
            Assert.Equal(Here, previous);
        }

        foreach (byte[] k in held.Take(held.Count / 2)) Assert.True(index.Remove(k, out _));
        Assert.InRange(index.Bytes, 0, max * 7 / 10);
        Assert.True(index.TryPut(key, Here, out _), "what was deleted makes room");
        Assert.InRange(index.HeldBytes, index.Bytes, max);
    }

    [Fact]
    public void A_cap_below_what_is_there_refuses_new_keys_alone_and_deletions_bring_the_index_below_it()
    {
        using var index = new LogIndex(long.MaxValue);
        LogIndexLoader loader = index.Load();
        byte[][] keys = [.. Enumerable.Range(0, 20_000).Select(i => Encoding.UTF8.GetBytes($"{i:D16}"))];
        foreach (byte[] key in keys) loader.Add(key, Here);
        loader.Finish();

        index.MaxBytes = index.Bytes / 2;
        int refused = Enumerable.Range(0, 1_000).Count(i => !index.TryPut(Encoding.UTF8.GetBytes($"{i * 20:D16}+"), Here, out _));
        Assert.InRange(refused, 900, 1_000);
        foreach (byte[] key in keys.Where((_, i) => i % 4 > 0)) Assert.True(index.Remove(key, out _));
        Assert.InRange(index.Bytes, 0, index.MaxBytes);
        Assert.True(index.TryPut("new"u8, Here, out _));
    }

    [Fact]
    public void Compaction_moves_an_entry_only_from_where_it_expects_it()
    {
        using var index = new LogIndex(long.MaxValue);
        Assert.False(index.Replace("k"u8, Here, There), "a key that is gone is not brought back");
        Assert.True(index.TryPut("k"u8, Here, out _));
        Assert.False(index.Replace("k"u8, Here with { Segment = 9 }, There));
        Assert.False(index.Replace("k"u8, Here with { Offset = 9 }, There));
        Assert.True(index.TryGet("k"u8, out LogLocation location));
        Assert.Equal(Here, location);

        // Read meanwhile: still at the same place, and compaction does not make it look unread.
        index.Visit("k"u8);
        Assert.True(index.Replace("k"u8, Here, There));
        Assert.True(index.TryGet("k"u8, out location));
        Assert.Equal(There with { Flags = There.Flags | LogEntryFlags.Visited }, location);

        // Nor does it make an entry look read.
        Assert.True(index.TryPut("k"u8, Here, out _));
        Assert.True(index.Replace("k"u8, Here, There with { Flags = LogEntryFlags.Visited }));
        Assert.True(index.TryGet("k"u8, out location));
        Assert.Equal(LogEntryFlags.None, location.Flags);
    }

    [Fact]
    public void Every_bit_of_a_location_is_kept()
    {
        using var index = new LogIndex(long.MaxValue);
        var most = new LogLocation(uint.MaxValue, uint.MaxValue, (1 << 24) - 1, (LogEntryFlags)255);
        Assert.True(index.TryPut("most"u8, most, out _));
        Assert.True(index.TryPut("least"u8, new LogLocation(1, 0, 0, LogEntryFlags.None), out _));
        Assert.True(index.Remove("most"u8, out LogLocation removed));
        Assert.Equal(most, removed);
        Assert.True(index.TryGet("least"u8, out LogLocation least));
        Assert.Equal(new LogLocation(1, 0, 0, LogEntryFlags.None), least);
    }

    [Fact]
    public void Marks_of_visits_stay_with_their_keys_when_others_come_and_go()
    {
        using var index = new LogIndex(long.MaxValue);
        var random = new Random(2);
        byte[][] keys = [.. Enumerable.Range(0, 20_000).Select(_ => Key(random, 16))];
        for (int i = 0; i < keys.Length; i++)
        {
            Assert.True(index.TryPut(keys[i], Here, out _));
            if (i % 2 == 0) index.Visit(keys[i]);
        }

        foreach (byte[] key in keys.Where((_, i) => i % 3 == 0)) Assert.True(index.Remove(key, out _));
        for (int i = 0; i < keys.Length; i++)
        {
            if (i % 3 == 0) continue;
            Assert.True(index.TryGet(keys[i], out LogLocation location));
            Assert.Equal(i % 2 == 0, (location.Flags & LogEntryFlags.Visited) != LogEntryFlags.None);
        }
    }

    [Fact]
    public void Keys_are_of_1_to_2080_bytes()
    {
        using var index = new LogIndex(long.MaxValue);
        Assert.Throws<ArgumentException>(() => index.TryPut([], Here, out _));
        Assert.Throws<ArgumentException>(() => index.TryPut(new byte[2_081], Here, out _));
        Assert.True(index.TryPut(new byte[2_080], Here, out _));
        Assert.True(index.TryPut(new byte[1], Here, out _));
        Assert.Equal(2, index.Count);

        // What is looked for may be longer: the place behind the longest key.
        Assert.False(index.TryGet(new byte[2_081], out _));
        var buffer = new LogScanBuffer();
        Assert.Equal(0, index.Scan(new LogScan(new byte[2_081], default, 9), buffer));
        Assert.Equal(2, index.Scan(new LogScan(default, new byte[2_081], 9, descending: true), buffer));
        Assert.Equal(2_080, buffer.Key(0).Length);
    }

    [Fact]
    public void A_loader_takes_ascending_keys_alone_and_an_empty_index_alone()
    {
        using var index = new LogIndex(long.MaxValue);
        LogIndexLoader loader = index.Load();
        loader.Add("b"u8, Here);
        Assert.Throws<ArgumentException>(() => loader.Add("b"u8, Here));
        Assert.Throws<ArgumentException>(() => loader.Add("a"u8, Here));
        Assert.Throws<ArgumentException>(() => loader.Add([], Here));
        loader.Finish();
        Assert.Throws<ObjectDisposedException>(() => loader.Add("c"u8, Here));
        Assert.Equal(1, index.Count);
        Assert.Throws<InvalidOperationException>(index.Load);
    }

    [Fact]
    public void A_loader_notices_another_writer_before_it_mixes_its_keys_with_the_others()
    {
        using var index = new LogIndex(long.MaxValue);
        LogIndexLoader loader = index.Load();
        loader.Add("b"u8, Here);
        Assert.True(index.TryPut("z"u8, Here, out _));
        Assert.Throws<InvalidOperationException>(loader.Finish);
    }

    [Fact]
    public void A_write_begins_once_and_ends_where_it_began()
    {
        using var index = new LogIndex(long.MaxValue);
        Assert.Throws<InvalidOperationException>(index.EndWrite);
        index.BeginWrite();
        Assert.Throws<InvalidOperationException>(index.BeginWrite);
        Assert.True(index.TryPut("a"u8, Here, out _));
        Assert.True(index.TryGet("a"u8, out _), "the writer sees what it has written");
        index.EndWrite();
        Assert.Throws<InvalidOperationException>(index.EndWrite);
        Assert.True(index.TryPut("b"u8, Here, out _));
    }

    [Fact]
    public void After_disposal_everybody_is_told()
    {
        var index = new LogIndex(long.MaxValue);
        Assert.True(index.TryPut("a"u8, Here, out _));
        index.Dispose();
        index.Dispose();
        Assert.Throws<ObjectDisposedException>(() => index.TryGet("a"u8, out _));
        Assert.Throws<ObjectDisposedException>(() => index.TryGetMany([Encoding.UTF8.GetBytes("a")], new LogLocation[1]));
        Assert.Throws<ObjectDisposedException>(() => index.Scan(new LogScan(default, default, 1), new LogScanBuffer()));
        Assert.Throws<ObjectDisposedException>(() => index.CountRange(default, default));
        Assert.Throws<ObjectDisposedException>(() => index.TryPut("a"u8, Here, out _));
        Assert.Throws<ObjectDisposedException>(() => index.Remove("a"u8, out _));
        Assert.Throws<ObjectDisposedException>(() => index.Replace("a"u8, Here, There));
        Assert.Throws<ObjectDisposedException>(index.BeginWrite);
        index.Visit("a"u8);
    }

    [Fact]
    public void A_hit_a_scan_and_a_replacement_allocate_nothing()
    {
        using var index = new LogIndex(long.MaxValue);
        byte[][] keys = [.. Enumerable.Range(0, 5_000).Select(i => Encoding.UTF8.GetBytes($"key/{i:D8}"))];
        foreach (byte[] key in keys) index.TryPut(key, Here, out _);
        var buffer = new LogScanBuffer();
        Use(1_000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Use(5_000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Use(int times)
        {
            for (int i = 0; i < times; i++)
            {
                byte[] key = keys[i % keys.Length];
                Assert.True(index.TryGet(key, out _));
                index.Visit(key);
                index.TryPut(key, There, out _);
                index.Scan(new LogScan(key, default, 50), buffer);
            }
        }
    }

    /// <summary>A reader may find anything in a node that is being written: it must not leave the node, nor fail.</summary>
    [Fact]
    public unsafe void Whatever_a_node_holds_a_reader_stays_inside_it()
    {
        const int tries = 20_000;
        var random = new Random(3);
        byte[] bytes = GC.AllocateUninitializedArray<byte>(3 * LogIndexNode.Bytes, pinned: true);
        fixed (byte* start = bytes)
        {
            var node = new LogIndexNode(start + LogIndexNode.Bytes);
            for (int i = 0; i < tries; i++)
            {
                random.NextBytes(bytes);
                if (i % 2 == 0) BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(LogIndexNode.Bytes), (ushort)random.Next(LogIndexNode.MaxCount + 2));
                if (i % 3 > 0) BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(LogIndexNode.Bytes + 6), (ushort)random.Next(i % 3 == 1 ? 3 : 2_200));
                byte[] key = [.. node.Prefix[..Math.Min(node.PrefixLength, 2_070)], .. Key(random, random.Next(1, 9))];
                foreach (int payload in (int[])[LogIndexNode.LeafPayload, LogIndexNode.InnerPayload])
                {
                    int index = node.Find(key, payload, out _);
                    Assert.InRange(index, 0, LogIndexNode.MaxCount);
                    _ = node.Child(node.FindChild(key));
                    if (index == LogIndexNode.MaxCount) continue;
                    byte* entry = node.Entry(index, payload);
                    Assert.InRange((long)entry, (long)node.At, (long)node.At + LogIndexNode.Bytes - payload - LogIndexNode.LengthBytes);
                    Assert.InRange(node.KeyLength(index, payload), 0, LogIndexNode.MaxKeyBytes);
                    node.CopyKey(index, payload, new byte[random.Next(2_081)]);
                    _ = node.Location(index);
                }
            }
        }
    }

    private static byte[] Key(Random random, int length)
    {
        var key = new byte[length];
        random.NextBytes(key);
        return key;
    }

    private static (string Key, LogLocation Location)[] All(LogIndex index)
    {
        var buffer = new LogScanBuffer();
        int count = index.Scan(new LogScan(default, default, int.MaxValue), buffer);
        return [.. Enumerable.Range(0, count).Select(i => (Convert.ToHexString(buffer.Key(i)), buffer.Location(i)))];
    }
}
