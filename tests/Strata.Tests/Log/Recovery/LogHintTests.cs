using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Xunit;

namespace Strata.Tests.Log;

/// <summary>What a hint file says is what its segment holds, or it is found wrong before anything of it is used.</summary>
public sealed class LogHintTests
{
    private const string Name = "segments/00000007.hint";

    /// <summary>A head, and one block of three entries of six added. A change of the format must change its version.</summary>
    private const string Golden =
        "5354524154484E547BB4725901000000070000000104000029000000000000002D00000000000000282300000300000001000000B236D12ED000000000000000" +
        "06000000C012000028000000000000002800000000000000EFCDAB89674523010000000000000000000000000000000000000000000000000000000000000000" +
        "50534A7C500000000300000000000500081200000600000102000000616C70686105000300301100000C00000201000000CB04FB711F01000062657400000400" +
        "5C120000050000040300000062657461";

    [Fact]
    public void The_golden_hint_reads_as_it_was_written()
    {
        var disk = SegmentImage.EmptyDisk();
        WriteSmall(disk);
        Assert.Equal(Golden, Convert.ToHexString(disk.BytesOf(Name)));

        var other = SegmentImage.EmptyDisk();
        other.Replace(Name, Convert.FromHexString(Golden));
        using LogHint hint = Open(other);
        Assert.Equal(new LogVoid(6, 4_800, 40, 40), hint.Header.Void);
        Assert.Equal((LogSegmentKind.Appended, 41UL, 45UL, 9_000U, 3U), (hint.Header.Kind, hint.Header.First, hint.Header.Last, hint.Header.End, hint.Header.Count));
        Assert.Equal(
            [
                "alpha @43 4616+48 Tombstone 0",
                "alphabet @42 4400+96 Expires 1234567890123",
                "beta @44 4700+40 Reference 0",
            ],
            Read(hint));
    }

    [Fact]
    public void Every_flipped_byte_is_found()
    {
        var disk = SegmentImage.EmptyDisk();
        WriteSmall(disk);
        for (int at = 0; at < disk.BytesOf(Name).Length; at++)
        {
            foreach (byte mask in (byte[])[0x01, 0x80, 0xFF])
            {
                disk.Flip(Name, at, mask);
                using LogHint? hint = LogHint.TryOpen(disk, SegmentImage.Identity, 7, out string? damage);
                Assert.True(hint is null && damage is not null, $"Byte {at} was flipped by {mask:x2}, and the hint is used all the same.");
                disk.Flip(Name, at, mask);
            }
        }

        Open(disk).Dispose();
    }

    [Fact]
    public void Every_other_length_is_found()
    {
        var disk = SegmentImage.EmptyDisk();
        WriteSmall(disk);
        byte[] bytes = disk.BytesOf(Name);
        foreach (int length in Enumerable.Range(0, bytes.Length + 10).Where(l => l != bytes.Length))
        {
            byte[] changed = new byte[length];
            bytes.AsSpan(0, Math.Min(length, bytes.Length)).CopyTo(changed);
            disk.Replace(Name, changed);
            Assert.Null(LogHint.TryOpen(disk, SegmentImage.Identity, 7, out string? damage));
            Assert.NotNull(damage);
        }
    }

