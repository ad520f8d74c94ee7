using System.Buffers.Binary;
using Xunit;

namespace Strata.Tests.Log;

/// <summary>What is not of this log is never taken for a part of it: not a frame that somebody forged, not a segment or hint that was copied here.</summary>
public sealed class LogIdentityTests
{
    private static readonly LogOptions Options = new() { Name = "test", SegmentBytes = LogOptions.MinSegmentBytes };

    /// <summary>
    /// Incarnations and LSNs are small numbers that anybody can guess. Whoever may write values could put frames into one
    /// that state a later LSN as durable; after a crash in the middle of that value's write the log would not open any more.
    /// The second case shows that the test would see it: for somebody who knows the log's identity it works.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Frames_forged_in_a_value_do_not_keep_a_log_from_opening_after_a_crash(bool isIdentityKnown)
    {
        var disk = new SimulatedDisk();
        await using LogEngine log = LogEngine.Open(Options, disk);
        await LogEngineTests.Put(log, "a", "mine");
        Assert.True(log.TryLocate(LogEngineTests.Key("a"), out LogLocation location));
        LogSegmentHeader header = SegmentImage.HeadIn(disk, location.Segment);
        LogSeed seed = isIdentityKnown ? header.Seed : LogSeed.Of(0x5EED, header.Incarnation);
        int frame = (int)location.Offset + location.Length;
        using (var batch = new LogBatch())
        {
            batch.Put([(byte)LogKeyspace.System, .. "7 bytes"u8], Forged(seed, from: 3, count: 20));
            Assert.True((await log.CommitAsync(batch)).IsApplied);
        }

        // The sector with the frame's head did not get to the medium; those with the value did.
        SimulatedDisk found = disk.Kill();
        byte[] bytes = found.BytesOf(LogSegmentFiles.NameOf(location.Segment));
        bytes.AsSpan(frame, LogFrameHeader.Bytes).Clear();
        found.Replace(LogSegmentFiles.NameOf(location.Segment), bytes);

        if (isIdentityKnown)
        {
            Assert.Contains("was durable", Assert.Throws<StorageException>(() => LogEngine.Open(Options, found)).Message, StringComparison.Ordinal);
            return;
        }

        await using LogEngine again = LogEngine.Open(Options, found);
        Assert.Equal("mine", LogEngineTests.Read(again, "a"));
        Assert.Equal(1, again.GetStatistics().Keys);
    }

    /// <summary>A file that is recycled has old values behind the log's end: a frame forged in one of them, where the next frame would go, must not be read.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_frame_forged_in_what_a_recycled_file_held_is_not_read(bool isIdentityKnown)
    {
        LogSegmentHeader next = new SegmentImage(9, first: 200).Header;
        LogSeed seed = isIdentityKnown ? next.Seed : LogSeed.Of(0x5EED, next.Incarnation);
        var old = new SegmentImage(3, first: 10, capacity: 32 << 10);
        byte[] forged = Forged(seed, from: 203, count: 1), value = new byte[20 << 10];
        for (int at = 0; at + forged.Length < value.Length; at += forged.Length) forged.CopyTo(value, at);
        value.CopyTo(old.Bytes, LogSegmentHeader.FramesAt + 64);

        // Three frames whose end is where one of the forged ones begins.
        var image = new SegmentImage(9, first: 200, capacity: 32 << 10, before: old.Bytes);
        image.Fill(2);
        int room = forged.Length - ((image.End - LogSegmentHeader.FramesAt - 64) % forged.Length) + (2 * forged.Length);
        image.Fill(1, room - LogFrameHeader.Bytes - LogEntryHeader.Bytes - 8);
        Assert.Equal(0, (image.End - LogSegmentHeader.FramesAt - 64) % forged.Length);

        using var hint = new LogHintBuilder(image.Header);
        using var scanner = new LogSegmentScanner(new BytesFile(image.Bytes), image.Header);
        LogScanResult result = scanner.ReadTo(hint);
        Assert.Equal((isIdentityKnown ? 203UL : 202UL, isIdentityKnown ? 4 : 3), (result.LastSequence, hint.Count));
        Assert.False(result.IsDamaged);
    }

