namespace Strata.Workload;

/// <summary>A disk that says of everything that it is on the medium, and has put nothing there.</summary>
internal sealed class UnsyncedDisk(ILogDisk disk) : ILogDisk
{
    public string Path => disk.Path;

    public long FreeBytes => disk.FreeBytes;

    public IEnumerable<string> List(string folder) => disk.List(folder);

    public bool Exists(string name) => disk.Exists(name);

    public long LengthOf(string name) => disk.LengthOf(name);

    public ILogFile Create(string name, long capacity) => new UnsyncedFile(disk.Create(name, capacity));

    public ILogFile Open(string name) => new UnsyncedFile(disk.Open(name));

    public void Rename(string from, string to) => disk.Rename(from, to);

    public void Delete(string name) => disk.Delete(name);

    public void CreateFolder(string name) => disk.CreateFolder(name);

    public void SyncFolder(string name)
    {
        // That is the lie.
    }

    private sealed class UnsyncedFile(ILogFile file) : ILogFile
    {
        public string Name => file.Name;

        public long Length => file.Length;

        public void Write(long offset, ReadOnlySpan<byte> bytes) => file.Write(offset, bytes);

        public void Write(long offset, IReadOnlyList<ReadOnlyMemory<byte>> pieces) => file.Write(offset, pieces);

        public int Read(long offset, Span<byte> into) => file.Read(offset, into);

        public void Sync()
        {
            // That too.
        }

        public void StartWriteBack(long offset, long length)
        {
            // Nor is anything begun.
        }

        public void Allocate(long length) => file.Allocate(length);

        public void Truncate(long length) => file.Truncate(length);

        public void DropCache(long offset, long length) => file.DropCache(offset, length);

        public LogMapping? Map(long length) => file.Map(length);

        public void Dispose() => file.Dispose();
    }
}
