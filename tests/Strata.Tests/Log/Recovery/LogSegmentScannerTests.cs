using System.Buffers.Binary;
using System.Text;
using Xunit;

namespace Strata.Tests.Log;

/// <summary>What a segment's bytes are taken for, whatever happened to them.</summary>
public sealed class LogSegmentScannerTests
{
    /// <summary>Head, and from 4,096 on: a batch of three, a tombstone, a seal. Written by hand once; a change of the format must change its version.</summary>
    private const string
        GoldenHead = "53545241544C4F472611A237010000000700000001000000290000000000000028000000000000000020000000000000EFCDAB89674523010000000000000000",
        GoldenFrames = "8DA7DC0FA0000000290000000000000028000000000000000300000001000000D218643C0000010029000000000000000A000000020000000000000000000000" +
            "6276616C7565206F6620620000000000FD1AC2B30200010029000000000000000000000000000000CB04FB711F0100006100000000000000B61211B804000300" +
            "290000000000000005000000020000000000000000000000632F647768657265E7F3AF73480000002A0000000000000029000000000000000100000001000000" +
            "E262E961010001002A0000000000000000000000000000000000000000000000620000000000000003FA0B0A200000002B000000000000002A00000000000000" +
            "0000000003000000";

    [Fact]
    public void The_golden_segment_reads_as_it_was_written()
    {
        SegmentImage image = new SegmentImage(7, first: 41, capacity: 8_192)
            .Batch(40, new ImageEntry("b", "value of b"), new ImageEntry("a", "", LogEntryFlags.Expires, 1_234_567_890_123), new ImageEntry("c/d", "where", LogEntryFlags.Reference))
            .Batch(41, new ImageEntry("b", "", LogEntryFlags.Tombstone))
            .Seal(42);
        Assert.Equal(GoldenHead, Convert.ToHexString(image.Bytes.AsSpan(0, LogSegmentHeader.Bytes)));
        Assert.Equal(GoldenFrames, Convert.ToHexString(image.Bytes.AsSpan(LogSegmentHeader.FramesAt, image.End - LogSegmentHeader.FramesAt)));

        byte[] golden = new byte[8_192];
        Convert.FromHexString(GoldenHead).CopyTo(golden, 0);
        Convert.FromHexString(GoldenFrames).CopyTo(golden, LogSegmentHeader.FramesAt);
        Assert.Null(LogSegmentHeader.Read(golden, out LogSegmentHeader header));
        Scan scan = Read(golden, header);
        Assert.Equal(
            [
                "b = value of b @41 None 0",
                "a =  @41 Expires 1234567890123",
                "c/d = where @41 Reference 0",
                "b =  @42 Tombstone 0",
            ],
            scan.Entries);
        Assert.Equal(new LogScanResult(LogScanEnd.Sealed, (uint)image.End, 42, 42, null, null, 0, null), scan.Result);
    }

    [Fact]
    public void A_segment_without_a_seal_ends_where_nothing_was_written()
    {
        SegmentImage image = new SegmentImage(3, first: 10).Fill(4);
        Scan scan = Read(image);
        Assert.Equal(Entries(image, 4), scan.Entries);
        Assert.Equal((LogScanEnd.Empty, (uint)image.End, 13UL, 12UL, 0U, null), (scan.Result.End, scan.Result.Offset, scan.Result.LastSequence, scan.Result.Durable, scan.Result.CutBytes, scan.Result.Damage));
        Assert.Equal(9UL, Read(new SegmentImage(3, first: 10)).Result.LastSequence);
    }

