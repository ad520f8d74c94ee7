using Xunit;

namespace Strata.Tests;

/// <summary>Large values when something is damaged, missing, full or fails: no byte is handed out that was not written, and nothing is left behind.</summary>
public sealed class ValueFaultTests : IDisposable
{
    private const int Block = ValueBlocks.SmallestBytes;
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task What_is_before_a_damaged_block_is_read_and_nothing_of_the_block()
    {
        var disk = new SimulatedDisk();
        await using ValueFiles files = ValueFilesFixture.Open(disk);
        byte[] bytes = ValueFilesFixture.Bytes((5 * Block) + 10);
        ValuePiece piece = files.Put(bytes);
        disk.Flip(ValueFilesFixture.FileOf(piece), (2 * Block) + 5);
        Assert.True(files.TryOpen(ValueReference.Of(piece), 0, piece.Length, out ValueReader? reader));
        using (reader)
        {
            byte[] buffer = new byte[bytes.Length];
            Assert.Equal(2 * Block, reader.ReadSome(buffer));
            Assert.True(buffer.AsSpan(0, 2 * Block).SequenceEqual(bytes.AsSpan(0, 2 * Block)));
            Assert.Equal(-1, buffer.AsSpan(2 * Block).IndexOfAnyExcept((byte)0));
            for (int i = 0; i < 2; i++)
            {
                StorageException e = ValueFilesFixture.IsCorrupt(() => reader.ReadSome(buffer));
                Assert.Contains($"{2 * Block} to {3 * Block}", e.Message, StringComparison.Ordinal);
            }

            ValueFilesFixture.IsCorrupt(() => reader.ReadSome(new byte[3]));
            await Assert.ThrowsAsync<StorageException>(() => reader.ReadAsync(buffer).AsTask());
        }

        Assert.True(files.Read(ValueReference.Of(piece), 3 * Block, (2 * Block) + 10).AsSpan().SequenceEqual(bytes.AsSpan(3 * Block)), "what follows the damage is intact");
        disk.Flip(ValueFilesFixture.FileOf(piece), (2 * Block) + 5);
        Assert.Equal(bytes, files.Read(piece));
    }

    [Fact]
    public async Task A_bit_that_changes_anywhere_in_the_value_is_noticed()
    {
        var disk = new SimulatedDisk();
        await using ValueFiles files = ValueFilesFixture.Open(disk);
        byte[] bytes = ValueFilesFixture.Bytes((2 * Block) + 1_000);
        ValuePiece piece = files.Put(bytes);
        for (long at = 0; at < disk.LengthOf(ValueFilesFixture.FileOf(piece)); at += 97)
        {
            disk.Flip(ValueFilesFixture.FileOf(piece), at, (byte)(1 << (int)(at % 8)));
            if (at < bytes.Length) ValueFilesFixture.IsCorrupt(() => files.Read(piece));
            else Assert.Equal(bytes, files.Read(piece));
            disk.Flip(ValueFilesFixture.FileOf(piece), at, (byte)(1 << (int)(at % 8)));
        }
    }

    [Fact]
    public async Task Blocks_that_have_changed_places_are_noticed()
    {
        var disk = new SimulatedDisk();
        await using ValueFiles files = ValueFilesFixture.Open(disk);
        ValuePiece piece = files.Put(ValueFilesFixture.Bytes(4 * Block)), other = files.Put(ValueFilesFixture.Bytes(4 * Block));
        byte[] bytes = disk.BytesOf(ValueFilesFixture.FileOf(piece));
        disk.Replace(ValueFilesFixture.FileOf(piece), [.. bytes[Block..(2 * Block)], .. bytes[..Block], .. bytes[(2 * Block)..]]);
        await using ValueFiles again = ValueFilesFixture.Open(disk.Kill(), [piece.Record(), other.Record()]);
        ValueFilesFixture.IsCorrupt(() => again.Read(piece));
        Assert.Equal(bytes, again.Read(other));
    }