    [Fact]
    public async Task Every_segment_and_hint_states_the_log_and_an_opening_keeps_it()
    {
        var disk = new SimulatedDisk();
        await using (LogEngine log = LogEngine.Open(Options, disk)) await Fill(log);
        await using (LogEngine log = LogEngine.Open(Options, disk))
        {
            await Fill(log);
            await log.CompactAsync(0.1, CancellationToken.None);
        }

        uint[] segments = SegmentsOf(disk);
        LogSegmentHeader[] heads = [.. segments.Select(s => SegmentImage.HeadIn(disk, s))];
        Assert.Contains(heads, h => h.Kind == LogSegmentKind.Compacted);
        Assert.Contains(heads, h => h.Kind == LogSegmentKind.Appended);
        ulong identity = Assert.Single(heads.Select(h => h.Identity).Distinct());
        Assert.All(segments, s => Assert.Equal(identity, LogHint.IdentityOf(disk, s)));
        Assert.NotEqual(identity, Identity(await Filled()));
    }

    [Fact]
    public async Task A_segment_of_another_log_is_refused_in_words_and_nothing_is_changed()
    {
        SimulatedDisk disk = await Filled(), other = await Filled();
        uint stranger = SegmentsOf(disk).Max() + 1;

        // It could name segments of this log as those that it takes the place of.
        byte[] bytes = other.BytesOf(LogSegmentFiles.NameOf(SegmentsOf(other)[0]));
        Assert.Null(LogSegmentHeader.Read(bytes, out LogSegmentHeader header));
        (header with { Incarnation = stranger, Kind = LogSegmentKind.Compacted }).Write(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(LogSegmentHeader.Bytes + 4), 1);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(LogSegmentHeader.Bytes + 8), SegmentsOf(disk)[0]);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(LogSegmentHeader.Bytes), Crc32C.Of(bytes.AsSpan(LogSegmentHeader.Bytes + 4, 8)));
        disk.Replace(LogSegmentFiles.NameOf(stranger), bytes);

        string[] names = [.. disk.Names];
        int open = disk.OpenFiles;
        StorageException refused = Assert.Throws<StorageException>(() => LogEngine.Open(Options, disk));
        Assert.Equal(StorageErrorKind.Corrupt, refused.Kind);
        Assert.Contains("segments of 2 logs", refused.Message, StringComparison.Ordinal);
        Assert.Contains(LogSegmentFiles.NameOf(stranger), refused.Message, StringComparison.Ordinal);
        Assert.Equal(names, disk.Names);
        Assert.Equal(open, disk.OpenFiles);

        disk.Delete(LogSegmentFiles.NameOf(stranger));
        await using LogEngine log = LogEngine.Open(Options, disk);
        Check(log);
    }

    [Fact]
    public async Task A_hint_of_another_log_is_not_used()
    {
        SimulatedDisk disk = await Filled(), other = new SimulatedDisk();
        await using (LogEngine log = LogEngine.Open(Options, other))
        {
            for (int i = 0; i < 600; i++) await LogEngineTests.Put(log, $"other {i}", new string('x', 200));
        }

        uint[] segments = SegmentsOf(disk);
        foreach (uint segment in segments) disk.Replace(LogSegmentFiles.HintNameOf(segment), other.BytesOf(LogSegmentFiles.HintNameOf(segment)));
        await using LogEngine found = LogEngine.Open(Options, disk);
        Check(found);
        Assert.All(segments, s => Assert.Equal(Identity(disk), LogHint.IdentityOf(disk, s)));
    }

    /// <summary>No file has the identity alone: whichever head is lost, the hint and the others have it.</summary>
    [Fact]
    public async Task A_damaged_head_costs_nothing_where_there_is_a_hint()
    {
        SimulatedDisk whole = await Filled();
        foreach (uint[] damaged in (uint[][])[.. SegmentsOf(whole).Select(s => new[] { s }), SegmentsOf(whole)])
        {
            SimulatedDisk disk = whole.Kill();
            foreach (uint segment in damaged) disk.Flip(LogSegmentFiles.NameOf(segment), 50);
            await using LogEngine log = LogEngine.Open(Options, disk);
            Check(log);
            await LogEngineTests.Put(log, "more", "after");
        }
    }

    /// <summary>
    /// Without its head and its hint a segment cannot be read, and it cannot be taken for one that a crash kept from being
    /// begun either: it would be removed, and all in it be lost, though most of it is intact.
    /// </summary>
    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task A_segment_without_head_and_hint_is_never_removed_while_something_in_it_is_intact(bool isAlone, bool isFirstFrameDamaged)
    {
        var disk = new SimulatedDisk();
        await using LogEngine log = LogEngine.Open(Options, disk);
        if (isAlone) await LogEngineTests.Put(log, "first", "value");
        else await Fill(log);
        await LogEngineTests.Put(log, "second", "value");
        SimulatedDisk found = disk.Kill();
        string name = LogSegmentFiles.NameOf(SegmentsOf(found).Max());
        found.Flip(name, 50);
        if (isFirstFrameDamaged) found.Flip(name, LogSegmentHeader.FramesAt + 10);
        StorageException refused = Assert.Throws<StorageException>(() => LogEngine.Open(Options, found));
        Assert.Equal(StorageErrorKind.Corrupt, refused.Kind);
        Assert.Contains(name, refused.Message, StringComparison.Ordinal);
        Assert.Contains(name, found.Names);
    }

    [Fact]
    public async Task A_segment_of_a_format_that_is_not_known_is_refused_and_kept()
    {
        foreach ((int at, string says) in ((int, string)[])[(12, "format 2"), (48, "states no log")])
        {
            SimulatedDisk disk = await Filled();
            string name = LogSegmentFiles.NameOf(SegmentsOf(disk)[0]);
            byte[] bytes = disk.BytesOf(name);
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(at), at == 12 ? BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at)) + 1 : 0);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), Crc32C.Of(bytes.AsSpan(12, LogSegmentHeader.Bytes - 12)));
            disk.Replace(name, bytes);
            string[] names = [.. disk.Names];
            StorageException refused = Assert.Throws<StorageException>(() => LogEngine.Open(Options, disk));
            Assert.Equal(StorageErrorKind.Unsupported, refused.Kind);
            Assert.Contains(says, refused.Message, StringComparison.Ordinal);
            Assert.Equal(names, disk.Names);
        }
    }

    [Fact]
    public void A_seed_gives_an_identity_that_gives_the_same_seeds()
    {
        var random = new Random(3);
        for (int i = 0; i < 1_000; i++)
        {
            ulong identity = (ulong)random.NextInt64(), sequence = (ulong)random.NextInt64();
            uint incarnation = (uint)random.Next();
            LogSeed seed = LogSeed.Of(identity, incarnation), found = LogSeed.Of(LogSeed.IdentityBehind(seed.At(sequence), incarnation, sequence), incarnation);
            Assert.Equal(seed, found);
        }
    }

    [Fact]
    public void Seeds_are_the_checksums_that_the_format_says()
    {
        byte[] place = new byte[20];
        BinaryPrimitives.WriteUInt64LittleEndian(place, SegmentImage.Identity);
        BinaryPrimitives.WriteUInt32LittleEndian(place.AsSpan(8), 7);
        BinaryPrimitives.WriteUInt64LittleEndian(place.AsSpan(12), 1UL << 40);
        Assert.Equal(Crc32C.Of(place), LogSeed.Of(SegmentImage.Identity, 7).At(1UL << 40));
    }

    /// <summary>Frames that follow each other, each stating all before it as durable.</summary>
    private static byte[] Forged(LogSeed seed, ulong from, int count)
    {
        var entry = new ImageEntry("a", "forged!");
        int length = LogFrameHeader.Bytes + entry.Length;
        byte[] frames = new byte[count * length];
        for (int i = 0; i < count; i++)
        {
            ulong sequence = from + (ulong)i;
            Span<byte> frame = frames.AsSpan(i * length, length);
            entry.Write(frame[LogFrameHeader.Bytes..], seed, sequence);
            LogFrameHeader.Write(frame, length, sequence, sequence - 1, 1, LogFrameKind.Batch);
            LogFrameHeader.Seal(frame, frame.Slice(LogFrameHeader.Bytes, 4), seed);
        }

        return frames;
    }

    private static ulong Identity(SimulatedDisk disk) => SegmentImage.HeadIn(disk, SegmentsOf(disk)[0]).Identity;

    private static uint[] SegmentsOf(SimulatedDisk disk) =>
        [.. disk.Names.Where(n => n.EndsWith(".seg", StringComparison.Ordinal) && !n.Contains("spare", StringComparison.Ordinal)).Select(n => Convert.ToUInt32(Path.GetFileNameWithoutExtension(n), 16)).Order()];

    private static async Task<SimulatedDisk> Filled()
    {
        var disk = new SimulatedDisk();
        await using (LogEngine log = LogEngine.Open(Options, disk)) await Fill(log);
        return disk;
    }

    /// <summary>Some segments full.</summary>
    private static async Task Fill(LogEngine log)
    {
        for (int i = 0; i < 600; i++) await LogEngineTests.Put(log, $"key {i}", new string((char)('a' + (i % 26)), 200));
    }

    private static void Check(LogEngine log)
    {
        for (int i = 0; i < 600; i++) Assert.Equal(new string((char)('a' + (i % 26)), 200), LogEngineTests.Read(log, $"key {i}"));
        Assert.Equal(600, log.GetStatistics().Keys);
    }
}
