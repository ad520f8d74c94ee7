using System.Runtime.CompilerServices;

namespace Strata;

/// <summary>Loads a <see cref="LogIndex"/> from keys in ascending order. It is the index's writer until it has finished; what was added is seen by readers in parts.</summary>
internal sealed class LogIndexLoader
{
    private const int MaxLeafKeys = (LogIndexNode.Bytes - LogIndexNode.HeaderBytes) / (LogIndexNode.SlotBytes + LogIndexNode.LeafPayload + LogIndexNode.LengthBytes);
    private readonly LogIndex _index;
    private readonly LogIndexTree _tree;
    private readonly int[] _ends = new int[MaxLeafKeys];
    private readonly LogLocation[] _locations = new LogLocation[MaxLeafKeys];
    private readonly byte[] _lastLoaded = new byte[LogIndexNode.MaxKeyBytes];
    private byte[] _keys = new byte[4 * LogIndexNode.Bytes];
    private int _lastLoadedLength;
    private int _count;
    private long _loaded;
    private int _prefixLength;
    private int _size = LogIndexNode.HeaderBytes;
    private bool _isFinished;

    internal LogIndexLoader(LogIndex index, LogIndexTree tree)
    {
        _index = index;
        _tree = tree;
    }

    /// <summary>Adds a key that is above all before.</summary>
    /// <exception cref="ArgumentException">It is not above the last, or has not 1 to 2,080 bytes.</exception>
    /// <exception cref="OutOfMemoryException">There is no memory for it.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Add(ReadOnlySpan<byte> key, LogLocation location)
    {
        ObjectDisposedException.ThrowIf(_isFinished, this);
        ReadOnlySpan<byte> last = Last;
        int shared = key.CommonPrefixLength(last);
        bool rises = shared < key.Length && (shared == last.Length || key[shared] > last[shared]);
        if (!rises || key.Length > LogIndexNode.MaxKeyBytes) throw new ArgumentException("A key that is loaded has 1 to 2,080 bytes and is above the one before.", nameof(key));

        // Of keys in order, all have in common what neighbours have.
        int prefixLength = _count == 0 ? key.Length : Math.Min(_prefixLength, shared);
        int size = SizeWith(key.Length, prefixLength);
        if (size > LogIndexNode.Bytes)
        {
            Flush();
            prefixLength = key.Length;
            size = SizeWith(key.Length, prefixLength);
        }

        int start = _count == 0 ? 0 : _ends[_count - 1], end = start + key.Length;
        if (end > _keys.Length) Array.Resize(ref _keys, 2 * end);
        key.CopyTo(_keys.AsSpan(start));
        _ends[_count] = end;
        _locations[_count++] = location;
        _prefixLength = prefixLength;
        _size = size;
    }

    /// <summary>Makes the last keys part of the index.</summary>
    public void Finish()
    {
        if (_isFinished) return;
        if (_count > 0) Flush();
        _isFinished = true;
    }

    private ReadOnlySpan<byte> Last => _count > 0 ? Key(_count - 1) : _lastLoaded.AsSpan(0, _lastLoadedLength);

    private ReadOnlySpan<byte> Key(int index)
    {
        int start = index == 0 ? 0 : _ends[index - 1];
        return _keys.AsSpan(start, _ends[index] - start);
    }

    /// <summary>Bytes of the leaf with one more key.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int SizeWith(int keyLength, int prefixLength)
    {
        int own = LogIndexNode.SizeOf(keyLength, prefixLength, LogIndexNode.LeafPayload);
        if (_count > 0 && prefixLength == _prefixLength) return _size + own;
        int size = LogIndexNode.HeaderBytes + prefixLength + own;
        for (int i = 0; i < _count; i++) size += LogIndexNode.SizeOf(Key(i).Length, prefixLength, LogIndexNode.LeafPayload);
        return size;
    }

    private void Flush()
    {
        if (_index.Count != _loaded) throw new InvalidOperationException("Another writer was in the index while it was loaded.");
        _index.BeginWrite();
        try
        {
            uint id = _tree.NewLeaf(out LogIndexNode leaf);
            leaf.FillLeaf(_keys, _ends.AsSpan(0, _count), _locations.AsSpan(0, _count), _prefixLength);

            // The shortest key that is above the leaf before.
            ReadOnlySpan<byte> first = Key(0), before = _lastLoaded.AsSpan(0, _lastLoadedLength);
            _tree.AppendLeaf(first[..(first.CommonPrefixLength(before) + 1)], _count, _ends[_count - 1], id);
        }
        finally
        {
            _index.EndWrite();
        }

        ReadOnlySpan<byte> last = Key(_count - 1);
        last.CopyTo(_lastLoaded);
        _lastLoadedLength = last.Length;
        _loaded += _count;
        _count = 0;
        _size = LogIndexNode.HeaderBytes;
    }
}