    [Fact]
    public void Blocks_that_are_swapped_doubled_or_of_another_hint_are_found()
    {
        var disk = SegmentImage.EmptyDisk();
        disk.Replace(Name, Many(7, 20_000, new Random(1), out _));
        byte[] bytes = disk.BytesOf(Name), other = Many(7, 20_000, new Random(2), out _);
        int first = LogHintHeader.Bytes, length = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(first + 4)), second = first + length, secondLength = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(second + 4));
        byte[] swapped = [.. bytes[..first], .. bytes[second..(second + secondLength)], .. bytes[first..second], .. bytes[(second + secondLength)..]];
        byte[] doubled = [.. bytes[..second], .. bytes[first..second], .. bytes[(second + secondLength)..]];
        byte[] mixed = [.. bytes[..first], .. other[first..]];
        foreach (byte[] wrong in (byte[][])[swapped, doubled, mixed])
        {
            disk.Replace(Name, wrong);
            Assert.Null(LogHint.TryOpen(disk, SegmentImage.Identity, 7, out string? damage));
            Assert.NotNull(damage);
        }
    }

    [Fact]
    public void A_hint_of_another_segment_or_another_format_is_not_used()
    {
        var disk = SegmentImage.EmptyDisk();
        WriteSmall(disk);
        byte[] bytes = disk.BytesOf(Name);
        disk.Replace("segments/00000008.hint", bytes);
        Assert.Null(LogHint.TryOpen(disk, SegmentImage.Identity, 8, out string? damage));
        Assert.Contains("segment 00000007", damage, StringComparison.Ordinal);

        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(12), 2);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), Crc32C.Of(bytes.AsSpan(12, LogHintHeader.Bytes - 12)));
        disk.Replace(Name, bytes);
        Assert.Null(LogHint.TryOpen(disk, SegmentImage.Identity, 7, out damage));
        Assert.Contains("format 2", damage, StringComparison.Ordinal);
    }

    [Fact]
    public void No_hint_is_no_damage_and_one_that_cannot_be_read_is()
    {
        var disk = SegmentImage.EmptyDisk();
        Assert.Null(LogHint.TryOpen(disk, SegmentImage.Identity, 7, out string? damage));
        Assert.Null(damage);
        WriteSmall(disk);
        disk.Faults = call => call.Operation == DiskOperation.Read ? DiskFault.Fail : DiskFault.None;
        Assert.Null(LogHint.TryOpen(disk, SegmentImage.Identity, 7, out damage));
        Assert.NotNull(damage);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(40, 2)]
    [InlineData(1_025, 3)]
    [InlineData(60_000, 4)]
    public void Each_keys_latest_entry_comes_in_order(int count, int seed)
    {
        var disk = SegmentImage.EmptyDisk();
        disk.Replace(Name, Many(7, count, new Random(seed), out SortedDictionary<string, string> expected));
        using LogHint hint = Open(disk);
        Assert.Equal(expected.Values, Read(hint));
        Assert.False(hint.MoveNext());
        Assert.Equal((uint)expected.Count, hint.Header.Count);
    }

    [Fact]
    public void The_builder_gives_the_same_entries_without_a_file()
    {
        using LogHintBuilder builder = Fill(7, 30_000, new Random(5), out SortedDictionary<string, string> expected);
        using LogCursor cursor = builder.ToCursor();
        Assert.Equal(expected.Values, Read(cursor));
    }

    [Fact]
    public void LSNs_that_are_far_apart_have_room()
    {
        var disk = SegmentImage.EmptyDisk();
        using (var builder = new LogHintBuilder(SegmentImage.HeadOf(7, LogSegmentKind.Compacted)))
        {
            Add(builder, "b", ulong.MaxValue - 1, 5_000);
            Add(builder, "a", 3, 6_000);
            builder.WriteTo(disk, 20_000);
        }

        using LogHint hint = Open(disk);
        Assert.Equal(["a @3 6000+48 None 0", "b @18446744073709551614 5000+48 None 0"], Read(hint));
        Assert.Equal((LogSegmentKind.Compacted, 3UL, ulong.MaxValue - 1), (hint.Header.Kind, hint.Header.First, hint.Header.Last));
    }

    [Fact]
    public void A_segment_without_entries_has_a_hint_too()
    {
        // Else the LSN of a void that came last would be given twice, and what it voids would count again.
        var disk = SegmentImage.EmptyDisk();
        SegmentImage image = new SegmentImage(7, first: 90).Void(new LogVoid(6, 5_000, 80, 89)).Seal();
        using (var builder = new LogHintBuilder(SegmentImage.HeadOf(7)))
        {
            using var scanner = new LogSegmentScanner(new BytesFile(image.Bytes), image.Header);
            LogScanResult result = scanner.ReadTo(builder);
            builder.WriteTo(disk, result.Offset);
        }

        using LogHint hint = Open(disk);
        Assert.Empty(Read(hint));
        Assert.Equal((90UL, (uint)image.End, new LogVoid(6, 5_000, 80, 89)), (hint.Header.Last, hint.Header.End, hint.Header.Void));
    }

    [Fact]
    public void A_failed_write_leaves_nothing_and_the_next_one_succeeds()
    {
        var disk = SegmentImage.EmptyDisk();
        WriteSmall(disk);
        int calls = disk.Calls;
        foreach (DiskFault fault in (DiskFault[])[DiskFault.Fail, DiskFault.Full, DiskFault.ShortWrite, DiskFault.SyncFails])
        {
            for (int number = 1; number <= calls; number++)
            {
                disk = SegmentImage.EmptyDisk();
                DiskCall failed = default;
                disk.Faults = call =>
                {
                    bool isIt = call.Number == number && fault switch { DiskFault.ShortWrite => call.Operation == DiskOperation.Write, DiskFault.SyncFails => call.Operation == DiskOperation.Sync, _ => true };
                    if (isIt) failed = call;
                    return isIt ? fault : DiskFault.None;
                };
                Exception? error = Record.Exception(() => WriteSmall(disk));
                if (failed.Number == 0) continue;
                Assert.IsType<IOException>(error);

                // Once it has its name, all of it is on the medium.
                string[] left = failed.Operation == DiskOperation.SyncFolder ? [Name] : [];
                Assert.True(left.SequenceEqual(disk.Names), $"{fault} of {failed} left {string.Join(", ", disk.Names)}.");
                disk.Faults = null;
                WriteSmall(disk);
                Open(disk).Dispose();
            }
        }
    }

    [Fact]
    public void A_crash_leaves_a_whole_hint_or_none()
    {
        var random = new Random(11);
        SimulatedDisk whole = SegmentImage.EmptyDisk();
        int before = whole.Calls;
        WriteSmall(whole);
        int callsOfOne = whole.Calls - before;
        int found = 0;
        for (int number = whole.Calls - callsOfOne + 1; number <= whole.Calls + 1; number++)
        {
            for (int run = 0; run < 40; run++)
            {
                SimulatedDisk disk = SegmentImage.EmptyDisk();
                disk.Faults = call => call.Number == number ? DiskFault.Stop : DiskFault.None;
                Record.Exception(() => WriteSmall(disk));
                SimulatedDisk next = run == 0 ? disk.Kill() : disk.CutPower(random);
                using LogHint? hint = LogHint.TryOpen(next, SegmentImage.Identity, 7, out string? damage);
                Assert.True(damage is null, $"Stopped at call {number} of\n{whole.Trace}\na hint is found and is wrong: {damage}");
                found += hint is null ? 0 : 1;
                next.Faults = null;
                WriteSmall(next);
            }
        }

        Assert.InRange(found, 41, 40 * whole.Calls);
    }

    [Fact]
    public void A_file_that_changes_after_it_was_opened_is_an_error_and_never_a_wrong_entry()
    {
        var disk = SegmentImage.EmptyDisk();
        disk.Replace(Name, Many(7, 20_000, new Random(3), out SortedDictionary<string, string> expected));
        string[] right = [.. expected.Values];
        using LogHint hint = Open(disk);
        Assert.True(hint.MoveNext());
        disk.Flip(Name, disk.BytesOf(Name).Length - 100);
        int read = 1;
        var error = Assert.Throws<StorageException>(() =>
        {
            for (; hint.MoveNext(); read++) Assert.Equal(right[read], Describe(hint));
        });
        Assert.Equal(StorageErrorKind.Corrupt, error.Kind);
        Assert.Contains(Name, error.Message, StringComparison.Ordinal);
        Assert.InRange(read, 2, right.Length - 1);
    }

    [Fact]
    public void Entries_that_lie_are_caught_though_the_checksums_are_right()
    {
        const int block = LogHintHeader.Bytes, entry = block + LogHintHeader.BlockHeaderBytes, second = entry + 16 + 5;
        (string What, Action<byte[]> Change)[] lies =
        [
            ("shares more than there is", b => BinaryPrimitives.WriteUInt16LittleEndian(b.AsSpan(second), 6)),
            ("first entry shares", b => BinaryPrimitives.WriteUInt16LittleEndian(b.AsSpan(entry), 1)),
            ("rest beyond the block", b => BinaryPrimitives.WriteUInt16LittleEndian(b.AsSpan(second + 2), 60_000)),
            ("no rest", b => BinaryPrimitives.WriteUInt16LittleEndian(b.AsSpan(entry + 2), 0)),
            ("offset in the head", b => BinaryPrimitives.WriteUInt32LittleEndian(b.AsSpan(entry + 4), 64)),
            ("offset beyond the end", b => BinaryPrimitives.WriteUInt32LittleEndian(b.AsSpan(entry + 4), 8_999)),
            ("too short for its key", b => b[entry + 8] = 4),
            ("LSN above the last", b => BinaryPrimitives.WriteUInt32LittleEndian(b.AsSpan(entry + 12), 5)),
            ("more entries", b =>
            {
                b[block + 8]++;
                b[44]++;
            }),
            ("no entries", b =>
            {
                b[block + 8] = 0;
                b[44] = 0;
                b[48] = 0;
            }),
            ("keys share more than they do", b => b[22] = 5),
            ("order", b => b[entry + 16] = (byte)'z'),
        ];
        foreach ((string what, Action<byte[]> change) in lies)
        {
            var disk = SegmentImage.EmptyDisk();
            WriteSmall(disk);
            byte[] bytes = disk.BytesOf(Name);
            change(bytes);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(block), LogHintHeader.BlockChecksum(bytes.AsSpan(block), SegmentImage.HeadOf(7).Seed, 0));
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(52), Crc32C.Of(bytes.AsSpan(block, 4)));
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), Crc32C.Of(bytes.AsSpan(12, LogHintHeader.Bytes - 12)));
            disk.Replace(Name, bytes);
            using LogHint? hint = LogHint.TryOpen(disk, SegmentImage.Identity, 7, out string? damage);
            if (hint is null)
            {
                Assert.NotNull(damage);
                continue;
            }

            Exception? error = Record.Exception(() => Read(hint));
            Assert.True(error is StorageException { Kind: StorageErrorKind.Corrupt }, $"A lie was believed: {what}. {error}");
        }
    }

    private static LogHint Open(SimulatedDisk disk)
    {
        LogHint? hint = LogHint.TryOpen(disk, SegmentImage.Identity, 7, out string? damage);
        Assert.True(hint is not null, $"The hint cannot be used: {damage}");
        return hint;
    }

    private static void WriteSmall(SimulatedDisk disk)
    {
        using var builder = new LogHintBuilder(SegmentImage.HeadOf(7));
        Add(builder, "beta", 44, 4_700, valueBytes: 3, flags: LogEntryFlags.Reference);
        Add(builder, "alpha", 41, 4_128);
        Add(builder, "alphabet", 42, 4_304, valueBytes: 1);
        Add(builder, "alphabet", 42, 4_400, valueBytes: 50, flags: LogEntryFlags.Expires, expires: 1_234_567_890_123);
        Add(builder, "alpha", 43, 4_616, flags: LogEntryFlags.Tombstone);
        Add(builder, "alpha", 42, 4_504);
        builder.Include(new LogScanResult(LogScanEnd.Sealed, 9_000, 45, 44, new LogVoid(6, 4_800, 40, 40), null, 0, null));
        builder.WriteTo(disk, 9_000);
    }

    private static void Add(LogHintBuilder builder, string key, ulong sequence, uint offset, int valueBytes = 10, LogEntryFlags flags = LogEntryFlags.None, long expires = 0) =>
        builder.Add(Encoding.UTF8.GetBytes(key), new LogEntryHeader(0, flags, key.Length, sequence, valueBytes, 0, expires), offset);

    private static byte[] Many(uint incarnation, int count, Random random, out SortedDictionary<string, string> expected)
    {
        var disk = SegmentImage.EmptyDisk();
        using LogHintBuilder builder = Fill(incarnation, count, random, out expected);
        builder.WriteTo(disk, 1 << 30);
        return disk.BytesOf(string.Create(CultureInfo.InvariantCulture, $"segments/{incarnation:x8}.hint"));
    }

    private static LogHintBuilder Fill(uint incarnation, int count, Random random, out SortedDictionary<string, string> expected)
    {
        var builder = new LogHintBuilder(SegmentImage.HeadOf(incarnation));
        expected = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var latest = new Dictionary<string, (ulong Sequence, uint Offset)>();
        for (int i = 0; i < count; i++)
        {
            string key = Key(random);
            ulong sequence = 100 + (ulong)random.Next(count);
            uint offset = (uint)(4_096 + (8 * i));
            LogEntryFlags flags = (LogEntryFlags)random.Next(8);
            long expires = flags.HasFlag(LogEntryFlags.Expires) ? random.NextInt64() : 0;
            int valueBytes = random.Next(100_000);
            Add(builder, key, sequence, offset, valueBytes, flags, expires);
            if (latest.TryGetValue(key, out (ulong Sequence, uint Offset) before) && (before.Sequence, before.Offset).CompareTo((sequence, offset)) > 0) continue;
            latest[key] = (sequence, offset);
            expected[key] = $"{key} @{sequence} {offset}+{LogEntryHeader.LengthOf(key.Length, valueBytes)} {flags} {expires}";
        }

        return builder;
    }

    /// <summary>Keys of all lengths, many of them the beginning of others, many twice.</summary>
    private static string Key(Random random) => random.Next(4) switch
    {
        0 => "kk" + new string('a', random.Next(40)),
        1 => string.Create(CultureInfo.InvariantCulture, $"kkey-{random.Next(5_000):d6}"),
        2 => string.Create(CultureInfo.InvariantCulture, $"kkey-{random.Next(1_000_000):x}") + new string('z', random.Next(60)),
        _ => string.Create(CultureInfo.InvariantCulture, $"k{random.Next(100)}") + new string('~', random.Next(3) == 0 ? random.Next(1_000) : 0),
    };

    private static List<string> Read(LogCursor cursor)
    {
        List<string> entries = [];
        while (cursor.MoveNext()) entries.Add(Describe(cursor));
        return entries;
    }

    private static string Describe(LogCursor cursor)
    {
        Assert.Equal(7U, cursor.Location.Segment);
        return $"{Encoding.UTF8.GetString(cursor.Key)} @{cursor.Sequence} {cursor.Location.Offset}+{cursor.Location.Length} {cursor.Location.Flags} {cursor.Expires}";
    }
}
