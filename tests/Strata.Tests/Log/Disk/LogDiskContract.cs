using Xunit;

namespace Strata.Tests;

/// <summary>What the log relies on in every disk: the operating system's keeps it, and the simulated one, or tests on that one prove nothing.</summary>
public abstract class LogDiskContract : IDisposable
{
    private ILogDisk? _disk;

    private protected ILogDisk Disk
    {
        get
        {
            if (_disk is not null) return _disk;
            _disk = NewDisk();
            _disk.CreateFolder("");
            _disk.CreateFolder("segments");
            return _disk;
        }
    }

    public void Dispose()
    {
        CleanUp();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void A_new_file_has_its_length_reads_as_zeros_and_is_found()
    {
        using ILogFile file = Disk.Create("segments/a", 10_000);
        Assert.Equal(("segments/a", 10_000L, 10_000L), (file.Name, file.Length, Disk.LengthOf("segments/a")));
        Assert.Equal(new byte[10_000], BytesOf(file));
        Assert.True(Disk.Exists("segments/a"));
        Assert.Equal(["a"], Disk.List("segments"));
        Assert.Empty(Disk.List(""));
    }

    [Fact]
    public void A_file_is_created_once_and_the_second_creator_harms_nothing()
    {
        using ILogFile first = Disk.Create("segments/a", 0);
        first.Write(0, "kept"u8);
        IOException taken = Assert.ThrowsAny<IOException>(() => Disk.Create("segments/a", 100));
        if (!OperatingSystem.IsWindows()) Assert.Equal(17, taken.HResult);
        Assert.Equal("kept"u8, BytesOf(first));
        Assert.Equal(4, Disk.LengthOf("segments/a"));
    }

    [Fact]
    public void What_is_not_there_is_said_not_to_be_there()
    {
        Assert.Throws<FileNotFoundException>(() => Disk.Open("segments/a"));
        Assert.Throws<FileNotFoundException>(() => Disk.LengthOf("segments/a"));
        Assert.Throws<FileNotFoundException>(() => Disk.Rename("segments/a", "segments/b"));
        Assert.Throws<DirectoryNotFoundException>(() => Disk.Create("nowhere/a", 10));
        Assert.Throws<DirectoryNotFoundException>(() => Disk.Open("nowhere/a"));
        Assert.ThrowsAny<IOException>(() => Disk.SyncFolder("nowhere"));
        Assert.False(Disk.Exists("segments/a") || Disk.Exists("nowhere/a") || Disk.Exists("segments"), "a folder is no file");
        Assert.Empty(Disk.List("nowhere"));
        Disk.Delete("segments/a");
        Disk.Delete("nowhere/a");
    }

    [Fact]
    public void Bytes_are_read_as_they_were_written_wherever_they_are()
    {
        using ILogFile file = Disk.Create("segments/a", 0);
        byte[] model = [];
        var random = new Random(7);
        for (int i = 0; i < 200; i++)
        {
            byte[] bytes = new byte[random.Next(3) == 0 ? random.Next(20_000) : random.Next(600)];
            random.NextBytes(bytes);
            int offset = random.Next(40_000);
            file.Write(offset, bytes);
            if (bytes.Length > 0 && offset + bytes.Length > model.Length) Array.Resize(ref model, offset + bytes.Length);
            bytes.CopyTo(model.AsSpan(Math.Min(offset, model.Length)));
            Assert.Equal(model.Length, file.Length);
            int from = random.Next(model.Length), count = Math.Min(random.Next(10_000), model.Length - from);
            byte[] read = new byte[count];
            Assert.Equal(count, file.Read(from, read));
            Assert.True(read.AsSpan().SequenceEqual(model.AsSpan(from, count)), $"what was read at {from} after write {i} differs from what was written");
        }

        Assert.True(model.AsSpan().SequenceEqual(BytesOf(file)));
    }

    [Theory]
    [InlineData(0, 10)]
    [InlineData(1, 10)]
    [InlineData(31, 100)]
    [InlineData(32, 100)]
    [InlineData(33, 100)]
    [InlineData(32, 8_000)]
    [InlineData(33, 8_000)]
    [InlineData(64, 8_000)]
    [InlineData(100, 0)]
    [InlineData(1_500, 700)]
    [InlineData(40, 100_000)]
    public void Pieces_are_written_one_behind_the_other(int count, int most)
    {
        using ILogFile file = Disk.Create("segments/a", 0);
        var random = new Random(count);
        List<ReadOnlyMemory<byte>> pieces = [];
        for (int i = 0; i < count; i++)
        {
            byte[] bytes = new byte[random.Next(most + 1)];
            random.NextBytes(bytes);
            pieces.Add(i % 2 == 0 ? bytes : bytes.AsMemory(bytes.Length / 3));
        }

        file.Write(0, "before"u8);
        file.Write(5, pieces);
        byte[] expected = [.. "befor"u8, .. pieces.SelectMany(p => p.ToArray())];
        if (expected.Length == 5) expected = [.. "before"u8];
        Assert.True(expected.AsSpan().SequenceEqual(BytesOf(file)), "the pieces are not where they belong");
    }

    [Fact]
    public void A_read_ends_with_the_file()
    {
        using ILogFile file = Disk.Create("segments/a", 0);
        file.Write(0, new byte[5_000]);
        byte[] into = new byte[10_000];
        Assert.Equal(5_000, file.Read(0, into));
        Assert.Equal(1, file.Read(4_999, into));
        Assert.Equal(0, file.Read(5_000, into));
        Assert.Equal(0, file.Read(1_000_000, into));
    }

    [Fact]
    public void A_file_grows_by_zeros_and_what_was_cut_does_not_come_back()
    {
        using ILogFile file = Disk.Create("segments/a", 0);
        file.Write(0, Enumerable.Repeat((byte)1, 9_000).ToArray());
        file.Allocate(20_000);
        Assert.Equal(20_000, file.Length);
        file.Allocate(100);
        Assert.Equal(20_000, file.Length);
        file.Truncate(5_000);
        file.Truncate(100_000);
        Assert.Equal(5_000, file.Length);
        file.Allocate(9_000);
        Assert.Equal([.. Enumerable.Repeat((byte)1, 5_000), .. new byte[4_000]], BytesOf(file));
    }

    [Fact]
    public void A_rename_replaces_and_open_files_stay_what_they_are()
    {
        using ILogFile replaced = Disk.Create("segments/a", 0), moved = Disk.Create("segments/b", 0);
        replaced.Write(0, "old"u8);
        moved.Write(0, "new"u8);
        Disk.Rename("segments/b", "segments/a");
        Assert.Equal(["a"], Disk.List("segments"));
        moved.Write(3, "er"u8);
        using ILogFile opened = Disk.Open("segments/a");
        Assert.Equal("newer"u8, BytesOf(opened));
        Assert.Equal("old"u8, BytesOf(replaced));
    }

    [Fact]
    public void A_removed_file_is_read_and_written_by_who_has_it_open()
    {
        using ILogFile file = Disk.Create("segments/a", 0);
        file.Write(0, "still"u8);
        Disk.Delete("segments/a");
        Assert.False(Disk.Exists("segments/a"));
        file.Write(5, " here"u8);
        file.Sync();
        Assert.Equal("still here"u8, BytesOf(file));
        using ILogFile next = Disk.Create("segments/a", 3);
        Assert.Equal(new byte[3], BytesOf(next));
    }

    [Fact]
    public void A_folder_may_be_there_already_and_those_above_it_come_with_it()
    {
        Disk.CreateFolder("segments");
        Disk.CreateFolder("values/deep/er");
        Disk.CreateFolder("values/deep");
        Disk.Create("values/deep/er/a", 1).Dispose();
        Assert.Equal(["a"], Disk.List("values/deep/er"));
        Assert.Empty(Disk.List("values"));
        foreach (string folder in new[] { "", "segments", "values", "values/deep", "values/deep/er" }) Disk.SyncFolder(folder);
    }

    [Fact]
    public void Syncs_and_hints_change_no_byte()
    {
        using ILogFile file = Disk.Create("segments/a", 100_000);
        byte[] bytes = new byte[100_000];
        new Random(3).NextBytes(bytes);
        file.Write(0, bytes);
        file.StartWriteBack(0, bytes.Length);
        file.DropCache(0, bytes.Length);
        file.Sync();
        file.StartWriteBack(5_000, 0);
        file.DropCache(0, bytes.Length);
        Assert.True(bytes.AsSpan().SequenceEqual(BytesOf(file)));
    }

    [Fact]
    public void A_file_that_was_closed_says_so()
    {
        ILogFile file = Disk.Create("segments/a", 100);
        file.Dispose();
        file.Dispose();
        byte[] into = new byte[1];
        Assert.Throws<ObjectDisposedException>(() => file.Write(0, "a"u8));
        Assert.Throws<ObjectDisposedException>(() => file.Write(0, [into, into]));
        Assert.Throws<ObjectDisposedException>(() => file.Read(0, into));
        Assert.Throws<ObjectDisposedException>(file.Sync);
        Assert.Equal(new byte[100], BytesOf(Disk.Open("segments/a")));
    }

    [Fact]
    public async Task Many_threads_write_and_read_one_file()
    {
        using ILogFile file = Disk.Create("segments/a", 8 * 10_000);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(thread => Task.Run(() =>
        {
            byte[] bytes = new byte[100], read = new byte[100];
            for (int i = 0; i < 100; i++)
            {
                bytes.AsSpan().Fill((byte)((thread * 31) + i));
                file.Write((thread * 10_000) + (i * 100), bytes);
                Assert.Equal(100, file.Read((thread * 10_000) + (i * 100), read));
                Assert.Equal(bytes, read);
                if (i % 25 == 0) file.Sync();
            }
        })));
        byte[] all = BytesOf(file);
        for (int thread = 0; thread < 8; thread++)
            for (int i = 0; i < 100; i++) Assert.Equal((byte)((thread * 31) + i), all[(thread * 10_000) + (i * 100) + 99]);
    }

    [Fact]
    public void There_is_room() => Assert.True(Disk.FreeBytes > 0);

    private protected abstract ILogDisk NewDisk();

    private protected static byte[] BytesOf(ILogFile file)
    {
        byte[] bytes = new byte[file.Length];
        Assert.Equal(bytes.Length, file.Read(0, bytes));
        return bytes;
    }

    protected virtual void CleanUp()
    {
    }
}