    [Fact]
    public async Task A_file_that_is_cut_off_is_read_up_to_there()
    {
        var warnings = new WarningCounter();
        var disk = new SimulatedDisk();
        byte[] bytes = ValueFilesFixture.Bytes(3 * Block);
        ValuePiece piece;
        await using (ValueFiles files = ValueFilesFixture.Open(disk)) piece = files.Put(bytes);
        foreach (int length in (int[])[0, 1, Block - 1, Block, (2 * Block) + 1, (3 * Block) - 1])
        {
            disk.Replace(ValueFilesFixture.FileOf(piece), bytes[..length]);
            await using ValueFiles files = ValueFilesFixture.Open(disk, [piece.Record()], context: StoreContext.Default with { Loggers = warnings });
            int intact = length & -Block;
            Assert.Equal(bytes[..intact], files.Read(ValueReference.Of(piece), 0, intact));
            ValueFilesFixture.IsCorrupt(() => files.Read(ValueReference.Of(piece), intact, 1));
        }

        Assert.Equal(6, warnings.Warnings);
    }

    [Fact]
    public async Task A_file_that_is_missing_is_reported_and_its_value_is_corrupt()
    {
        var warnings = new WarningCounter();
        var disk = new SimulatedDisk();
        ValuePiece lost, kept;
        await using (ValueFiles files = ValueFilesFixture.Open(disk)) (lost, kept) = (files.Put(ValueFilesFixture.Bytes(100_000)), files.Put(ValueFilesFixture.Bytes(90_000)));
        disk.Delete(ValueFilesFixture.FileOf(lost));
        await using ValueFiles again = ValueFilesFixture.Open(disk, [lost.Record(), kept.Record()], context: StoreContext.Default with { Loggers = warnings });
        Assert.Equal((1, 1, 1), (warnings.Warnings, again.GetStatistics().Missing, again.GetStatistics().Files));
        StorageException e = ValueFilesFixture.IsCorrupt(() => again.Read(lost));
        Assert.Contains("missing", e.Message, StringComparison.Ordinal);
        Assert.Equal(ValueFilesFixture.Bytes(90_000), again.Read(kept));
        again.Retire(lost.Id);
        Assert.Equal((0, 1), (again.GetStatistics().Missing, again.GetStatistics().Files));
    }

    [Fact]
    public async Task An_opening_recycles_what_nothing_refers_to_and_touches_nothing_else()
    {
        var disk = new SimulatedDisk();
        ValuePiece kept, unused;
        await using (ValueFiles files = ValueFilesFixture.Open(disk)) (kept, unused) = (files.Put(ValueFilesFixture.Bytes(100_000)), files.Put(ValueFilesFixture.Bytes(90_000)));
        string[] foreign = ["values/notes.txt", "values/0000000001.val.bak", "values/00000000FF.val", "values/1.val", "values/-000000001.val"];
        foreach (string name in foreign) disk.Create(name, 10).Dispose();
        await using ValueFiles again = ValueFilesFixture.Open(disk, [kept.Record()]);
        Assert.Equal(foreign.Order(), disk.Names.Intersect(foreign).Order());
        Assert.Equal((1, 1), (again.GetStatistics().Files, again.GetStatistics().Spares));
        Assert.Equal(ValueFilesFixture.Bytes(100_000), again.Read(kept));
        ValuePiece next = again.Put(ValueFilesFixture.Bytes(90_000, 2));
        Assert.Equal((1L, 0L), (again.GetStatistics().Recycled, again.GetStatistics().Created));
        Assert.True(ValueFile.NumberOf(next.Id) > ValueFile.NumberOf(unused.Id), "nobody knows which lives of the file were used, so it needs another number");
    }

    [Fact]
    public async Task No_number_is_given_twice()
    {
        var disk = new SimulatedDisk();
        await using ValueFiles files = new(disk, new ValueFileOptions { Name = "test" });
        files.Recover([], lastNumber: 41);
        Assert.Equal(42UL, ValueFile.NumberOf(files.Put([1]).Id));
        await using ValueFiles again = ValueFilesFixture.Open(new SimulatedDisk(), [new ValueFileRecord(77UL << 24, 5)]);
        Assert.Equal(78UL, ValueFile.NumberOf(again.Put([1]).Id));
    }

