namespace Strata.Tests;

/// <summary>
/// A disk in memory that tells what is written from what is on the medium, and fails on request: power cuts, failed
/// syncs, full disks, short writes, the process's end at any call. Compiled into every test project that needs it.
/// </summary>
/// <remarks>
/// A power cut keeps what was synced: of a file its bytes and its length, of a folder the names in it. What it does to the
/// rest says <see cref="PowerCut"/>; what it decides comes from the random source alone, so a seed repeats it. A recycled
/// file has its old bytes where new ones are lost. Mappings do not exist.
/// </remarks>
/// <param name="seed">Decides what a fault in the middle of a call leaves.</param>
internal sealed partial class SimulatedDisk(int seed = 1) : ILogDisk
{
    public const int PageBytes = 4_096, SectorBytes = 512;
    private const long Unbounded = 1L << 50;
    private readonly Lock _gate = new();
    private readonly Random _random = new(seed);
    private readonly SimulatedNames _names = new();
    private readonly SimulatedNames _durableNames = new();
    private readonly List<SimulatedNames.Change> _nameChanges = [];
    private long? _capacity;
    private long _order;
    private long _used;
    private int _openFiles;

    public string Path => "simulated";

    /// <summary>Bytes that all files together may have, in whole pages; null for no bound. Less than is in use: a full disk.</summary>
    public long? Capacity
    {
        get
        {
            lock (_gate) return _capacity;
        }

        set
        {
            lock (_gate) _capacity = value;
        }
    }

    public long FreeBytes
    {
        get
        {
            lock (_gate) return Free();
        }
    }

    /// <summary>Files that were opened and not closed.</summary>
    public int OpenFiles => Volatile.Read(ref _openFiles);

    /// <summary>All files, with their folders, in order.</summary>
    public IReadOnlyList<string> Names
    {
        get
        {
            lock (_gate) return [.. _names.Files.Keys.Order(StringComparer.Ordinal)];
        }
    }

    /// <summary>A file's bytes as they are read.</summary>
    public byte[] BytesOf(string name)
    {
        lock (_gate)
        {
            SimulatedContent content = _names.Find(name);
            byte[] bytes = new byte[content.Length];
            content.Read(0, bytes);
            return bytes;
        }
    }

    /// <summary>Changes a byte where it is read and on the medium.</summary>
    public void Flip(string name, long offset, byte mask = 0x01)
    {
        lock (_gate) _names.Find(name).Flip(offset, mask, ref _order);
    }

    /// <summary>Puts a file there, on the medium, in place of what had its name.</summary>
    public void Replace(string name, byte[] bytes)
    {
        lock (_gate)
        {
            SimulatedContent content = SimulatedContent.Of(bytes);
            var change = new SimulatedNames.Change(++_order, SimulatedNames.FolderOf(name), null, name, content);
            Enter(change);
            _used += content.AllocatedBytes;
            change.Apply(_durableNames);
            _nameChanges.Remove(change);
        }
    }

    public IEnumerable<string> List(string folder)
    {
        Begin(DiskOperation.List, folder);
        lock (_gate) return [.. _names.Files.Keys.Where(n => SimulatedNames.FolderOf(n) == folder).Select(n => n[(n.LastIndexOf('/') + 1)..])];
    }

    public bool Exists(string name)
    {
        Begin(DiskOperation.Exists, name);
        lock (_gate) return _names.Files.ContainsKey(name);
    }

    public long LengthOf(string name)
    {
        Begin(DiskOperation.LengthOf, name);
        lock (_gate) return _names.Find(name).Length;
    }

    public ILogFile Create(string name, long capacity)
    {
        Begin(DiskOperation.Create, name, 0, capacity);
        lock (_gate)
        {
            _names.CheckFolder(SimulatedNames.FolderOf(name));
            if (_names.Files.ContainsKey(name)) throw new IOException($"{name} exists (simulated)", 17);
            var content = new SimulatedContent();
            Resize(content, capacity);
            Enter(new SimulatedNames.Change(++_order, SimulatedNames.FolderOf(name), null, name, content));
            return Opened(name, content);
        }
    }

    public ILogFile Open(string name)
    {
        Begin(DiskOperation.Open, name);
        lock (_gate) return Opened(name, _names.Find(name));
    }

    public void Rename(string from, string to)
    {
        DiskCallPermit permit = Begin(DiskOperation.Rename, from, to: to);
        lock (_gate)
        {
            string folder = SimulatedNames.FolderOf(to);
            if (folder != SimulatedNames.FolderOf(from)) throw new NotSupportedException($"{from} -> {to}: a rename stays within its folder, or no order of syncs makes it durable at once");
            SimulatedContent content = _names.Find(from);
            if (from != to) Enter(new SimulatedNames.Change(++_order, folder, from, to, content));
        }

        permit.End();
    }

    public void Delete(string name)
    {
        DiskCallPermit permit = Begin(DiskOperation.Delete, name);
        lock (_gate)
        {
            if (_names.Files.ContainsKey(name)) Enter(new SimulatedNames.Change(++_order, SimulatedNames.FolderOf(name), name, null, null));
        }

        permit.End();
    }

