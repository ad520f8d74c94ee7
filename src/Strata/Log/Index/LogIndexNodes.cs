using System.Runtime.InteropServices;

namespace Strata;

/// <summary>
/// The memory of a <see cref="LogIndex"/>: nodes by number, in slabs that are never given back before disposal, so that a
/// reader that comes late looks at a node that means something else, never at memory that is gone. One writer at a time.
/// </summary>
internal sealed unsafe partial class LogIndexNodes : IDisposable
{
    private const int SlabShift = 9, NodesPerSlab = 1 << SlabShift;
    private const uint None = uint.MaxValue;
    private const nuint SlabBytes = NodesPerSlab * LogIndexNode.Bytes;
    private const int AdviseHugePage = 14; // MADV_HUGEPAGE: advice, which may be ignored
    private readonly List<nint> _tables = [];
    private byte** _slabs;
    private int _slabCapacity;
    private uint _slabCount;
    private uint _limit;
    private uint _free = None;
    private long _inUse;
    private long _freeCount;

    /// <summary>Nodes in use.</summary>
    public long InUse => Volatile.Read(ref _inUse);

    /// <summary>Nodes that were ever in use at once: their memory stays.</summary>
    public long Held => Volatile.Read(ref _limit);

    /// <summary>A node by a number that the writer knows to be one.</summary>
    public LogIndexNode this[uint id] => new(_slabs[id >> SlabShift] + ((id & (NodesPerSlab - 1)) * LogIndexNode.Bytes));

    /// <summary>A node by a number that a reader found, which may be nonsense.</summary>
    public bool TryGet(uint id, out LogIndexNode node)
    {
        // The limit first: the table that it was raised after has the slab.
        if (id >= Volatile.Read(ref _limit))
        {
            node = default;
            return false;
        }

        node = this[id];
        return true;
    }

    /// <summary>Takes care that so many nodes can be had without asking for memory.</summary>
    /// <exception cref="OutOfMemoryException">They cannot.</exception>
    public void Reserve(long count)
    {
        while (_freeCount + ((long)_slabCount * NodesPerSlab) - _limit < count) AddSlab();
    }

    /// <summary>A node; what it holds is whatever was there.</summary>
    public uint Allocate()
    {
        Reserve(1);
        uint id;
        if (_free != None)
        {
            id = _free;
            _free = this[id].Link;
            _freeCount--;
        }
        else
        {
            id = _limit;
            Volatile.Write(ref _limit, id + 1);
        }

        Volatile.Write(ref _inUse, _inUse + 1);
        return id;
    }

    public void Free(uint id)
    {
        LogIndexNode node = this[id];
        node.Link = _free;
        _free = id;
        _freeCount++;
        Volatile.Write(ref _inUse, _inUse - 1);
    }

    public void Dispose()
    {
        Volatile.Write(ref _limit, 0);
        for (uint i = 0; i < _slabCount; i++) NativeMemory.AlignedFree(_slabs[i]);
        _slabCount = 0;
        foreach (nint table in _tables) NativeMemory.Free((void*)table);
        _tables.Clear();
        _slabs = null;
        _slabCapacity = 0;
    }

    /// <summary>The first is taken page by page as it is used; with more, a huge page spares most of what finding a node's page costs.</summary>
    private void AddSlab()
    {
        if (_slabCount == _slabCapacity) GrowTable();
        bool isHuge = _slabCount > 0;
        void* slab = NativeMemory.AlignedAlloc(SlabBytes, isHuge ? SlabBytes : (nuint)LogIndexNode.Bytes);
        if (isHuge && OperatingSystem.IsLinux()) _ = Advise(slab, SlabBytes, AdviseHugePage);
        _slabs[_slabCount] = (byte*)slab;
        _slabCount++;
    }

    /// <summary>The old table stays, for readers that are in it.</summary>
    private void GrowTable()
    {
        int capacity = Math.Max(64, 2 * _slabCapacity);
        var table = (byte**)NativeMemory.AllocZeroed((nuint)capacity, (nuint)sizeof(byte*));
        _tables.Add((nint)table);
        for (uint i = 0; i < _slabCount; i++) table[i] = _slabs[i];
        _slabCapacity = capacity;
        _slabs = table;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Advise(void* address, nuint length, int advice);
}
