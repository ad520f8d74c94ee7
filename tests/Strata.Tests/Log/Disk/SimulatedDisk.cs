using System.Globalization;

namespace Strata;

/// <summary>
/// A disk in memory that tells what is written from what is on the medium, and fails on request: power cuts, failed
/// syncs, full disks and short writes, each from a seed or a call's number. Compiled into every test project that needs it.
/// </summary>
/// <remarks>
/// A power cut keeps what was synced. Of the other written pages (4 KiB) any may have got there, whole or in sectors of
/// 512 bytes; of the changed names those of a prefix, folder by folder. Mappings do not exist.
/// </remarks>
internal sealed class SimulatedDisk : ILogDisk
{
    public const int PageBytes = 4_096, SectorBytes = 512;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Inode> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Inode> _durableNames = new(StringComparer.Ordinal);
    private readonly List<NameChange> _nameChanges = [];
    private readonly List<DiskCall> _trace = [];
    private int _calls;
    private bool _isStopped;

    public string Path => "simulated";

    /// <summary>Bytes that all files together may have; null for no bound.</summary>
    public long? Capacity { get; set; }

    /// <summary>Syncs are counted and do nothing: what a disk that lies would do.</summary>
    public bool SyncsNothing { get; init; }

    /// <summary>Says for each call what goes wrong with it.</summary>
    public Func<DiskCall, DiskFault>? Faults { get; set; }

    /// <summary>Runs before each call, without a lock: a test may hold a call up here.</summary>
    public Action<DiskCall>? Before { get; set; }

    public int Calls => Volatile.Read(ref _calls);

    public string Trace
    {
        get
        {
            lock (_gate) return string.Join('\n', _trace);
        }
    }

    public long FreeBytes
    {
        get
        {
            lock (_gate) return Capacity is { } most ? Math.Max(0, most - UsedBytes()) : long.MaxValue;
        }
    }

    /// <summary>The disk as the next process finds it after this one was killed: all that was written.</summary>
    public SimulatedDisk Kill()
    {
        lock (_gate)
        {
            var next = new SimulatedDisk { Capacity = Capacity };
            foreach ((string name, Inode inode) in _names) next._names[name] = next._durableNames[name] = inode.Copy();
            return next;
        }
    }

    /// <summary>The disk as the machine finds it after a loss of power.</summary>
    public SimulatedDisk CutPower(Random random, PowerCut cut = PowerCut.AnySubset)
    {
        lock (_gate)
        {
            var names = new Dictionary<string, Inode>(_durableNames, StringComparer.Ordinal);
            foreach (IGrouping<string, NameChange> folder in _nameChanges.GroupBy(c => c.Folder))
            {
                int kept = cut == PowerCut.LosesAll ? 0 : random.Next(folder.Count() + 1);
                foreach (NameChange change in folder.Take(kept)) change.Apply(names);
            }

            var next = new SimulatedDisk { Capacity = Capacity };
            foreach ((string name, Inode inode) in names) next._names[name] = next._durableNames[name] = inode.AfterCut(random, cut);
            return next;
        }
    }

    /// <summary>Changes a byte on the medium and in the cache.</summary>
    public void Flip(string name, long offset, byte mask = 0x01)
    {
        lock (_gate) _names[name].Flip(offset, mask);
    }

    public byte[] BytesOf(string name)
    {
        lock (_gate) return _names[name].Bytes.AsSpan(0, (int)_names[name].Length).ToArray();
    }

    public void Replace(string name, byte[] bytes)
    {
        lock (_gate) _names[name] = _durableNames[name] = Inode.Of(bytes);
    }

    public IReadOnlyList<string> Names
    {
        get
        {
            lock (_gate) return [.. _names.Keys.Order(StringComparer.Ordinal)];
        }
    }

    public IEnumerable<string> List(string folder)
    {
        lock (_gate) return [.. _names.Keys.Where(n => FolderOf(n) == folder).Select(n => n[(folder.Length + 1)..])];
    }

    public bool Exists(string name)
    {
        lock (_gate) return _names.ContainsKey(name);
    }

    public long LengthOf(string name)
    {
        lock (_gate) return Find(name).Length;
    }

    public ILogFile Create(string name, long capacity)
    {
        Enter(DiskOperation.Create, name, 0, capacity);
        lock (_gate)
        {
            if (_names.ContainsKey(name)) throw new IOException($"{name} exists", 17);
            CheckRoom(capacity);
            var inode = new Inode();
            inode.SetLength(capacity);
            Change(new NameChange(FolderOf(name), null, name, inode));
            return new OpenFile(this, name, inode);
        }
    }

    public ILogFile Open(string name)
    {
        Enter(DiskOperation.Open, name, 0, 0);
        lock (_gate) return new OpenFile(this, name, Find(name));
    }