    public void CreateFolder(string name)
    {
        DiskCallPermit permit = Begin(DiskOperation.CreateFolder, name);
        lock (_gate)
        {
            for (int end = name.IndexOf('/', StringComparison.Ordinal); name.Length > 0; end = name.IndexOf('/', end + 1))
            {
                string folder = end < 0 ? name : name[..end];
                if (!_names.Folders.Contains(folder)) Enter(new SimulatedNames.Change(++_order, SimulatedNames.FolderOf(folder), null, folder, null));
                if (end < 0) break;
            }
        }

        permit.End();
    }

    public void SyncFolder(string name)
    {
        DiskCallPermit permit = Begin(DiskOperation.SyncFolder, name);
        lock (_gate)
        {
            _names.CheckFolder(name);
            foreach (SimulatedNames.Change change in _nameChanges.Where(c => c.Folder == name && c.Order <= permit.Order)) change.Apply(_durableNames);
            _nameChanges.RemoveAll(c => c.Folder == name && c.Order <= permit.Order);
        }

        permit.End();
    }

    private void Enter(SimulatedNames.Change change)
    {
        SimulatedContent? gone = change.Content is null && change.From is not null ? _names.Files[change.From] : change.To is not null ? _names.Files.GetValueOrDefault(change.To) : null;
        change.Apply(_names);
        if (change.Content is not null) change.Content.IsLinked = true;
        if (gone is not null)
        {
            gone.IsLinked = false;
            FreeIfUnused(gone);
        }

        _nameChanges.Add(change);
    }

    private SimulatedFile Opened(string name, SimulatedContent content)
    {
        content.Handles++;
        _openFiles++;
        return new SimulatedFile(this, name, content);
    }

    private void FreeIfUnused(SimulatedContent content)
    {
        if (content is { IsLinked: false, Handles: 0 }) _used -= content.AllocatedBytes;
    }

    private long Free() => _capacity is { } most ? Math.Max(0, most - _used) : Unbounded;

    /// <summary>Changes a length, if there is room.</summary>
    private void Resize(SimulatedContent content, long length)
    {
        long more = SimulatedContent.PagesFor(length) - content.AllocatedBytes;
        if (more > 0 && more > Free()) throw DiskCallPermit.Full();
        content.SetLength(length, ref _order);
        _used += more;
    }

    /// <summary>A file that is open.</summary>
    private sealed class SimulatedFile(SimulatedDisk disk, string name, SimulatedContent content) : ILogFile
    {
        private bool _isClosed;

        public string Name => name;

        public long Length
        {
            get
            {
                lock (disk._gate) return content.Length;
            }
        }

        public void Write(long offset, ReadOnlySpan<byte> bytes)
        {
            DiskCallPermit permit = Begin(DiskOperation.Write, offset, bytes.Length);
            lock (disk._gate)
            {
                ReadOnlySpan<byte> some = permit.Fault switch
                {
                    DiskFault.ShortWrite or DiskFault.ShortWriteThenFull => bytes[..(bytes.Length / 2)],
                    DiskFault.Stop => bytes[..disk._random.Next(bytes.Length + 1)],
                    _ => bytes,
                };
                long room = content.AllocatedBytes + disk.Free() - offset, before = content.AllocatedBytes;
                bool fits = some.Length <= room;
                content.Write(offset, fits ? some : some[..(int)Math.Max(0, room)], ref disk._order);
                disk._used += content.AllocatedBytes - before;
                if (!fits && permit.Fault != DiskFault.Stop) throw DiskCallPermit.Full();
            }

            permit.End();
        }

        public void Write(long offset, IReadOnlyList<ReadOnlyMemory<byte>> pieces) => Write(offset, pieces.SelectMany(p => p.ToArray()).ToArray());

        public int Read(long offset, Span<byte> into)
        {
            Begin(DiskOperation.Read, offset, into.Length);
            lock (disk._gate) return content.Read(offset, into);
        }

        public void Sync()
        {
            DiskCallPermit permit = Begin(DiskOperation.Sync, 0, 0);
            lock (disk._gate)
            {
                if (permit.Fault is DiskFault.SyncLosesPages) content.Lose(permit.Order, null);
                else if (permit.Fault is DiskFault.SyncLosesSomePages) content.Lose(permit.Order, disk._random);
                else if (permit.Fault is not (DiskFault.SyncFails or DiskFault.SyncLies)) content.Sync(permit.Order);
            }

            permit.End();
        }

        public void StartWriteBack(long offset, long length) => Begin(DiskOperation.StartWriteBack, offset, length);

        public void Allocate(long length)
        {
            Begin(DiskOperation.Allocate, 0, length);
            lock (disk._gate)
            {
                if (length > content.Length) disk.Resize(content, length);
            }
        }

        public void Truncate(long length)
        {
            DiskCallPermit permit = Begin(DiskOperation.Truncate, 0, length);
            lock (disk._gate)
            {
                if (length < content.Length) disk.Resize(content, length);
            }

            permit.End();
        }

        public void DropCache(long offset, long length)
        {
            Begin(DiskOperation.DropCache, offset, length);
            lock (disk._gate) content.DropCache(offset, length);
        }

        public LogMapping? Map(long length)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
            return null;
        }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isClosed, true)) return;
            lock (disk._gate)
            {
                disk._openFiles--;
                content.Handles--;
                disk.FreeIfUnused(content);
            }
        }

        private DiskCallPermit Begin(DiskOperation operation, long offset, long length)
        {
            ObjectDisposedException.ThrowIf(Volatile.Read(ref _isClosed), this);
            return disk.Begin(operation, name, offset, length);
        }
    }
}