    [Fact]
    public async Task A_disk_that_is_full_in_the_middle_of_a_value_keeps_nothing_of_it_and_all_others()
    {
        var disk = new SimulatedDisk { Capacity = 4 << 20 };
        await using ValueFiles files = ValueFilesFixture.Open(disk);
        byte[] bytes = ValueFilesFixture.Bytes(1 << 20);
        ValuePiece kept = files.Put(bytes);
        using (ValueFileWriter writer = files.Create(null))
        {
            IOException full = Assert.Throws<IOException>((Action)(() =>
            {
                while (true) writer.Write(bytes);
            }));
            Assert.True(DiskErrors.IsFull(full));
            Assert.Throws<InvalidOperationException>(writer.Finish);
            Assert.Throws<InvalidOperationException>(() => writer.Write([1]));
        }

        Assert.True(DiskErrors.IsFull(Assert.Throws<IOException>(() => files.Create(5 << 20))));
        await Eventually.HoldsAsync(() => disk.Names.Count == 1, "Nothing is left of what did not fit.");
        await Eventually.HoldsAsync(() => files.GetStatistics().AllocatedBytes == 1 << 20, "Nor is it counted.");
        Assert.Equal(bytes, files.Read(kept));
        Assert.Equal(bytes, files.Read(files.Put(bytes)));
    }

    [Fact]
    public async Task The_room_of_spares_is_had_where_the_disk_is_full()
    {
        var disk = new SimulatedDisk { Capacity = 4 << 20 };
        await using ValueFiles files = ValueFilesFixture.Open(disk);
        foreach (ValuePiece piece in (ValuePiece[])[.. Enumerable.Range(0, 4).Select(_ => files.Put(new byte[1 << 20]))]) files.Retire(piece.Id);
        Assert.Equal(4, files.GetStatistics().Spares);
        byte[] bytes = ValueFilesFixture.Bytes(3 << 20);
        Assert.Equal(bytes, files.Read(files.Put(bytes)));
        Assert.Equal(0, files.GetStatistics().Spares);

        // And while a value of unknown length grows; to its very end, though steps would be longer.
        await using ValueFiles others = ValueFilesFixture.Open(new SimulatedDisk { Capacity = 4 << 20 });
        foreach (ValuePiece piece in (ValuePiece[])[.. Enumerable.Range(0, 3).Select(_ => others.Put(new byte[100_000]))]) others.Retire(piece.Id);
        byte[] most = ValueFilesFixture.Bytes((4 << 20) - 100);
        Assert.Equal(most, others.Read(others.Put(most, 2 << 20, step: 50_000)));
    }

    [Fact]
    public async Task A_length_that_somebody_merely_says_does_not_take_the_disk()
    {
        await using ValueFiles files = ValueFilesFixture.Open(new SystemDisk(_folder.Path), durability: DiskDurability.OperatingSystem);
        using (ValueFileWriter writer = files.Create(10L << 40)) Assert.InRange(files.GetStatistics().AllocatedBytes, 1 << 20, 256 << 20);
        await Eventually.HoldsAsync(() => files.GetStatistics().AllocatedBytes <= 64 << 20, "It is given back.");
    }

    [Theory]
    [InlineData(DiskFault.SyncFails)]
    [InlineData(DiskFault.SyncLosesPages)]
    public async Task A_value_whose_sync_failed_is_not_acknowledged_and_its_file_not_recycled(object fault)
    {
        bool isFaulty = false;
        var disk = new SimulatedDisk();
        disk.Faults = call => isFaulty && call.Operation == DiskOperation.Sync ? (DiskFault)fault : DiskFault.None;
        await using ValueFiles files = ValueFilesFixture.Open(disk);
        ValuePiece kept = files.Put(ValueFilesFixture.Bytes(100_000));
        isFaulty = true;
        using (ValueFileWriter writer = files.Create(100_000))
        {
            writer.Write(new byte[100_000]);
            Assert.Throws<IOException>(writer.Finish);
            isFaulty = false;
            Assert.Throws<InvalidOperationException>(writer.Finish);
        }

        await Eventually.HoldsAsync(() => disk.Names.Count == 1, "The file is removed: nobody knows what of it is on the medium.");
        Assert.Equal((1, 0), (files.GetStatistics().Files, files.GetStatistics().Spares));
        Assert.Equal(ValueFilesFixture.Bytes(100_000), files.Read(kept));
    }

