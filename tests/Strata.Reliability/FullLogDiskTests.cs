namespace Strata.Reliability;

/// <summary>The log's files on a real disk that has no room: refused as full, nothing left behind, and no space kept that was not given.</summary>
public sealed class FullLogDiskTests : IDisposable
{
    private const int NoSpace = 28;
    private readonly SmallDisk _small = new();
    private readonly SystemDisk _disk;

    public FullLogDiskTests()
    {
        _disk = new SystemDisk(_small.Path);
        _disk.CreateFolder("segments");
    }

    public void Dispose() => _small.Dispose();

    [Fact]
    public void Space_is_reserved_before_anything_is_written()
    {
        long before = _disk.FreeBytes;
        Assert.InRange(before, 1, 1 << 20);
        using ILogFile file = _disk.Create("segments/a", 512 << 10);
        Assert.InRange(_disk.FreeBytes, 0, before - (512 << 10));
        Refused(() => _disk.Create("segments/b", 600 << 10).Dispose());
        Fill();
        byte[] bytes = new byte[512 << 10];
        new Random(1).NextBytes(bytes);
        file.Write(0, bytes);
        file.Sync();
        byte[] read = new byte[bytes.Length];
        Assert.Equal(read.Length, file.Read(0, read));
        Assert.Equal(bytes, read);
    }

    [Fact]
    public void A_file_for_which_there_is_no_room_leaves_no_name_no_handle_and_no_space_behind()
    {
        long before = _disk.FreeBytes;
        for (int i = 0; i < 10; i++) Refused(() => _disk.Create("segments/a", 2 << 20).Dispose());
        Assert.False(_disk.Exists("segments/a"), "a file that was refused must not be found");
        Assert.Equal(before, _disk.FreeBytes);
        Assert.Equal(0, OpenFiles());
    }

    [Fact]
    public void A_file_that_cannot_grow_stays_as_it_was_and_grows_when_there_is_room()
    {
        using ILogFile file = _disk.Create("segments/a", 100_000);
        file.Write(0, "kept"u8);
        long before = _disk.FreeBytes;
        Refused(() => file.Allocate(2 << 20));
        Assert.Equal((100_000, before), (file.Length, _disk.FreeBytes));
        string filler = Fill();
        Refused(() => file.Allocate(200_000));
        _disk.Delete(filler);
        file.Allocate(200_000);
        Span<byte> read = stackalloc byte[4];
        file.Read(0, read);
        Assert.Equal("kept"u8, read);
        Assert.Equal(200_000, file.Length);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_write_that_finds_the_disk_full_half_way_says_so(bool inPieces)
    {
        using ILogFile file = _disk.Create("segments/a", 0);
        string filler = Fill(left: 100_000);
        byte[] bytes = new byte[300_000];
        new Random(2).NextBytes(bytes);
        Action write = inPieces ? () => file.Write(10, [bytes.AsMemory(0, 70_000), bytes.AsMemory(70_000, 70_000), bytes.AsMemory(140_000)]) : () => file.Write(10, bytes);
        Refused(write);
        byte[] read = new byte[bytes.Length];
        int kept = file.Read(10, read);
        Assert.InRange(kept, 1, 200_000);
        Assert.Equal(bytes.AsSpan(0, kept), read.AsSpan(0, kept));
        _disk.Delete(filler);
        write();
        Assert.Equal(bytes.Length, file.Read(10, read));
        Assert.Equal(bytes, read);
    }

    [Fact]
    public void A_full_disk_takes_renames_and_deletes()
    {
        _disk.Create("segments/a", 100_000).Dispose();
        Fill();
        _disk.Rename("segments/a", "segments/b");
        _disk.Delete("segments/b");
        _disk.SyncFolder("segments");
        Assert.True(_disk.FreeBytes >= 100_000, "a deleted file gives its space back");
    }

    private static void Refused(Action call)
    {
        IOException e = Assert.Throws<IOException>(call);
        Assert.Equal(NoSpace, e.HResult);
        StorageException told = DiskErrors.Map(e, "write", null, "test", "folder");
        Assert.Equal(StorageErrorKind.Full, told.Kind);
    }

    private string Fill(long left = 0)
    {
        const string Name = "segments/filler";
        _disk.Create(Name, (_disk.FreeBytes - left) / 4096 * 4096).Dispose();
        return Name;
    }

    private int OpenFiles() => Directory.GetFiles("/proc/self/fd").Count(f => File.ResolveLinkTarget(f, returnFinalTarget: false)?.FullName.StartsWith(_small.Path, StringComparison.Ordinal) == true);
}
