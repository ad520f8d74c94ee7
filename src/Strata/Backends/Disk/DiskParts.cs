namespace Strata;

/// <summary>
/// The payload of a composed blob: part files, one after the other. Whoever needs the files holds a lease: each blob entry
/// that lists them, and each reader. With the last lease they go.
/// </summary>
/// <param name="key">The blob's key.</param>
/// <param name="upload">The upload whose folder the files lie in.</param>
/// <param name="parts">The files, in the order of the blob's bytes.</param>
/// <param name="unused">Told once, when the last lease is gone.</param>
internal sealed class DiskParts(BlobKey key, string upload, DiskPart[] parts, Action<DiskParts> unused)
{
    private readonly long[] _ends = EndsOf(parts);
    private readonly Lock _gate = new();
    private int _leases;
    private bool _isUnused;

    public BlobKey Key => key;

    public string Upload => upload;

    public IReadOnlyList<DiskPart> Files => parts;

    /// <summary>Payload bytes.</summary>
    public long Length => _ends[^1];

    /// <summary>Bytes that the files take.</summary>
    public long FileBytes { get; } = parts.Sum(p => p.FileBytes);

    /// <summary>
    /// True as soon as the upload's session file is known to be gone for good. Before that the manifest has to stay: it is
    /// what tells these files from those of an upload under way.
    /// </summary>
    public bool IsSessionGone { get; set; }

    /// <summary>The part that holds the byte at an offset; O(log n).</summary>
    public int IndexOf(long offset)
    {
        int found = Array.BinarySearch(_ends, offset);
        if (found < 0) return ~found;

        // The offset is the end of this part, and of the empty ones that may follow.
        while (found < parts.Length && _ends[found] <= offset) found++;
        return found;
    }

    /// <summary>Where a part's bytes begin in the blob.</summary>
    public long StartOf(int index) => _ends[index] - parts[index].Length;

    /// <summary>Keeps the files until the lease is disposed; null if they are going already.</summary>
    public Lease? TryLease()
    {
        lock (_gate)
        {
            if (_isUnused) return null;
            _leases++;
            return new Lease(this);
        }
    }

    private void Return()
    {
        lock (_gate)
        {
            if (--_leases > 0) return;
            _isUnused = true;
        }

        unused(this);
    }

    private static long[] EndsOf(DiskPart[] parts)
    {
        long[] ends = new long[parts.Length];
        long end = 0;
        for (int i = 0; i < parts.Length; i++) ends[i] = end += parts[i].Length;
        return ends;
    }

    /// <summary>Keeps the files; safe to dispose twice.</summary>
    public sealed class Lease(DiskParts parts) : IDisposable
    {
        private bool _returned;

        public DiskParts Parts => parts;

        public void Dispose()
        {
            if (!Interlocked.Exchange(ref _returned, true)) parts.Return();
        }
    }
}