    [Fact]
    public async Task A_name_that_could_not_be_synced_is_in_doubt_for_all_who_waited()
    {
        var disk = new SimulatedDisk();
        bool isFaulty = false;
        disk.Faults = call => isFaulty && call.Operation == DiskOperation.SyncFolder ? DiskFault.Fail : DiskFault.None;
        await using ValueFiles files = ValueFilesFixture.Open(disk);
        using ValueFileWriter first = files.Create(10), second = files.Create(10);
        isFaulty = true;
        IOException cause = Assert.Throws<IOException>(first.Finish);
        isFaulty = false;
        Assert.Contains(cause.Message, Assert.Throws<IOException>(second.Finish).Message, StringComparison.Ordinal);
        ValuePiece after = files.Put([1]);
        Assert.Equal([1], files.Read(after));
    }

    [Fact]
    public async Task Values_that_finish_at_one_time_share_a_sync_of_the_folder_and_recycled_ones_need_none()
    {
        const int Writers = 8;
        var disk = new SimulatedDisk();
        int synced = 0, folders = 0;
        using var all = new ManualResetEventSlim();
        disk.Before = call =>
        {
            if (call.Operation == DiskOperation.Sync && Interlocked.Increment(ref synced) == Writers) all.Set();
            if (call is not { Operation: DiskOperation.SyncFolder, Name: ValueFile.Folder }) return;
            Interlocked.Increment(ref folders);
            Assert.True(all.Wait(TimeSpan.FromSeconds(20)), "the others come as far as this meanwhile");
        };
        await using ValueFiles files = ValueFilesFixture.Open(disk);
        ValuePiece[] pieces = await Task.WhenAll(Enumerable.Range(0, Writers).Select(i => Task.Factory.StartNew(() => files.Put(new byte[100_000]), default, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        Assert.InRange(folders, 1, 2);
        folders = 0;
        foreach (ValuePiece piece in pieces[..4]) files.Retire(piece.Id);
        for (int i = 0; i < 4; i++) files.Put(new byte[100_000]);
        Assert.Equal((0, 4L), (folders, files.GetStatistics().Recycled));
    }

    [Fact]
    public async Task A_file_that_cannot_be_removed_is_told_and_goes_at_the_next_opening()
    {
        var warnings = new WarningCounter();
        var disk = new SimulatedDisk();
        bool isFaulty = true;
        disk.Faults = call => isFaulty && call.Operation == DiskOperation.Delete ? DiskFault.Fail : DiskFault.None;
        await using (ValueFiles files = ValueFilesFixture.Open(disk, context: StoreContext.Default with { Loggers = warnings }))
        {
            files.Retire(files.Put(new byte[9 << 20]).Id);
            await Eventually.HoldsAsync(() => files.GetStatistics().LastBackgroundError is not null, "The statistics say so.");
            Assert.Equal(1, warnings.Warnings);
        }

        isFaulty = false;
        await using ValueFiles again = ValueFilesFixture.Open(disk);
        Assert.Empty(disk.Names);
    }

    [Fact]
    public async Task A_spare_that_is_gone_is_no_reason_to_fail()
    {
        var warnings = new WarningCounter();
        var disk = new SimulatedDisk();
        await using (ValueFiles files = ValueFilesFixture.Open(disk)) files.Put(new byte[100_000]);
        await using ValueFiles again = ValueFilesFixture.Open(disk, context: StoreContext.Default with { Loggers = warnings });
        Assert.Equal(1, again.GetStatistics().Spares);
        disk.Delete(disk.Names.Single());
        byte[] bytes = ValueFilesFixture.Bytes(100_000);
        Assert.Equal(bytes, again.Read(again.Put(bytes)));
        Assert.Equal((1, 0), (warnings.Warnings, again.GetStatistics().Spares));
    }

    [Fact]
    public async Task A_medium_that_cannot_be_read_is_not_called_damage()
    {
        var disk = new SimulatedDisk();
        await using ValueFiles files = ValueFilesFixture.Open(disk);
        ValuePiece piece = files.Put(new byte[100_000]);
        disk.Faults = call => call.Operation == DiskOperation.Read ? DiskFault.Fail : DiskFault.None;
        Assert.Equal(StorageErrorKind.Unavailable, Assert.Throws<StorageException>(() => files.Read(piece)).Kind);
        disk.Faults = null;
        Assert.Equal(new byte[100_000], files.Read(piece));
    }
}
