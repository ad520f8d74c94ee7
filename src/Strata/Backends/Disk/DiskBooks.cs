namespace Strata;

/// <summary>How many blobs a disk store holds, how many bytes count, and how many are claimed by writes under way.</summary>
/// <param name="capacity">Bytes that may count; null: any number.</param>
internal sealed class DiskBooks(long? capacity)
{
    private readonly Lock _gate = new();
    private long _claimed;
    private long _bytes;
    private long _blobs;

    public long Bytes => Interlocked.Read(ref _bytes);

    public long Blobs => Interlocked.Read(ref _blobs);

    /// <summary>
    /// Claims room for bytes until the books say what became of them, so that writers at once do not count the same room.
    /// What takes no more than it frees is always taken, even where less became allowed since it was written.
    /// </summary>
    /// <param name="added">Bytes that will count.</param>
    /// <param name="freed">Bytes that will count no more.</param>
    /// <param name="excess">If they do not fit, how many are too many.</param>
    public bool TryClaim(long added, long freed, out long excess)
    {
        excess = 0;
        if (capacity is not { } most || added == 0) return true;
        lock (_gate)
        {
            excess = _bytes + _claimed + added - freed - most;
            if (excess > 0 && added > freed) return false;
            _claimed += added;
            return true;
        }
    }

    /// <summary>Gives back a claim of which nothing came.</summary>
    public void Release(long added) => Settle(added, 0, 0);

    /// <summary>Enters what was committed.</summary>
    /// <param name="claimed">What was claimed for it.</param>
    /// <param name="bytes">Bytes that count from now on, less those that do no more.</param>
    /// <param name="blobs">Blobs that came, less those that went.</param>
    public void Settle(long claimed, long bytes, long blobs)
    {
        Interlocked.Add(ref _blobs, blobs);
        if (capacity is null)
        {
            Interlocked.Add(ref _bytes, bytes);
            return;
        }

        lock (_gate)
        {
            _claimed -= claimed;
            _bytes += bytes;
        }
    }
}
