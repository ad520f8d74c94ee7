using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>
/// Large values in files of their own, streamed in and out in constant memory. The log says which file holds what
/// (<see cref="ValueReference"/>); that entry is the commit point, and a file that none names means nothing.
/// </summary>
/// <remarks>
/// <para>In order: <see cref="Create"/>, write, <see cref="ValueFileWriter.Finish"/>; then the commit of the reference and of
/// a <see cref="ValueFileRecord"/>; if that is not applied, or when a later commit has dropped the reference,
/// <see cref="Retire(ulong)"/>.</para>
/// <para>Files are recycled, since a sync into blocks that were written before costs half as much: a few wait for that,
/// within bounds, and are given up first when the disk is full.</para>
/// <para>All calls block. Failures of the disk are <see cref="IOException"/> when writing, <see cref="StorageException"/>
/// when reading.</para>
/// </remarks>
internal sealed partial class ValueFiles : IAsyncDisposable
{
    private readonly ILogDisk _disk;
    private readonly ValueFileOptions _options;
    private readonly ILogger _log;
    private readonly ArrayPool<byte> _buffers;
    private readonly ValueFolder _folder;
    private readonly ValueSpares _spares;
    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, ValueFile> _files = [];
    private readonly LinkedList<ValueFile> _idle = [];
    private readonly HashSet<ValueFile> _unsynced = [];
    private readonly Queue<(ulong Id, ulong Sequence)> _undropped = [];
    private ulong _lastNumber;
    private long _bytes;
    private long _inUse;
    private long _allocated;
    private long _recycled;
    private long _created;
    private int _retired;
    private bool _isClosed;

    public ValueFiles(ILogDisk disk, ValueFileOptions options, StoreContext? context = null)
    {
        context ??= StoreContext.Default;
        _disk = disk;
        _options = options;
        _log = context.Loggers.CreateLogger<ValueFiles>();
        _buffers = context.Buffers;
        _folder = new ValueFolder(disk);
        _spares = new ValueSpares(options.MaxSpares, options.MaxSpareBytes);
    }

    internal ILogDisk Disk => _disk;

    internal string Name => _options.Name;

    internal ArrayPool<byte> Buffers => _buffers;

    /// <summary>Begins a value: in a spare file of a fitting size, else in a new one whose space is reserved.</summary>
    /// <param name="expectedLength">Bytes that will come, as far as that is known. More or fewer may come.</param>
    /// <exception cref="IOException">Such as a full disk; nothing is left behind.</exception>
    public ValueFileWriter Create(long? expectedLength)
    {
        if (expectedLength is { } expected) ArgumentOutOfRangeException.ThrowIfNegative(expected);
        while (TakeSpare(expectedLength) is { } spare)
        {
            try
            {
                spare.Open(_disk);
                Interlocked.Increment(ref _recycled);
                return new ValueFileWriter(this, spare, expectedLength, isRecycled: true);
            }
            catch (IOException e)
            {
                // In doubt, or it would be the next spare again.
                _log.LogWarning(e, "Cannot open the spare file {Name} of store '{Store}'; another takes its place", spare.Name, _options.Name);
                spare.IsInDoubt = true;
                Abandon(spare);
            }
            catch
            {
                Abandon(spare);
                throw;
            }
        }

        ValueFile file = CreateFile(ValueFileWriter.CapacityFor(expectedLength));
        Interlocked.Increment(ref _created);
        return new ValueFileWriter(this, file, expectedLength, isRecycled: false);
    }

    /// <summary>Keeps a value's file as it is. Null: nothing refers to that value any more; look again what does.</summary>
    public ValueLease? TryLease(ulong id) => TryLease([id]);

    /// <summary>Keeps the files of several values, or none.</summary>
    public ValueLease? TryLease(ReadOnlySpan<ulong> ids)
    {
        var held = new ValueFile[ids.Length];
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            for (int i = 0; i < held.Length; i++)
            {
                if (!_files.TryGetValue(ids[i], out ValueFile? file) || file.State != ValueFileState.InUse) return null;
                held[i] = file;
            }

            foreach (ValueFile file in held) Acquire(file);
        }