    public void Rename(string from, string to)
    {
        Enter(DiskOperation.Rename, from, 0, 0);
        lock (_gate) Change(new NameChange(FolderOf(to), from, to, Find(from)));
    }

    public void Delete(string name)
    {
        Enter(DiskOperation.Delete, name, 0, 0);
        lock (_gate)
        {
            if (_names.ContainsKey(name)) Change(new NameChange(FolderOf(name), name, null, null));
        }
    }

    public void CreateFolder(string name) => Enter(DiskOperation.CreateFolder, name, 0, 0);

    public void SyncFolder(string name)
    {
        Enter(DiskOperation.SyncFolder, name, 0, 0);
        lock (_gate)
        {
            foreach (NameChange change in _nameChanges.Where(c => c.Folder == name)) change.Apply(_durableNames);
            _nameChanges.RemoveAll(c => c.Folder == name);
        }
    }

    private static string FolderOf(string name) => name.Contains('/', StringComparison.Ordinal) ? name[..name.LastIndexOf('/')] : "";

    private void Change(NameChange change)
    {
        change.Apply(_names);
        _nameChanges.Add(change);
    }

    private Inode Find(string name) => _names.TryGetValue(name, out Inode? inode) ? inode : throw new FileNotFoundException($"{name} is not there", name);

    private long UsedBytes() => _names.Values.Distinct().Sum(i => i.Length);

    private void CheckRoom(long more)
    {
        if (Capacity is { } most && UsedBytes() + more > most) throw Full();
    }

    private static IOException Full() => new("No space left on device (simulated)", 28);

    private static IOException Broken(DiskOperation operation) => new($"{operation} failed: Input/output error (simulated)", 5);

    /// <returns>A fault that the operation itself must carry out.</returns>
    private DiskFault Enter(DiskOperation operation, string name, long offset, long length)
    {
        DiskCall call;
        lock (_gate)
        {
            call = new DiskCall(++_calls, operation, name, offset, length);
            if (_trace.Count < 20_000) _trace.Add(call);
        }

        Before?.Invoke(call);
        DiskFault fault = Faults?.Invoke(call) ?? DiskFault.None;
        lock (_gate)
        {
            if (fault == DiskFault.Stop) _isStopped = true;
            if (_isStopped) throw new SimulatedCrashException();
        }

        return fault switch
        {
            DiskFault.Fail => throw Broken(operation),
            DiskFault.Full => throw Full(),
            _ => fault,
        };
    }

    private sealed class OpenFile(SimulatedDisk disk, string name, Inode inode) : ILogFile
    {
        public string Name => name;

        public long Length
        {
            get
            {
                lock (disk._gate) return inode.Length;
            }
        }

        public void Write(long offset, ReadOnlySpan<byte> bytes)
        {
            DiskFault fault = disk.Enter(DiskOperation.Write, name, offset, bytes.Length);
            lock (disk._gate)
            {
                if (offset + bytes.Length > inode.Length) disk.CheckRoom(offset + bytes.Length - inode.Length);
                inode.Write(offset, fault == DiskFault.ShortWrite ? bytes[..(bytes.Length / 2)] : bytes);
            }

            if (fault == DiskFault.ShortWrite) throw Broken(DiskOperation.Write);
        }

        public void Write(long offset, IReadOnlyList<ReadOnlyMemory<byte>> pieces) => Write(offset, pieces.SelectMany(p => p.ToArray()).ToArray());

        public int Read(long offset, Span<byte> into)
        {
            disk.Enter(DiskOperation.Read, name, offset, into.Length);
            lock (disk._gate) return inode.Read(offset, into);
        }

        public void Sync()
        {
            DiskFault fault = disk.Enter(DiskOperation.Sync, name, 0, 0);
            lock (disk._gate)
            {
                if (fault == DiskFault.SyncLosesPages) inode.ForgetDirty();
                else if (fault is not DiskFault.SyncFails && !disk.SyncsNothing) inode.Sync();
            }

            if (fault is DiskFault.SyncLosesPages or DiskFault.SyncFails) throw Broken(DiskOperation.Sync);
        }

        public void StartWriteBack(long offset, long length)
        {
        }

        public void Allocate(long length)
        {
            disk.Enter(DiskOperation.Allocate, name, 0, length);
            lock (disk._gate)
            {
                if (length <= inode.Length) return;
                disk.CheckRoom(length - inode.Length);
                inode.SetLength(length);
            }
        }

        public void Truncate(long length)
        {
            disk.Enter(DiskOperation.Truncate, name, 0, length);
            lock (disk._gate) inode.SetLength(length);
        }

        public void DropCache(long offset, long length)
        {
        }

        public LogMapping? Map(long length) => null;

