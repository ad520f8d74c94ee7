namespace Strata;

/// <summary>Keeps files as they are while it is held. Disposed once its holder is done; one that was forgotten is given back by the collector.</summary>
internal sealed class ValueLease(ValueFiles files, ValueFile?[] held) : IDisposable
{
    private ValueFile?[]? _held = held;

#pragma warning disable MA0055 // a reader that somebody forgot would keep its file, and the disk's space, for ever
    ~ValueLease()
#pragma warning restore MA0055
    {
        // Not here: what follows takes locks, and may remove files.
        if (_held is { } held) ThreadPool.UnsafeQueueUserWorkItem(static state => state.files.Release(state.held), (files, held), preferLocal: false);
    }

    /// <summary>A file, by its place in the order that they were asked for in.</summary>
    public ValueFile this[int at] => _held?[at] ?? throw new ObjectDisposedException(nameof(ValueLease));

    /// <summary>Gives one file back before the others: a value of many pieces is read with few open files.</summary>
    public void Release(int at)
    {
        if (_held is { } held && Interlocked.Exchange(ref held[at], null) is { } file) files.Release(file);
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _held, null) is not { } held) return;
        GC.SuppressFinalize(this);
        files.Release(held);
    }
}
