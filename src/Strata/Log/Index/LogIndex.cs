namespace Strata;

/// <summary>
/// The ordered index of a log: where each key's entry is, in compact native memory. Keys are 1 to 2,080 bytes in the
/// order of their bytes, which is UTF-8 order.
/// </summary>
/// <remarks>
/// One writer at a time changes it; any number of readers read beside it without a lock. A sequence is odd while a change
/// is made: a reader that sees it odd, or changed when it has read, reads again, and after a few times waits for the
/// writer's latch. The memory of nodes stays the index's until disposal, so that what a reader takes from the middle of a
/// change is nonsense at worst, and dropped.
/// <para>Memory: at most key + 32 bytes an entry for keys of 16 to 100 bytes, whatever their order, once there are some
/// thousands. A node holds only one key of more than 2,000 bytes that shares nothing with its neighbours: that takes 4 KiB.</para>
/// </remarks>
/// <param name="maxBytes">What <see cref="Bytes"/> may not pass by new keys.</param>
internal sealed partial class LogIndex(long maxBytes) : IDisposable
{
    private readonly LogIndexTree _tree = new();
    private readonly Lock _latch = new();
    private PaddedSequence _sequence;
    private bool _isBatch;
    private bool _isDisposed;

    /// <summary>Entries, tombstones among them.</summary>
    public long Count => _tree.Count;

    /// <summary>Native memory in use. What deletions freed is not counted: new keys take it first.</summary>
    public long Bytes => _tree.Bytes;

    /// <summary>Native memory held: the most that <see cref="Bytes"/> ever was.</summary>
    public long HeldBytes => _tree.HeldBytes;

    /// <summary>What <see cref="Bytes"/> may not pass by new keys. It may be set below what is there.</summary>
    public long MaxBytes { get; set; } = maxBytes;

    /// <summary>
    /// Sets where a key's entry is. Outside of <see cref="BeginWrite"/> and <see cref="EndWrite"/> a change of its own.
    /// </summary>
    /// <param name="key">1 to 2,080 bytes.</param>
    /// <param name="location">Where the entry is; Visited as it says.</param>
    /// <param name="previous">Where it was; not known if the key is new.</param>
    /// <returns>False: a new key, and <see cref="MaxBytes"/> might be passed, or there is no memory. Nothing has changed.</returns>
    public bool TryPut(ReadOnlySpan<byte> key, LogLocation location, out LogLocation previous)
    {
        CheckKey(key);
        lock (_latch)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            bool isThere = _tree.Locate(key, out previous);
            if (!isThere && !_tree.HasRoom(key, MaxBytes)) return false;
            BeginChange();
            try
            {
                if (isThere) _tree.SetLocation(location);
                else _tree.Insert(key, location);
            }
            finally
            {
                EndChange();
            }

            return true;
        }
    }

    /// <summary>Takes a key out. Never refused for lack of memory.</summary>
    /// <returns>False: it was not there.</returns>
    public bool Remove(ReadOnlySpan<byte> key, out LogLocation removed)
    {
        CheckKey(key);
        lock (_latch)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (!_tree.Locate(key, out removed)) return false;
            BeginChange();
            try
            {
                _tree.Remove(key.Length);
            }
            finally
            {
                EndChange();
            }

            return true;
        }
    }

    /// <summary>Moves an entry if it still is where it is expected, as compaction does. Whether it was visited is kept.</summary>
    /// <returns>False: it is elsewhere, or gone.</returns>
    public bool Replace(ReadOnlySpan<byte> key, LogLocation expected, LogLocation location)
    {
        CheckKey(key);
        lock (_latch)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (!_tree.Locate(key, out LogLocation current) || !current.IsSamePlaceAs(expected)) return false;
            BeginChange();
            _tree.SetLocation(location with { Flags = (location.Flags & ~LogEntryFlags.Visited) | (current.Flags & LogEntryFlags.Visited) });
            EndChange();
            return true;
        }
    }

    /// <summary>Begins changes that readers see all at once, at <see cref="EndWrite"/>: call that on the same thread, whatever happens. Readers wait meanwhile.</summary>
    public void BeginWrite()
    {
        _latch.Enter();
        if (!_isDisposed && !_isBatch)
        {
            _isBatch = true;
            _sequence.Begin();
            return;
        }

        _latch.Exit();
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        throw new InvalidOperationException("A write has begun already.");
    }

    /// <summary>Shows the changes since <see cref="BeginWrite"/> to readers.</summary>
    public void EndWrite()
    {
        if (!_latch.IsHeldByCurrentThread || !_isBatch) throw new InvalidOperationException("No write has begun on this thread.");
        _sequence.End();
        _isBatch = false;
        _latch.Exit();
    }

    /// <summary>Loads an index that has no keys yet from keys in ascending order, far faster than one by one and with full nodes. Not bound by <see cref="MaxBytes"/>: what a log has can always be opened.</summary>
    public LogIndexLoader Load() => Count == 0 ? new LogIndexLoader(this, _tree) : throw new InvalidOperationException("Only an empty index can be loaded.");

    /// <summary>Gives the memory back. No reader and no writer may be in it; whoever comes later is told.</summary>
    public void Dispose()
    {
        lock (_latch)
        {
            if (_isDisposed) return;
            _isDisposed = true;

            // Odd for ever: readers come to the latch, and see.
            if (!_isBatch) _sequence.Begin();
            _tree.Dispose();
        }
    }

    private static void CheckKey(ReadOnlySpan<byte> key)
    {
        if (key.Length is 0 or > LogIndexNode.MaxKeyBytes) throw new ArgumentException($"A key has 1 to {LogIndexNode.MaxKeyBytes} bytes, not {key.Length}.", nameof(key));
    }

    private void BeginChange()
    {
        if (!_isBatch) _sequence.Begin();
    }

    private void EndChange()
    {
        if (!_isBatch) _sequence.End();
    }
}