        return new ValueLease(this, held);
    }

    /// <summary>Reads a range of a value. False: the value has been replaced; look again where it is.</summary>
    /// <param name="reference">Where the value is.</param>
    /// <param name="offset">The first byte wanted.</param>
    /// <param name="length">Bytes wanted.</param>
    /// <param name="reader">Hands the bytes out, verified; dispose it.</param>
    /// <param name="key">For messages.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the value.</exception>
    public bool TryOpen(ValueReference reference, long offset, long length, [NotNullWhen(true)] out ValueReader? reader, BlobKey? key = null)
    {
        ValueRange[] ranges = reference.Cover(offset, length);
        ValueLease? lease = TryLease([.. ranges.Select(r => r.Id)]);
        reader = lease is null ? null : new ValueReader(this, lease, ranges, key);
        return reader is not null;
    }

    /// <summary>
    /// Lets a value go that the log does not refer to any more. Its file is recycled or removed when nobody reads it.
    /// Only once the commit that dropped the reference is on the medium: after a power cut the log may otherwise refer to
    /// what has been overwritten. A value that is not there is no error.
    /// </summary>
    public void Retire(ulong id)
    {
        var removed = new List<ValueFile>();
        lock (_gate)
        {
            if (!_files.TryGetValue(id, out ValueFile? file) || file.State != ValueFileState.InUse) return;
            file.Move(ValueFileState.Retired);
            _bytes -= file.Length;
            _inUse -= file.Capacity;
            _retired++;
            if (file.IsMissing) _missing--;
            _unsynced.Remove(file);
            if (file.Leases == 0) Recycle(file, removed);
        }

        Remove(removed);
    }

    /// <summary>The same where a commit is acknowledged before it is on the medium: the value goes once <see cref="DurableUpTo"/> says that it is.</summary>
    /// <param name="id">The value.</param>
    /// <param name="sequence">LSN of the commit that dropped it.</param>
    public void Retire(ulong id, ulong sequence)
    {
        lock (_gate) _undropped.Enqueue((id, sequence));
    }

    /// <summary>The log is on the medium up to here.</summary>
    public void DurableUpTo(ulong sequence)
    {
        while (true)
        {
            (ulong Id, ulong Sequence) first;
            lock (_gate)
            {
                // Commits are in order but for those that end at the same time, which wait a little longer.
                if (!_undropped.TryPeek(out first) || first.Sequence > sequence) return;
                _undropped.Dequeue();
            }

            Retire(first.Id);
        }
    }

    /// <summary>
    /// Puts on the medium whatever was finished before this call. With <see cref="DiskDurability.Interval"/> it is called
    /// before the log's own sync: else a record would be durable and its value not. Without any flush it is called at the end.
    /// </summary>
    /// <exception cref="IOException">A value is in doubt, and stays so until it is retired: the next call fails as well.</exception>
    public void Sync()
    {
        ValueFile[] pending;
        lock (_gate)
        {
            pending = [.. _unsynced];
            foreach (ValueFile file in pending) Acquire(file);
        }

        try
        {
            foreach (ValueFile file in pending)
            {
                SyncFile(file);
                lock (_gate) _unsynced.Remove(file);
            }
        }
        finally
        {
            Release(pending);
        }
    }

    public ValueFileStatistics GetStatistics()
    {
        lock (_gate)
        {
            return new ValueFileStatistics
            {
                Files = _files.Count - _retired - _missing,
                Bytes = _bytes,
                AllocatedBytes = _allocated,
                Spares = _spares.Count,
                SpareBytes = _spares.Bytes,
                Retired = _retired,
                Recycled = Interlocked.Read(ref _recycled),
                Created = Interlocked.Read(ref _created),
                Missing = _missing,
                LastBackgroundError = _lastError,
            };
        }
    }

    /// <summary>
    /// Gives the handles back. Spares stay in the folder; readers that are left keep theirs until they end. What is not on
    /// the medium yet is not put there: <see cref="Sync"/> comes before, and the log's own sync behind it.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        Task removing;
        lock (_gate)
        {
            if (_isClosed) return;
            _isClosed = true;
            removing = _removing;
        }

        await removing.ConfigureAwait(false);
        var spares = new List<ValueFile>();
        lock (_gate)
        {
            foreach (ValueFile file in _idle) file.Close();
            _idle.Clear();
            _spares.Clear(spares);
        }

        foreach (ValueFile spare in spares) spare.Close();
    }

    /// <summary>A file's last bytes are written: makes it durable as far as that is asked for, and the value readable.</summary>
    internal void Finish(ValueFile file, long length)
    {
        if (_options.Durability == DiskDurability.Flush) SyncFile(file);
        lock (_gate)
        {
            file.Move(ValueFileState.InUse);
            file.Length = length;
            _bytes += length;
            _inUse += file.Capacity;
            if (_options.Durability != DiskDurability.Flush) _unsynced.Add(file);
            Acquire(file);
        }

        Release(file);
    }

    /// <summary>A writer has given up.</summary>
    internal void Abandon(ValueFile file)
    {
        var removed = new List<ValueFile>();
        lock (_gate) Recycle(file, removed);
        Remove(removed);
    }

    /// <summary>Reserves more room for a file that is written: as much as is desired if there is so much, else what is needed.</summary>
    internal void Grow(ValueFile file, long needed, long desired)
    {
        ILogFile handle = file.Open(_disk);
        long capacity = desired;
        try
        {
            handle.Allocate(capacity);
        }
        catch (IOException e) when (DiskErrors.IsFull(e) && (GiveUpSpares() || desired > needed))
        {
            capacity = needed;
            handle.Allocate(capacity);
        }

        Resized(file, capacity);
    }

    /// <summary>Gives back what a file that is written does not need.</summary>
    internal void Shrink(ValueFile file, long capacity)
    {
        file.Open(_disk).Truncate(capacity);
        Resized(file, capacity);
    }

    internal void Release(ValueFile file) => Release([file]);

    /// <summary>Takes leases back; null stands for one that was given back before.</summary>
    internal void Release(ReadOnlySpan<ValueFile?> files)
    {
        var removed = new List<ValueFile>();
        lock (_gate)
        {
            foreach (ValueFile? file in files)
            {
                if (file is null || --file.Leases > 0) continue;
                if (file.State == ValueFileState.Retired) Recycle(file, removed);
                else KeepIdle(file);
            }
        }

        Remove(removed);
    }

    private void SyncFile(ValueFile file)
    {
        if (file.IsInDoubt) throw new IOException($"The file {file.Name} could not be synced; it is in doubt what is in it. {file.Failure?.Message}", file.Failure);
        try
        {
            file.Open(_disk).Sync();
            _folder.Sync(file.Change);
            file.Change = 0;
        }
        catch (Exception e)
        {
            (file.IsInDoubt, file.Failure) = (true, e);
            throw;
        }
    }

    private void Acquire(ValueFile file)
    {
        file.Leases++;
        if (file.Idle is not { } node) return;
        _idle.Remove(node);
        file.Idle = null;
    }

    private void KeepIdle(ValueFile file)
    {
        file.Idle = _idle.AddLast(file);
        while (_idle.Count > (_isClosed ? 0 : _options.MaxIdleHandles) && _idle.First is { } oldest)
        {
            _idle.RemoveFirst();
            oldest.Value.Idle = null;
            oldest.Value.Close();
        }
    }

    private void Resized(ValueFile file, long capacity)
    {
        lock (_gate)
        {
            _allocated += capacity - file.Capacity;
            file.Capacity = capacity;
        }
    }
}