    [Fact]
    public void Every_flipped_byte_is_damage_below_what_was_durable_and_a_cut_above()
    {
        SegmentImage image = new SegmentImage(3, first: 10, capacity: 6 << 10).Fill(5);
        int lastFrame = image.Frames[^1];
        for (int at = LogSegmentHeader.FramesAt; at < image.Bytes.Length; at++)
        {
            foreach (byte mask in (byte[])[0x01, 0x80, 0xFF])
            {
                byte[] bytes = [.. image.Bytes];
                bytes[at] ^= mask;
                Scan scan = Read(bytes, image.Header);
                string what = $"byte {at}, mask {mask:x2}: {scan.Result}";
                int whole = image.Frames.Count(f => f <= at) - 1;
                if (at >= image.End) whole = 5;
                Assert.True(Entries(image, whole).SequenceEqual(scan.Entries), $"Other entries than those before the flipped byte were read. {what}");
                Assert.True(scan.Result.IsDamaged == (at < lastFrame), $"Damage is what a later frame states as durable, no more and no less. {what}");
                if (at >= lastFrame && at < image.End) Assert.True(scan.Result is { End: LogScanEnd.Torn, CutBytes: > 0, Why: not null }, $"A cut must be reported. {what}");
                Assert.True(Read(bytes, image.Header, durable: 14).Result.IsDamaged == (at < image.End), $"What the next segment knows as durable must be there. {what}");
            }
        }
    }

    [Fact]
    public void A_file_cut_at_every_length_is_damaged_if_a_later_segment_knows_of_more()
    {
        SegmentImage image = new SegmentImage(3, first: 10, capacity: 5 << 10).Fill(5);
        for (int length = LogSegmentHeader.Bytes; length < image.Bytes.Length; length++)
        {
            int whole = image.Frames.Append(image.End).Count(f => f <= length) - 1;
            Scan scan = Read(image.Bytes, image.Header, length: length), bound = Read(image.Bytes, image.Header, durable: 14, length: length);
            Assert.Equal(Entries(image, Math.Max(0, whole)), scan.Entries);
            Assert.False(scan.Result.IsDamaged);
            Assert.True(bound.Result.IsDamaged == (length < image.End), $"{length} bytes: {bound.Result}");
        }
    }

    [Fact]
    public void A_damaged_seal_cuts_no_entry()
    {
        SegmentImage image = new SegmentImage(3, first: 10, capacity: 6 << 10).Fill(3).Seal(12);
        for (int at = image.End - LogFrameHeader.Bytes; at < image.End; at++)
        {
            byte[] bytes = [.. image.Bytes];
            bytes[at] ^= 0x10;
            Scan scan = Read(bytes, image.Header, durable: 12);
            Assert.Equal(Entries(image, 3), scan.Entries);
            Assert.True(scan.Result is { End: LogScanEnd.Torn, CutBytes: > 0, Damage: null, LastSequence: 12 }, $"byte {at}: {scan.Result}");
        }
    }

    [Theory]
    [InlineData(20, 20)]
    [InlineData(20, 60)]
    [InlineData(100, 3)]
    public void What_an_earlier_incarnation_left_is_not_read(int oldValueBytes, int newValueBytes)
    {
        // A recycled file is full of frames that were right once: behind the new ones, at the same places or across.
        SegmentImage old = new SegmentImage(3, first: 10).Fill(50, oldValueBytes);
        for (int batches = 0; batches < 20; batches++)
        {
            SegmentImage image = new SegmentImage(9, first: 200, before: old.Bytes).Fill(batches, newValueBytes);
            Scan scan = Read(image);
            Assert.Equal(Entries(image, batches), scan.Entries);
            Assert.True(scan.Result is { End: LogScanEnd.Empty, Damage: null, CutBytes: 0 }, $"{batches} batches: {scan.Result}");
        }
    }

