using System.Runtime.CompilerServices;
using Xunit;

namespace Strata.Tests;

/// <summary>The operating system's files: what only they can do, and what only they can refuse.</summary>
public sealed class SystemDiskTests : LogDiskContract
{
    private readonly TempFolder _folder = new();

    [Fact]
    public void Files_and_folders_are_their_owners_alone()
    {
        if (OperatingSystem.IsWindows()) return;
        Disk.Create("segments/a", 10).Dispose();
        Disk.CreateFolder("values/deep");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_folder.Sub("log/segments/a")));
        foreach (string folder in new[] { "log", "log/segments", "log/values", "log/values/deep" })
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(_folder.Sub(folder)));
    }

    [Theory]
    [InlineData("../a")]
    [InlineData("segments/../../a")]
    [InlineData("/tmp/a")]
    public void No_name_leads_out_of_the_folder(string name)
    {
        Assert.Throws<ArgumentException>(() => Disk.Create(name, 10));
        Assert.Throws<ArgumentException>(() => Disk.Open(name));
        Assert.Throws<ArgumentException>(() => Disk.Delete(name));
        Assert.Throws<ArgumentException>(() => Disk.Rename("segments/a", name));
        Assert.Throws<ArgumentException>(() => Disk.CreateFolder(name));
    }

    [Fact]
    public void A_mapping_shows_the_files_own_bytes_and_what_is_written_later()
    {
        using ILogFile file = Disk.Create("segments/a", 100_000);
        file.Write(50_000, "before"u8);
        LogMapping mapping = file.Map(100_000)!;
        using IDisposable unmap = mapping;
        Assert.Equal(100_000, mapping.Length);
        Assert.Equal("before"u8, mapping.Memory.Span.Slice(50_000, 6));
        file.Write(50_000, "behind"u8);
        Assert.Equal("behind"u8, mapping.Memory.Span.Slice(50_000, 6));
        Assert.True(Unsafe.AreSame(ref mapping.Memory.Slice(50_000, 6).Span[0], ref mapping.GetSpan()[50_000]), "a slice of a mapping must be its own bytes, not a copy");
    }

    [Fact]
    public void A_mapping_outlives_the_open_file_and_its_name()
    {
        ILogFile file = Disk.Create("segments/a", 5_000);
        file.Write(4_000, "here"u8);
        using IDisposable unmap = file.Map(5_000)!;
        file.Dispose();
        if (!OperatingSystem.IsWindows()) Disk.Delete("segments/a");
        Assert.Equal("here"u8, ((LogMapping)unmap).GetSpan().Slice(4_000, 4));
    }

    [Fact]
    public void A_mapping_is_unmapped_once_and_then_gives_nothing_away()
    {
        using ILogFile file = Disk.Create("segments/a", 5_000);
        LogMapping mapping = file.Map(5_000)!;
        Memory<byte> memory = mapping.Memory;
        Assert.Equal(OperatingSystem.IsLinux() ? 1 : 0, Mappings());
        ((IDisposable)mapping).Dispose();
        Assert.Equal(0, Mappings());
        ((IDisposable)mapping).Dispose();
        Assert.Throws<ObjectDisposedException>(() => memory.Span.Length);
        Assert.Throws<ObjectDisposedException>(() => mapping.Pin());

        int Mappings() => OperatingSystem.IsLinux() ? File.ReadLines("/proc/self/maps").Count(l => l.Contains(_folder.Path, StringComparison.Ordinal)) : 0;
    }

    [Fact]
    public void Nothing_is_mapped_beyond_the_end_where_a_read_would_end_the_process()
    {
        using ILogFile file = Disk.Create("segments/a", 5_000);
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Map(5_001));
        Assert.Null(file.Map(0));
    }

    [Fact]
    public void Writing_and_reading_allocate_nothing()
    {
        if (!LinuxCalls.CanBeMade) return;
        using ILogFile file = Disk.Create("segments/a", 100_000);
        byte[] bytes = new byte[1_000];
        List<ReadOnlyMemory<byte>> few = [.. Enumerable.Repeat(new ReadOnlyMemory<byte>(bytes), 5)], many = [.. Enumerable.Repeat(new ReadOnlyMemory<byte>(bytes), 90)];
        Round();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) Round();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Round()
        {
            file.Write(0, bytes);
            file.Write(1_000, few);
            file.Write(1_000, many);
            file.Read(0, bytes);
            file.StartWriteBack(0, 1_000);
            file.Sync();
        }
    }

    [Fact]
    public void A_refused_write_says_that_the_disk_is_full_and_a_refused_sync_is_reported()
    {
        if (!OperatingSystem.IsLinux()) return;
        using var full = new SystemFile("full", File.OpenHandle("/dev/full", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite));
        byte[] bytes = new byte[10];
        IOException e = Assert.Throws<IOException>(() => full.Write(0, bytes));
        Assert.Equal(28, e.HResult);
        Assert.True(DiskErrors.IsFull(e));
        Assert.Equal(28, Assert.Throws<IOException>(() => full.Write(0, [bytes, bytes])).HResult);
        Assert.Equal(22, Assert.Throws<IOException>(full.Sync).HResult);
    }

    [Fact]
    public void An_error_names_the_call_the_file_and_the_reason()
    {
        if (!LinuxCalls.CanBeMade) return;
        Disk.CreateFolder("segments/folder");
        IOException e = Assert.Throws<IOException>(() => Disk.Open("segments/folder"));
        Assert.Equal(21, e.HResult);
        Assert.Matches("^open of .*segments/folder failed: Is a directory$", e.Message);
    }

    [Fact]
    public void The_logs_own_folder_comes_with_those_above_it()
    {
        var deep = new SystemDisk(_folder.Sub("a/b/c/"));
        Assert.Empty(deep.List("segments"));
        deep.CreateFolder("segments");
        deep.Create("segments/x", 1).Dispose();
        Assert.Equal(["x"], deep.List("segments"));
        Assert.Equal(_folder.Sub("a/b/c"), deep.Path);
    }

    private protected override ILogDisk NewDisk() => new SystemDisk(_folder.Sub("log"));

    protected override void CleanUp() => _folder.Dispose();
}
