namespace Strata;

/// <summary>
/// What was lately written past the warm tier: so that what replaces it there gets a higher version and keeps its time of creation,
/// without a question to the origin. In bounded memory: what is forgotten costs the time of creation.
/// </summary>
internal sealed class StraightWrites
{
    private const int Most = 16_384;
    private readonly Lock _gate = new();
    private readonly Dictionary<BlobKey, BlobInfo> _written = [];
    private readonly Queue<BlobKey> _order = new();

    public void Note(BlobInfo written)
    {
        lock (_gate)
        {
            if (!_written.ContainsKey(written.Key)) _order.Enqueue(written.Key);
            _written[written.Key] = written;
            if (_order.Count > Most) _written.Remove(_order.Dequeue());
        }
    }

    /// <summary>Null: nothing is known. It may have expired.</summary>
    public BlobInfo? Find(BlobKey key)
    {
        lock (_gate) return _written.GetValueOrDefault(key);
    }

    /// <summary>The key was changed in the warm tier, or at the origin by a delete.</summary>
    public void Forget(BlobKey key)
    {
        lock (_gate) _written.Remove(key);
    }
}