    [Fact]
    public void An_old_frame_with_the_due_LSN_is_not_read()
    {
        // LSNs never come twice in one log. Should they all the same, the seed tells the incarnations apart.
        SegmentImage old = new SegmentImage(3, first: 10).Fill(10), image = new SegmentImage(9, first: 10, before: old.Bytes).Fill(4);
        Scan scan = Read(image);
        Assert.Equal(Entries(image, 4), scan.Entries);
        Assert.False(scan.Result.IsDamaged);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_torn_frame_in_the_middle_is_damage_if_a_frame_behind_states_it_as_durable_else_a_cut(bool isStated)
    {
        SegmentImage image = new SegmentImage(3, first: 10).Fill(2);
        for (int i = 0; i < 3; i++) image.Batch(11, new ImageEntry($"group-{i}", "of one sync"));
        if (isStated) image.Batch(14, new ImageEntry("next", "group"));
        image.Bytes.AsSpan(image.Frames[2], image.Frames[3] - image.Frames[2]).Clear();
        Scan scan = Read(image);
        Assert.Equal(Entries(image, 2), scan.Entries);
        Assert.Equal((LogScanEnd.Torn, (uint)image.Frames[2], 11UL), (scan.Result.End, scan.Result.Offset, scan.Result.LastSequence));
        Assert.Equal(isStated, scan.Result.IsDamaged);
        if (!isStated) Assert.Equal((uint)(image.End - image.Frames[2]), scan.Result.CutBytes);
        else Assert.Contains("LSN 14 was durable", scan.Result.Damage, StringComparison.Ordinal);
    }

    [Fact]
    public void A_frame_does_not_vouch_for_itself()
    {
        SegmentImage image = new SegmentImage(3, first: 10).Fill(2).Batch(99, new ImageEntry("a", "b")).Batch(99, new ImageEntry("c", "d"));
        Assert.True(Read(image).Result is { Durable: 12, IsDamaged: false, LastSequence: 13 });
        image.Bytes[image.Frames[2] + 40] ^= 1;
        Assert.True(Read(image).Result is { Durable: 10, IsDamaged: true });
    }

    [Fact]
    public void A_torn_frame_whose_head_never_got_there_is_reported()
    {
        // Sectors reach the medium in any order. Nothing of it counts, but that something was cut is told.
        byte[] before = new SegmentImage(2, first: 1).Fill(40, 33).Bytes;
        SegmentImage image = new SegmentImage(3, first: 100, before: before).Fill(2);
        image.Batch(100, new ImageEntry("a", new string('a', 600)), new ImageEntry("b", new string('b', 600)));
        before.AsSpan(image.Frames[2], 512).CopyTo(image.Bytes.AsSpan(image.Frames[2]));
        Scan scan = Read(image);
        Assert.Equal(Entries(image, 2), scan.Entries);
        Assert.True(scan.Result is { End: LogScanEnd.Torn, Damage: null } && scan.Result.CutBytes == image.End - image.Frames[2], $"{scan.Result}");
    }

    [Fact]
    public void Behind_a_void_nothing_counts_and_before_it_all_does()
    {
        SegmentImage image = new SegmentImage(3, first: 10).Fill(5);
        var cut = new LogVoid(3, (uint)image.Frames[3], 13, 14);
        Scan scan = Read(image.Bytes, image.Header, cut: cut);
        Assert.Equal(Entries(image, 3), scan.Entries);
        Assert.Equal((LogScanEnd.Voided, cut.End, 12UL, null), (scan.Result.End, scan.Result.Offset, scan.Result.LastSequence, scan.Result.Damage));
        for (int at = image.Frames[0]; at < image.Frames[3]; at++)
        {
            byte[] bytes = [.. image.Bytes];
            bytes[at] ^= 0x04;
            Assert.True(Read(bytes, image.Header, cut: cut).Result.IsDamaged, $"Byte {at} is before the void, and so was durable.");
        }

        for (int length = image.Frames[0]; length < image.Frames[3]; length++) Assert.True(Read(image.Bytes, image.Header, cut: cut, length: length).Result.IsDamaged, $"{length} bytes are left of {cut.End}.");
        foreach (uint end in (uint[])[0, 64, (uint)image.Frames[2] + 8, uint.MaxValue]) Assert.True(Read(image.Bytes, image.Header, cut: cut with { End = end }).Result.IsDamaged, $"The void ends at {end}.");
        Assert.True(Read(image.Bytes, image.Header, cut: cut with { FirstSequence = 0 }).Result.IsDamaged);
    }

    [Fact]
    public void A_void_that_cuts_nothing_ends_a_segment_as_its_seal_would()
    {
        SegmentImage image = new SegmentImage(3, first: 10).Fill(2);
        Scan scan = Read(image.Bytes, image.Header, cut: new LogVoid(3, (uint)image.End, 12, 11));
        Assert.Equal((LogScanEnd.Voided, 11UL, null), (scan.Result.End, scan.Result.LastSequence, scan.Result.Damage));
        Assert.Equal(Entries(image, 2), scan.Entries);
    }

    [Fact]
    public void A_void_is_told()
    {
        var cut = new LogVoid(2, 5_000, 7, 9);
        Scan scan = Read(new SegmentImage(3, first: 10).Void(cut, 6).Fill(1));
        Assert.Equal((cut, 11UL), (scan.Result.Void, scan.Result.LastSequence));
        Assert.Equal([LogFrameKind.Void, LogFrameKind.Batch], scan.Kinds);
    }

    [Fact]
    public void A_compacted_segment_counts_its_frames_keeps_its_LSNs_and_is_damaged_without_its_seal()
    {
        SegmentImage image = new SegmentImage(5, LogSegmentKind.Compacted)
            .Batch(0, new ImageEntry("z", "1", Sequence: 900), new ImageEntry("a", "2", Sequence: 17))
            .Batch(0, new ImageEntry("m", "3", Sequence: 44));
        int unsealed = image.End;
        image.Seal();
        Scan scan = Read(image);
        Assert.Equal(["z = 1 @900 None 0", "a = 2 @17 None 0", "m = 3 @44 None 0"], scan.Entries);
        Assert.Equal((LogScanEnd.Sealed, 900UL), (scan.Result.End, scan.Result.LastSequence));
        for (int at = LogSegmentHeader.FramesAt; at < image.End; at++)
        {
            byte[] bytes = [.. image.Bytes];
            bytes[at] ^= 0x20;
            Assert.True(Read(bytes, image.Header).Result.IsDamaged, $"byte {at}");
        }

        Assert.True(Read(image.Bytes, image.Header, length: unsealed).Result.IsDamaged);
    }

    [Fact]
    public void Frames_longer_than_the_buffer_are_read_whole_or_not_at_all()
    {
        SegmentImage image = new SegmentImage(3, first: 10, capacity: 12 << 20).Fill(1)
            .Batch(10, new ImageEntry("short", "s"), new ImageEntry("long", new string('x', 3 << 20)), new ImageEntry("other", new string('y', 700_000)))
            .Batch(11, new ImageEntry("longer", new string('z', 5 << 20)));
        var file = new BytesFile(image.Bytes);
        using (var scanner = new LogSegmentScanner(file, image.Header))
        using (var hint = new LogHintBuilder(image.Header))
        {
            Assert.Equal(12UL, scanner.ReadTo(hint).LastSequence);
            Assert.Equal((5, 10UL, 12UL), (hint.Count, hint.FirstSequence, hint.LastSequence));
        }

        Assert.Equal(1 << 20, file.LongestRead);
        Assert.Equal(Entries(image, 3), Read(image).Entries);

        image.Bytes[image.Frames[2] - 9] ^= 1;
        Scan scan = Read(image);
        Assert.Equal(Entries(image, 1), scan.Entries);
        Assert.True(scan.Result.IsDamaged);
    }

    [Fact]
    public void Lengths_that_lie_are_caught_though_the_checksums_are_right()
    {
        (string What, Action<byte[], int> Change)[] lies =
        [
            ("frame beyond the file", (b, f) => BinaryPrimitives.WriteInt32LittleEndian(b.AsSpan(f + 4), 1 << 20)),
            ("frame of 2 GiB", (b, f) => BinaryPrimitives.WriteInt32LittleEndian(b.AsSpan(f + 4), int.MaxValue - 7)),
            ("negative frame", (b, f) => BinaryPrimitives.WriteInt32LittleEndian(b.AsSpan(f + 4), -8)),
            ("frame that is shorter than its entries", (b, f) => BinaryPrimitives.WriteInt32LittleEndian(b.AsSpan(f + 4), 40)),
            ("frame that is longer than its entries", (b, f) => BinaryPrimitives.WriteInt32LittleEndian(b.AsSpan(f + 4), 1_024)),
            ("fewer entries", (b, f) => BinaryPrimitives.WriteInt32LittleEndian(b.AsSpan(f + 24), 0)),
            ("more entries", (b, f) => BinaryPrimitives.WriteInt32LittleEndian(b.AsSpan(f + 24), int.MaxValue)),
            ("another kind", (b, f) => b[f + 28] = 2),
            ("long value", (b, f) => BinaryPrimitives.WriteInt32LittleEndian(b.AsSpan(f + 32 + 16), int.MaxValue)),
            ("negative value", (b, f) => BinaryPrimitives.WriteInt32LittleEndian(b.AsSpan(f + 32 + 16), -1)),
            ("long head", (b, f) => BinaryPrimitives.WriteInt32LittleEndian(b.AsSpan(f + 32 + 20), 21)),
            ("no key", (b, f) => BinaryPrimitives.WriteUInt16LittleEndian(b.AsSpan(f + 32 + 6), 0)),
            ("long key", (b, f) => BinaryPrimitives.WriteUInt16LittleEndian(b.AsSpan(f + 32 + 6), 65_535)),
            ("unknown flag", (b, f) => b[f + 32 + 4] = 128),
            ("LSN of another frame", (b, f) => BinaryPrimitives.WriteUInt64LittleEndian(b.AsSpan(f + 32 + 8), 9)),
        ];
        foreach ((string what, Action<byte[], int> change) in lies)
        {
            SegmentImage image = new SegmentImage(3, first: 10, capacity: 8_192).Fill(3);
            int frame = image.Frames[2], entry = frame + LogFrameHeader.Bytes;
            change(image.Bytes, frame);
            LogEntryHeader.Seal(image.Bytes.AsSpan(entry, image.End - entry), LogEntryHeader.ContentChecksum(image.Bytes.AsSpan(entry, image.End - entry)), image.Header.Seed, BinaryPrimitives.ReadUInt64LittleEndian(image.Bytes.AsSpan(entry + 8)));
            LogFrameHeader.Seal(image.Bytes.AsSpan(frame, LogFrameHeader.Bytes), image.Bytes.AsSpan(entry, 4), image.Header.Seed);
            Scan scan = Read(image);
            Assert.True(Entries(image, 2).SequenceEqual(scan.Entries), $"A frame was read that lies: {what}");
            Assert.True(scan.Result is { End: LogScanEnd.Torn, Damage: null }, $"{what}: {scan.Result}");
        }
    }

    [Fact]
    public void Noise_is_never_an_entry()
    {
        var random = new Random(4_711);
        for (int run = 0; run < 300; run++)
        {
            SegmentImage image = new SegmentImage(3, first: 2, capacity: 8_192).Fill(3);
            random.NextBytes(image.Bytes.AsSpan(image.End));

            // Small numbers are what LSNs look like.
            for (int at = image.End & -8; at + 16 < image.Bytes.Length; at += 8)
            {
                if (random.Next(3) == 0) BinaryPrimitives.WriteUInt64LittleEndian(image.Bytes.AsSpan(at), (ulong)random.Next(200));
            }

            Scan scan = Read(image);
            Assert.Equal(Entries(image, 3), scan.Entries);
            Assert.False(scan.Result.IsDamaged);
        }
    }

    [Fact]
    public void A_tail_that_is_all_lookalikes_ends_the_search_and_is_called_damage()
    {
        // Each of many heads begins a frame of its own entry and of a long chain that all share: without a bound, looking at each is quadratic.
        SegmentImage image = new SegmentImage(3, first: 10, capacity: 1 << 20).Fill(1);
        const int heads = 2_000, unit = LogFrameHeader.Bytes + LogEntryHeader.Bytes + 8;
        int chain = image.End + 64 + (heads * unit), count = (image.Bytes.Length - chain) / 40, end = chain + (count * 40);
        for (int at = chain; at < end; at += 40) new ImageEntry("k", "").Write(image.Bytes.AsSpan(at, 40), image.Header.Seed, 12);
        for (int at = chain - unit; at > image.End; at -= unit)
        {
            Span<byte> entry = image.Bytes.AsSpan(at + LogFrameHeader.Bytes, chain - at - LogFrameHeader.Bytes);
            LogEntryHeader.Write(entry, LogEntryFlags.None, 8, entry.Length - LogEntryHeader.Bytes - 8, 0, 0);
            LogEntryHeader.Seal(entry, LogEntryHeader.ContentChecksum(entry), image.Header.Seed, 12);
            LogFrameHeader.Write(image.Bytes.AsSpan(at), end - at, 12, 11, count + 1, LogFrameKind.Batch);
        }

        using var scanner = new LogSegmentScanner(new BytesFile(image.Bytes), image.Header) { MostWork = 1 << 20 };
        Scan scan = ReadAll(scanner);
        Assert.Equal(Entries(image, 1), scan.Entries);
        Assert.Contains("more that looks like frames", scan.Result.Damage, StringComparison.Ordinal);
    }

    [Fact]
    public void A_head_that_states_what_cannot_be_is_damage()
    {
        SegmentImage image = new SegmentImage(3, first: 10).Fill(1);
        Assert.True(Read(image.Bytes, image.Header with { Kind = (LogSegmentKind)9 }).Result.IsDamaged);
        Assert.True(Read(image.Bytes, image.Header with { First = 0 }).Result.IsDamaged);
    }

    [Fact]
    public void Reading_allocates_nothing_for_an_entry()
    {
        SegmentImage image = new SegmentImage(3, capacity: 1 << 20).Fill(5_000, 100);
        using var scanner = new LogSegmentScanner(new BytesFile(image.Bytes), image.Header);
        Assert.True(scanner.MoveNextFrame());
        long before = GC.GetAllocatedBytesForCurrentThread();
        int entries = 0;
        while (scanner.MoveNextFrame() && scanner.Frame.Sequence < 4_990)
        {
            while (scanner.MoveNextEntry()) entries += scanner.Key.Length > 0 && scanner.EntryBytes.Length > 0 ? 1 : 0;
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(4_988, entries);
    }

    private static Scan Read(SegmentImage image) => Read(image.Bytes, image.Header);

    private static Scan Read(byte[] bytes, LogSegmentHeader header, ulong durable = 0, LogVoid? cut = null, int? length = null)
    {
        using var scanner = new LogSegmentScanner(new BytesFile(bytes, length), header, durable, cut);
        return ReadAll(scanner);
    }

    private static Scan ReadAll(LogSegmentScanner scanner)
    {
        List<string> entries = [];
        List<LogFrameKind> kinds = [];
        while (scanner.MoveNextFrame())
        {
            kinds.Add(scanner.Frame.Kind);
            while (scanner.MoveNextEntry())
            {
                ReadOnlySpan<byte> entry = scanner.EntryBytes;
                LogEntryHeader header = scanner.Entry;
                entries.Add(Describe(Encoding.UTF8.GetString(scanner.Key), Encoding.UTF8.GetString(entry.Slice(LogEntryHeader.Bytes + header.KeyLength, header.ValueLength)), header.Sequence, header.Flags, header.Expires));
                Assert.Equal(new LogLocation(scanner.Location.Segment, scanner.EntryAt, (uint)(header.Length / 8), header.Flags), scanner.Location);
            }
        }

        Assert.False(scanner.MoveNextFrame());
        return new Scan(entries, kinds, scanner.Result);
    }

    private static string[] Entries(SegmentImage image, int batches) => [.. image.Batches.Take(batches).SelectMany(b => b).Select(e => Describe(e.Key, e.Value, e.Sequence, e.Flags, e.Expires))];

    private static string Describe(string key, string value, ulong sequence, LogEntryFlags flags, long expires) => $"{key} = {value} @{sequence} {flags} {expires}";

    private sealed record Scan(List<string> Entries, List<LogFrameKind> Kinds, LogScanResult Result);
}
