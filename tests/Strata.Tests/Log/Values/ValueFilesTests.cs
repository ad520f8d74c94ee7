using System.Runtime.CompilerServices;
using Xunit;

namespace Strata.Tests;

/// <summary>Large values when nothing goes wrong: what is written is read, files are recycled within their bounds, and stay while they are read.</summary>
public sealed class ValueFilesTests : IDisposable
{
    private const int Block = ValueBlocks.SmallestBytes;
    private readonly TempFolder _folder = new();

    public static TheoryData<bool> Disks => [true, false];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Disks))]
    public async Task What_is_written_is_read(bool isSimulated)
    {
        await using ValueFiles files = ValueFilesFixture.Open(Disk(isSimulated));
        int[] lengths = [0, 1, 4_095, 4_096, 4_097, Block - 1, Block, Block + 1, (4 * Block) - 1, 4 * Block, (4 * Block) + 1, (1 << 20) + 5, 3 << 20];
        foreach (int length in lengths)
        {
            byte[] bytes = ValueFilesFixture.Bytes(length, length);
            foreach (int step in (int[])[int.MaxValue, 10_000, Block, 100_000])
            {
                ValuePiece piece = files.Put(bytes, step: step);
                Assert.Equal(length, piece.Length);
                Assert.Equal(Crc32C.Of(bytes), piece.Checksum);
                Assert.True(bytes.AsSpan().SequenceEqual(files.Read(piece)), $"{length} bytes, written in steps of {step}, came back changed");
                files.Retire(piece.Id);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Disks))]
    public async Task More_or_fewer_bytes_than_were_expected_are_no_harm(bool isSimulated)
    {
        await using ValueFiles files = ValueFilesFixture.Open(Disk(isSimulated));
        byte[] bytes = ValueFilesFixture.Bytes(5_000_000);
        foreach (long expected in (long[])[0, 1, 4_999_999, 5_000_001, 100_000_000])
        {
            ValuePiece piece = files.Put(bytes, expected, step: 300_000);
            Assert.True(bytes.AsSpan().SequenceEqual(files.Read(piece)));
            Assert.True(files.GetStatistics().AllocatedBytes < 1.2 * bytes.Length, "what was reserved in vain is not given back");
            files.Retire(piece.Id);
            await Eventually.HoldsAsync(() => files.GetStatistics().Files == 0, "the file is let go");
            files.GiveUpSpares();
        }

        using ValueFileWriter unknown = files.Create(null);
        unknown.Write(bytes);
        Assert.Equal(bytes, files.Read(unknown.Finish()));
    }

    [Theory]
    [MemberData(nameof(Disks))]
    public async Task Any_range_of_a_value_of_several_pieces_is_read_with_any_buffer(bool isSimulated)
    {
        await using ValueFiles files = ValueFilesFixture.Open(Disk(isSimulated));
        byte[][] parts = [ValueFilesFixture.Bytes(300_000, 1), ValueFilesFixture.Bytes(1, 2), ValueFilesFixture.Bytes(2 * Block, 3), ValueFilesFixture.Bytes(0), ValueFilesFixture.Bytes(99_999, 5)];
        ValueReference reference = ValueReference.Of([.. parts.Select(p => files.Put(p))]);
        byte[] whole = [.. parts.SelectMany(p => p)];
        var random = new Random(6);
        for (int i = 0; i < 300; i++)
        {
            int offset = random.Next(whole.Length + 1), length = random.Next(whole.Length - offset + 1);
            Assert.True(files.TryOpen(reference, offset, length, out ValueReader? reader));
            using (reader)
            {
                var read = new List<byte>();
                byte[] buffer = new byte[random.Next(3) switch { 0 => random.Next(1, 100), 1 => random.Next(1, 2 * Block), _ => 400_000 }];
                if (buffer.Length < 100) length = Math.Min(length, 5_000);
                while (read.Count < length) read.AddRange(buffer.Take(await reader.ReadAsync(buffer.AsMemory(0, Math.Min(buffer.Length, length - read.Count)))));
                Assert.True(read.ToArray().AsSpan().SequenceEqual(whole.AsSpan(offset, length)), $"bytes {offset} to {offset + length} by {buffer.Length}");
            }
        }

        Assert.True(files.TryOpen(reference, 0, whole.Length, out ValueReader? all));
        using (all)
        {
            var copy = new MemoryStream();
            await all.CopyToAsync(copy);
            Assert.Equal(whole, copy.ToArray());
        }
    }

    [Theory]
    [MemberData(nameof(Disks))]
    public async Task A_file_is_recycled_and_never_shows_what_was_in_it(bool isSimulated)
    {
        await using ValueFiles files = ValueFilesFixture.Open(Disk(isSimulated));
        ValuePiece old = files.Put(ValueFilesFixture.Bytes(1 << 20, 1));
        files.Retire(old.Id);
        byte[] shorter = ValueFilesFixture.Bytes(700_000, 2);
        ValuePiece now = files.Put(shorter);
        Assert.Equal(ValueFilesFixture.FileOf(old), ValueFilesFixture.FileOf(now));
        Assert.NotEqual(old.Id, now.Id);
        Assert.Equal((1L, 1L), (files.GetStatistics().Recycled, files.GetStatistics().Created));
        Assert.Equal(shorter, files.Read(now));
        Assert.False(files.TryOpen(ValueReference.Of(old), 0, 1, out _), "the old value is gone, though its file is there");

        // Were somebody to read the file under either name with the other's checksums: no block of it would pass.
        ValuePiece mixed = old with { Id = now.Id };
        ValueFilesFixture.IsCorrupt(() => files.Read(ValueReference.Of(mixed), 0, 1));
        ValueFilesFixture.IsCorrupt(() => files.Read(ValueReference.Of(mixed), 15 * Block, 10));
    }

    [Fact]
    public async Task Same_bytes_in_a_recycled_file_have_other_checksums()
    {
        await using ValueFiles files = ValueFilesFixture.Open(new SimulatedDisk());
        ValuePiece old = files.Put(ValueFilesFixture.Bytes(100_000));
        files.Retire(old.Id);
        ValuePiece now = files.Put(ValueFilesFixture.Bytes(100_000));
        Assert.Equal(old.Checksum, now.Checksum);
        Assert.NotEqual(old.Blocks[0], now.Blocks[0]);
    }

    [Theory]
    [MemberData(nameof(Disks))]
    public async Task A_file_stays_as_it_is_until_its_last_reader_is_done(bool isSimulated)
    {
        await using ValueFiles files = ValueFilesFixture.Open(Disk(isSimulated));
        byte[] bytes = ValueFilesFixture.Bytes(500_000);
        ValuePiece piece = files.Put(bytes);
        Assert.True(files.TryOpen(ValueReference.Of(piece), 0, piece.Length, out ValueReader? first));
        using ValueLease? second = files.TryLease(piece.Id);
        files.Retire(piece.Id);
        Assert.Null(files.TryLease(piece.Id));
        ValuePiece other = files.Put(ValueFilesFixture.Bytes(500_000, 2));
        Assert.NotEqual(ValueFilesFixture.FileOf(piece), ValueFilesFixture.FileOf(other));
        byte[] read = new byte[bytes.Length];
        first.ReadAll(read);
        Assert.Equal(bytes, read);
        await first.DisposeAsync();
        Assert.Equal((1, 0), (files.GetStatistics().Retired, files.GetStatistics().Spares));
        second!.Dispose();
        second.Dispose();
        Assert.Equal((0, 1), (files.GetStatistics().Retired, files.GetStatistics().Spares));
    }

    [Fact]
    public async Task A_reader_that_was_forgotten_does_not_keep_its_file_for_ever()
    {
        await using ValueFiles files = ValueFilesFixture.Open(new SimulatedDisk());
        ValuePiece piece = files.Put(ValueFilesFixture.Bytes(100_000));
        Forget(files, piece);
        files.Retire(piece.Id);
        await Eventually.HoldsAsync(
            () =>
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                return files.GetStatistics().Retired == 0;
            },
            "The collector gives the lease back.");
        Assert.Equal(1, files.GetStatistics().Spares);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Forget(ValueFiles files, ValuePiece piece) => Assert.True(files.TryOpen(ValueReference.Of(piece), 0, 10, out _));
    }

    [Theory]
    [MemberData(nameof(Disks))]
    public async Task A_value_that_is_given_up_leaves_a_file_to_recycle_and_nothing_to_read(bool isSimulated)
    {
        await using ValueFiles files = ValueFilesFixture.Open(Disk(isSimulated));
        using (ValueFileWriter writer = files.Create(100_000))
        {
            writer.Write(ValueFilesFixture.Bytes(50_000));
            Assert.Null(files.TryLease(writer.Id));
        }

        Assert.Equal((0, 1, 0L), (files.GetStatistics().Files, files.GetStatistics().Spares, files.GetStatistics().Bytes));
        Assert.Equal(ValueFilesFixture.Bytes(100_000), files.Read(files.Put(ValueFilesFixture.Bytes(100_000))));
        Assert.Equal(1, files.GetStatistics().Recycled);
    }

    [Fact]
    public async Task A_spare_is_taken_if_it_fits_best_and_is_not_wasted_by_half()
    {
        var disk = new SimulatedDisk();
        await using ValueFiles files = ValueFilesFixture.Open(disk);
        ValuePiece[] pieces = [.. new[] { 400_000, 200_000, 300_000 }.Select(length => files.Put(new byte[length]))];
        foreach (ValuePiece piece in pieces) files.Retire(piece.Id);
        Assert.Equal(ValueFilesFixture.FileOf(pieces[2]), ValueFilesFixture.FileOf(files.Put(new byte[250_000])));
        Assert.Equal(ValueFilesFixture.FileOf(pieces[0]), ValueFilesFixture.FileOf(files.Put(new byte[250_000])));
        files.Put(new byte[90_000]);
        files.Put(new byte[210_000]);
        Assert.Equal((2L, 5L, 1), (files.GetStatistics().Recycled, files.GetStatistics().Created, files.GetStatistics().Spares));
    }

    [Fact]
    public async Task Spares_are_bounded_by_count_and_by_what_is_in_use()
    {
        var disk = new SimulatedDisk();
        await using ValueFiles files = ValueFilesFixture.Open(disk);
        ValuePiece[] small = [.. Enumerable.Range(0, 10).Select(_ => files.Put(new byte[70_000]))];
        ValuePiece[] large = [.. Enumerable.Range(0, 3).Select(_ => files.Put(new byte[5 << 20]))];
        foreach (ValuePiece piece in small) files.Retire(piece.Id);
        Assert.Equal(4, files.GetStatistics().Spares);
        foreach (ValuePiece piece in large) files.Retire(piece.Id);
        Assert.True(files.GetStatistics().SpareBytes <= 8 << 20, "nothing is in use, so 8 MiB are the bound");
        await Eventually.HoldsAsync(() => disk.Names.Count == files.GetStatistics().Spares, "What is beyond the bounds is removed.");
        await Eventually.HoldsAsync(() => files.GetStatistics().AllocatedBytes == disk.Names.Sum(disk.LengthOf), "What is allocated is what is there.");
    }

    [Fact]
    public async Task Statistics_add_up()
    {
        await using ValueFiles files = ValueFilesFixture.Open(new SimulatedDisk());
        ValuePiece a = files.Put(new byte[100_000]), b = files.Put(new byte[300_001]);
        ValueFileStatistics statistics = files.GetStatistics();
        Assert.Equal((2, 400_001L, 0, 0L), (statistics.Files, statistics.Bytes, statistics.Spares, statistics.SpareBytes));
        Assert.Equal(102_400 + 303_104, statistics.AllocatedBytes);
        files.Retire(a.Id);
        files.Retire(a.Id);
        files.Retire(123);
        statistics = files.GetStatistics();
        Assert.Equal((1, b.Length, 1, 102_400L), (statistics.Files, statistics.Bytes, statistics.Spares, statistics.SpareBytes));
    }

    [Fact]
    public void No_state_is_left_but_by_its_ways()
    {
        (ValueFileState From, ValueFileState To)[] ways =
        [
            (ValueFileState.Writing, ValueFileState.InUse), (ValueFileState.Writing, ValueFileState.Spare), (ValueFileState.Writing, ValueFileState.Gone),
            (ValueFileState.InUse, ValueFileState.Retired), (ValueFileState.Retired, ValueFileState.Spare), (ValueFileState.Retired, ValueFileState.Gone),
            (ValueFileState.Spare, ValueFileState.Writing), (ValueFileState.Spare, ValueFileState.Gone),
        ];
        foreach (ValueFileState from in Enum.GetValues<ValueFileState>())
        {
            foreach (ValueFileState to in Enum.GetValues<ValueFileState>())
            {
                var file = new ValueFile(3, 0, from);
                ulong id = file.Id;
                if (ways.Contains((from, to)))
                {
                    file.Move(to);
                    Assert.Equal(to, file.State);
                    Assert.Equal(to == ValueFileState.Writing, file.Id != id);
                }
                else
                {
                    Assert.Throws<InvalidOperationException>(() => file.Move(to));
                }
            }
        }
    }

    [Fact]
    public void A_writer_refuses_what_comes_out_of_order()
    {
        ValueFiles files = ValueFilesFixture.Open(new SimulatedDisk());
        ValueFileWriter writer = files.Create(10);
        writer.Write([1]);
        writer.Finish();
        Assert.Throws<InvalidOperationException>(() => writer.Write([1]));
        Assert.Throws<InvalidOperationException>(writer.Finish);
        writer.Dispose();
        Assert.Throws<ObjectDisposedException>(writer.Finish);
        Assert.Throws<ArgumentOutOfRangeException>(() => files.Create(-1));
        Assert.Equal(1, files.GetStatistics().Files);
    }

    [Fact]
    public async Task Handles_are_bounded_however_many_files_there_are()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "counts handles in /proc");
        await using ValueFiles files = ValueFilesFixture.Open(new SystemDisk(_folder.Path), new ValueFileOptions { Name = "test", Durability = DiskDurability.OperatingSystem, MaxIdleHandles = 8 });
        ValuePiece[] pieces = [.. Enumerable.Range(0, 100).Select(i => files.Put(ValueFilesFixture.Bytes(10_000, i)))];
        foreach (ValuePiece piece in pieces) Assert.Equal(Crc32C.Of(files.Read(piece)), piece.Checksum);
        Assert.InRange(Handles(), 1, 8);

        // A reader of many pieces has few of them open - those that were, those that it has read, the one that it reads -
        // and gives each back once it is behind.
        Assert.True(files.TryOpen(ValueReference.Of(pieces), 0, 100 * 10_000, out ValueReader? reader));
        await using (reader)
        {
            reader.ReadAll(new byte[90 * 10_000]);
            Assert.InRange(Handles(), 1, 8 + 8 + 1);
            files.Retire(pieces[0].Id);
            Assert.Equal(0, files.GetStatistics().Retired);
            files.Retire(pieces[99].Id);
            Assert.Equal(1, files.GetStatistics().Retired);
            reader.ReadAll(new byte[10 * 10_000]);
        }
    }

    [Fact]
    public async Task Writers_readers_and_those_who_retire_do_not_get_in_each_others_way()
    {
        await using ValueFiles files = ValueFilesFixture.Open(new SystemDisk(_folder.Path), durability: DiskDurability.OperatingSystem);
        var current = new ValuePiece[8];
        for (int slot = 0; slot < current.Length; slot++) current[slot] = files.Put(ValueFilesFixture.Bytes(Block * (1 + slot), slot));
        await Task.WhenAll(Enumerable.Range(0, 8).Select(worker => Task.Run(() =>
        {
            var random = new Random(worker);
            for (int i = 0; i < 200; i++)
            {
                int slot = random.Next(current.Length);
                if (worker < 3)
                {
                    ValuePiece old = Interlocked.Exchange(ref current[slot], files.Put(ValueFilesFixture.Bytes(random.Next(1, 600_000), i)));
                    files.Retire(old.Id);
                }
                else
                {
                    ValuePiece piece = Volatile.Read(ref current[slot]);
                    if (!files.TryOpen(ValueReference.Of(piece), 0, piece.Length, out ValueReader? reader)) continue;
                    using (reader)
                    {
                        byte[] bytes = new byte[piece.Length];
                        reader.ReadAll(bytes);
                        Assert.True(Crc32C.Of(bytes) == piece.Checksum, "a reader saw other bytes than those of its value");
                    }
                }
            }
        })));
        await Eventually.HoldsAsync(() => Directory.GetFiles(_folder.Sub("values")).Length == current.Length + files.GetStatistics().Spares, "What nothing refers to is removed.");
        await Eventually.HoldsAsync(() => files.GetStatistics().AllocatedBytes == new DirectoryInfo(_folder.Sub("values")).GetFiles().Sum(f => f.Length), "What is allocated is what is there.");
        Assert.Equal(current.Sum(p => p.Length), files.GetStatistics().Bytes);
    }

    private ILogDisk Disk(bool isSimulated) => isSimulated ? new SimulatedDisk() : new SystemDisk(_folder.Path);

    private int Handles() => Directory.GetFiles("/proc/self/fd").Count(IsHere);

    private bool IsHere(string handle)
    {
        try
        {
            return File.ResolveLinkTarget(handle, returnFinalTarget: false)?.FullName.StartsWith(_folder.Path, StringComparison.Ordinal) == true;
        }
        catch (FileNotFoundException)
        {
            // Another test has closed it.
            return false;
        }
    }
}
