namespace Strata;

/// <content>Rows of a layer's own state, which commit with the blobs.</content>
public sealed partial class MemoryBlobStore : IStateRows
{
    private readonly Lock _rowsGate = new();
    private readonly StoreContext? _context;
    private volatile MemoryStateRows? _rows;

    /// <inheritdoc/>
    /// <remarks>Made when they are first asked for. They do not count in <see cref="MaxBytes"/>.</remarks>
    public IKvDatabase Rows => OpenRows();

    /// <inheritdoc/>
    public void Record(Func<BlobChange, IReadOnlyList<KvMutation>> recorder)
    {
        ArgumentNullException.ThrowIfNull(recorder);
        OpenRows().Record(recorder);
    }

    private MemoryStateRows OpenRows()
    {
        if (_rows is { } rows) return rows;
        lock (_rowsGate)
        {
            ThrowIfClosed("open rows");
            return _rows ??= new MemoryStateRows(_options.Name, new MemoryKvDatabase(new MemoryKvDatabaseOptions { Name = _options.Name }, _context));
        }
    }

    private ValueTask CloseRowsAsync()
    {
        lock (_rowsGate) return _rows?.CloseAsync() ?? default;
    }

    /// <summary>Buries a blob, with the rows that go along.</summary>
    private void Bury(MemoryShard shard, BlobKey key, MemoryBlob? found, BlobVersion version, DateTimeOffset now)
    {
        if (_rows is { Recorder: not null } rows) BuryRecorded(rows, shard, found, new BlobChange(key, version, null, IsCopy: false), now);
        else shard.Bury(key, found, version, _plain, MinuteOf(now));
    }

    private void BuryRecorded(MemoryStateRows rows, MemoryShard shard, MemoryBlob? found, BlobChange change, DateTimeOffset now) => rows.TryCommit(change, () =>
    {
        shard.Bury(change.Key, found, change.Version, _plain, MinuteOf(now));
        return true;
    });

    /// <summary>Puts a changed blob into its place, with the rows that go along, if there is room for it.</summary>
    private bool TryPut(MemoryShard shard, MemoryBlob blob, BlobInfo info, bool isCopy, MemoryBlob? found, long claimed) =>
        _rows is { Recorder: not null } rows
            ? TryPutRecorded(rows, shard, blob, new BlobChange(info.Key, info.Version, info, isCopy), found, claimed)
            : TryPut(shard, blob, found, claimed);

    private bool TryPutRecorded(MemoryStateRows rows, MemoryShard shard, MemoryBlob blob, BlobChange change, MemoryBlob? found, long claimed) =>
        rows.TryCommit(change, () => TryPut(shard, blob, found, claimed));
}
