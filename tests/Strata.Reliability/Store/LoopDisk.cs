namespace Strata.Reliability;

/// <summary>A real file system (ext4) on a disk whose medium is a file: a copy of that file is what a power cut leaves.</summary>
internal sealed class LoopDisk : IAsyncDisposable
{
    private const long Bytes = 256 << 20;
    private const int Tries = 200;
    private readonly TemporaryFolder _mount = new();
    private readonly string _image;
    private bool _isMounted;

    private LoopDisk(string image) => _image = image;

    /// <summary>Where it is mounted.</summary>
    public string Path => _mount.Path;

    /// <summary>A new disk.</summary>
    public static async Task<LoopDisk> CreateAsync()
    {
        string image = NewImage();
        await using (FileStream file = File.Create(image)) file.SetLength(Bytes);
        await SystemCommand.RunAsync("mkfs.ext4", "-q", "-F", image);
        return await MountAsync(image);
    }

    /// <summary>
    /// Cuts the power: another disk, with what has reached the medium of this one, and its file system mended from its
    /// journal as after any power cut.
    /// </summary>
    /// <remarks>Whoever uses this one must stand still; the system may go on writing back, but not while the copy is made.</remarks>
    public async Task<LoopDisk> CutPowerAsync()
    {
        string copy = NewImage();
        for (int i = 0; i < Tries; i++)
        {
            string before = Counters(out bool isBusy);
            if (!isBusy)
            {
                await SystemCommand.RunAsync("cp", "--sparse=always", _image, copy);
                if (Counters(out _) == before) return await MountAsync(copy);
            }

            await Task.Delay(5);
        }

        throw new InvalidOperationException("the system never stopped writing to the disk: no copy was of one instant");
    }

    /// <summary>The system writes back what it likes, in any order: here some files whole, and others not at all.</summary>
    public void WriteSomeBack(string folder, Random random)
    {
        foreach (string file in Directory.GetFiles(System.IO.Path.Combine(Path, folder), "*", SearchOption.AllDirectories))
        {
            if (random.Next(3) > 0) continue;
            try
            {
                using var handle = File.OpenHandle(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
                FileSync.Flush(handle);
            }
            catch (IOException)
            {
                // Gone meanwhile, or locked by its owner.
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        // A process that was killed a moment ago may hold it still.
        if (_isMounted) await SystemCommand.RunAsync("umount", "-l", Path);
        File.Delete(_image);
        _mount.Dispose();
    }

    private static string NewImage() => System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"strata-{Guid.NewGuid():n}.img");

    private static async Task<LoopDisk> MountAsync(string image)
    {
        var disk = new LoopDisk(image);
        try
        {
            await SystemCommand.RunAsync("mount", "-o", "loop,noinit_itable", image, disk.Path);
            disk._isMounted = true;
            return disk;
        }
        catch
        {
            await disk.DisposeAsync();
            throw;
        }
    }

    /// <summary>What the system has written to the device so far.</summary>
    private string Counters(out bool isBusy)
    {
        string device = File.ReadLines("/proc/mounts").Select(l => l.Split(' ')).First(m => m[1] == Path)[0];
        string[] counters = File.ReadAllText($"/sys/block/{System.IO.Path.GetFileName(device)}/stat").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        isBusy = counters[8] != "0";

        // Writes, bytes written, flushes.
        return $"{counters[4]} {counters[6]} {counters.ElementAtOrDefault(15)}";
    }
}