        public void Dispose()
        {
        }
    }

    /// <summary>A file's bytes as they are read, and as they are on the medium.</summary>
    private sealed class Inode
    {
        private readonly HashSet<long> _dirty = [];
        private byte[] _durable = [];
        private long _durableLength;

        public byte[] Bytes { get; private set; } = [];

        public long Length { get; private set; }

        public static Inode Of(byte[] bytes) => new() { Bytes = bytes, Length = bytes.Length, _durable = [.. bytes], _durableLength = bytes.Length };

        public Inode Copy() => Of(Bytes.AsSpan(0, (int)Length).ToArray());

        public void SetLength(long length)
        {
            byte[] bytes = new byte[length];
            Bytes.AsSpan(0, (int)Math.Min(length, Length)).CopyTo(bytes);
            (Bytes, Length) = (bytes, length);
        }

        public void Write(long offset, ReadOnlySpan<byte> bytes)
        {
            if (offset + bytes.Length > Length) SetLength(offset + bytes.Length);
            bytes.CopyTo(Bytes.AsSpan((int)offset));
            for (long page = offset / PageBytes; page * PageBytes < offset + bytes.Length; page++) _dirty.Add(page);
        }

        public int Read(long offset, Span<byte> into)
        {
            int count = (int)Math.Clamp(Length - offset, 0, into.Length);
            if (count > 0) Bytes.AsSpan((int)offset, count).CopyTo(into);
            return count;
        }

        public void Sync()
        {
            _durable = [.. Bytes];
            _durableLength = Length;
            _dirty.Clear();
        }

        /// <summary>What Linux does when a write-back fails: the pages count as clean, and the next sync says nothing of them.</summary>
        public void ForgetDirty() => _dirty.Clear();

        public void Flip(long offset, byte mask)
        {
            Bytes[offset] ^= mask;
            if (offset < _durable.Length) _durable[offset] = Bytes[offset];
        }

        public Inode AfterCut(Random random, PowerCut cut)
        {
            long length = cut == PowerCut.LosesAll || random.Next(2) == 0 ? _durableLength : Length;
            byte[] bytes = new byte[length];
            _durable.AsSpan(0, (int)Math.Min(length, _durable.Length)).CopyTo(bytes);
            if (cut == PowerCut.LosesAll) return Of(bytes);
            foreach (long page in _dirty)
            {
                int fate = random.Next(4);
                if (fate == 0) continue;
                for (int sector = 0; sector < PageBytes / SectorBytes; sector++)
                {
                    long at = (page * PageBytes) + (sector * SectorBytes);
                    if (at >= length || (fate == 1 && random.Next(2) == 0)) continue;
                    int count = (int)Math.Min(SectorBytes, Math.Min(length, Length) - at);
                    if (count > 0) Bytes.AsSpan((int)at, count).CopyTo(bytes.AsSpan((int)at));
                }
            }

            return Of(bytes);
        }
    }

    private sealed record NameChange(string Folder, string? From, string? To, Inode? Inode)
    {
        public void Apply(Dictionary<string, Inode> names)
        {
            if (From is not null) names.Remove(From);
            if (To is not null) names[To] = Inode!;
        }
    }
}

/// <summary>A call of a <see cref="SimulatedDisk"/>, counted from 1.</summary>
internal readonly record struct DiskCall(int Number, DiskOperation Operation, string Name, long Offset, long Length)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Number} {Operation} {Name} {Offset}+{Length}");
}

internal enum DiskOperation
{
    Create,
    Open,
    Rename,
    Delete,
    CreateFolder,
    SyncFolder,
    Write,
    Read,
    Sync,
    Allocate,
    Truncate,
}

/// <summary>What goes wrong with a call.</summary>
internal enum DiskFault
{
    None,

    /// <summary>EIO; nothing happened.</summary>
    Fail,

    /// <summary>ENOSPC; nothing happened.</summary>
    Full,

    /// <summary>Half of it is written, then EIO.</summary>
    ShortWrite,

    /// <summary>EIO; what was written stays written and unsynced.</summary>
    SyncFails,

    /// <summary>EIO; what was written counts as clean and is lost with the power.</summary>
    SyncLosesPages,

    /// <summary>The process ends before this call.</summary>
    Stop,
}

/// <summary>How much a power cut loses.</summary>
internal enum PowerCut
{
    /// <summary>Of what was not synced, anything: pages, sectors, names.</summary>
    AnySubset,

    /// <summary>All that was not synced.</summary>
    LosesAll,
}

/// <summary>The process has ended (<see cref="DiskFault.Stop"/>).</summary>
internal sealed class SimulatedCrashException : Exception
{
    public SimulatedCrashException()
        : base("The process ends here (simulated).")
    {
    }
}
