namespace Strata;

/// <summary>An upload under way, as the disk store keeps it in memory: its session, and how much there is of its parts.</summary>
/// <param name="id">Its name.</param>
/// <param name="session">Key, times, types, metadata and expiry.</param>
internal sealed class DiskUpload(string id, BlobInfo session)
{
    private readonly Lock _gate = new();
    private int _parts;
    private long _bytes;
    private int _pending;

    public string Id => id;

    public BlobKey Key => session.Key;

    public BlobInfo Session => session;

    /// <summary>The session's key in the log.</summary>
    public byte[] Name { get; } = DiskKey.OfUpload(session.Key, id);

    /// <summary>Expiry, types and metadata of the blob to be.</summary>
    public WriteOptions Options { get; } = new()
    {
        ContentType = session.ContentType,
        ContentEncoding = session.ContentEncoding,
        Expires = session.Expires,
        Metadata = session.Metadata,
    };

    /// <summary>Completed, aborted or expired: nothing more may come in.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>The newest of its beginning and its parts, so that a restart changes nothing.</summary>
    public DateTimeOffset Touched { get; private set; } = session.Created;

    public MultipartUpload Describe()
    {
        lock (_gate)
        {
            return new MultipartUpload { Key = Key, Id = id, Created = session.Created, Touched = Touched, Parts = _parts, Bytes = _bytes, Options = Options };
        }
    }

    /// <summary>Keeps the sweep away until <see cref="Leave"/>. False: it has ended, or its time is over.</summary>
    public bool TryEnter(Func<DiskUpload, bool> isExpired)
    {
        lock (_gate)
        {
            if (HasEnded || isExpired(this)) return false;
            _pending++;
            return true;
        }
    }

    public void Leave()
    {
        lock (_gate) _pending--;
    }

    /// <summary>Ends it, if its time is over and nobody is at it.</summary>
    public bool TryExpire(Func<DiskUpload, bool> isExpired)
    {
        lock (_gate) return !HasEnded && _pending == 0 && isExpired(this) && (HasEnded = true);
    }

    /// <summary>From here on it does not exist.</summary>
    public void End()
    {
        lock (_gate) HasEnded = true;
    }

    /// <summary>An expired one that could not be removed: the next sweep tries again. It stays invisible.</summary>
    public void Reopen()
    {
        lock (_gate) HasEnded = false;
    }

    /// <summary>Counts a part that is kept.</summary>
    /// <param name="part">The part.</param>
    /// <param name="replaced">Bytes of the part of its number that it replaced; null if there was none.</param>
    public void Keep(BlobInfo part, long? replaced)
    {
        lock (_gate)
        {
            if (replaced is null) _parts++;
            _bytes += part.Length - (replaced ?? 0);
            if (part.Modified > Touched) Touched = part.Modified;
        }
    }
}
