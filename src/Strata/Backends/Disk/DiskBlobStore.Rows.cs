namespace Strata;

/// <content>Rows of a layer's own state, which commit with the blobs.</content>
public sealed partial class DiskBlobStore : IStateRows
{
    private readonly Lock _rowsGate = new();
    private readonly StoreContext _context;
    private KvInventory? _rowsFound;
    private volatile DiskStateRows? _rows;

    /// <inheritdoc/>
    /// <remarks>
    /// They are a keyspace of the store's log, made when they are first asked for. They take room in the folder, and do not count
    /// in <see cref="DiskBlobStoreOptions.MaxBytes"/>.
    /// </remarks>
    public IKvDatabase Rows => OpenRows();

    /// <inheritdoc/>
    public void Record(Func<BlobChange, IReadOnlyList<KvMutation>> recorder)
    {
        ArgumentNullException.ThrowIfNull(recorder);
        OpenRows().Record(recorder);
    }

    private DiskStateRows OpenRows()
    {
        if (_rows is { } rows) return rows;
        using OperationGate.Pass pass = _gate.Enter("open rows");
        lock (_rowsGate)
        {
            return _rows ??= new DiskStateRows(_folder, Interlocked.Exchange(ref _rowsFound, null) ?? new KvInventory(LogKeyspace.StateRows), _gate, _context);
        }
    }

    /// <summary>Notes a change for the recorder, if there is one.</summary>
    private void Note(DiskChange change, BlobKey key, BlobVersion version, BlobInfo? info, bool isCopy)
    {
        if (_rows is { IsRecording: true }) (change.Recorded ??= []).Add(new BlobChange(key, version, info, isCopy));
    }
}
