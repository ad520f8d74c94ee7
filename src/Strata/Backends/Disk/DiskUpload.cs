namespace Strata;

/// <summary>
/// An upload under way, as the disk store keeps it in memory. It is changed under its key's lock, and may be read at any time.
/// </summary>
/// <param name="id">Its name and that of its folder.</param>
/// <param name="session">What the session file says: key, times, types, metadata and expiry.</param>
/// <param name="sessionBytes">Bytes of the session file.</param>
internal sealed class DiskUpload(string id, BlobInfo session, long sessionBytes)
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<int, DiskUploadedPart> _parts = [];
    private long _bytes;

    public string Id => id;

    public BlobKey Key => session.Key;

    /// <summary>Expiry, types and metadata of the blob to be.</summary>
    public WriteOptions Options { get; } = new()
    {
        ContentType = session.ContentType,
        ContentEncoding = session.ContentEncoding,
        Expires = session.Expires,
        Metadata = session.Metadata,
    };

    /// <summary>Completed, aborted or expired: nothing more may come in.</summary>
    public bool HasEnded { get; set; }

    /// <summary>Bytes that its files take.</summary>
    public long FileBytes { get; private set; } = sessionBytes;

    /// <summary>The newest of its beginning and its parts, so that a restart changes nothing.</summary>
    public DateTimeOffset Touched { get; private set; } = session.Created;

    public MultipartUpload Describe()
    {
        lock (_gate)
        {
            return new MultipartUpload { Key = Key, Id = id, Created = session.Created, Touched = Touched, Parts = _parts.Count, Bytes = _bytes, Options = Options };
        }
    }

    public DiskUploadedPart? Find(int number)
    {
        lock (_gate) return _parts.GetValueOrDefault(number);
    }

    public IReadOnlyList<UploadedPart> List(int after, int limit)
    {
        lock (_gate) return [.. _parts.Values.Where(p => p.Number > after).Take(limit).Select(p => p.Describe())];
    }

    /// <summary>Keeps a part, unless a newer one of its number is there.</summary>
    /// <returns>Of two parts of one number the one that is not kept; null if there was none.</returns>
    public DiskUploadedPart? Keep(DiskUploadedPart part)
    {
        lock (_gate)
        {
            if (_parts.TryGetValue(part.Number, out DiskUploadedPart? other) && other.Sequence > part.Sequence) return part;
            _parts[part.Number] = part;
            _bytes += part.Info.Length - (other?.Info.Length ?? 0);
            FileBytes += part.FileBytes - (other?.FileBytes ?? 0);
            if (part.Info.Modified > Touched) Touched = part.Info.Modified;
            return other;
        }
    }

    /// <summary>The files of the named parts; null if one is not there or has another ETag, whose number is then <paramref name="invalid"/>.</summary>
    public DiskPart[]? Select(IReadOnlyList<PartReference> references, out int invalid)
    {
        lock (_gate)
        {
            var files = new DiskPart[references.Count];
            for (int i = 0; i < files.Length; i++)
            {
                invalid = references[i].Number;
                if (!_parts.TryGetValue(invalid, out DiskUploadedPart? part) || !string.Equals(part.Info.ETag, references[i].ETag, StringComparison.Ordinal)) return null;
                files[i] = part.File;
            }

            invalid = 0;
            return files;
        }
    }

    /// <summary>The parts that are not among these files.</summary>
    public IReadOnlyList<DiskUploadedPart> Except(DiskPart[] files)
    {
        HashSet<int> named = [.. files.Select(f => f.Number)];
        lock (_gate) return [.. _parts.Values.Where(p => !named.Contains(p.Number))];
    }
}

/// <summary>A part that is kept.</summary>
/// <param name="Number">1 to <see cref="IMultipartUploads.MaxParts"/>.</param>
/// <param name="Info">Length, ETag, checksum, time and metadata.</param>
/// <param name="Sequence">Names its file together with the number.</param>
/// <param name="FileBytes">Bytes of the file.</param>
internal sealed record DiskUploadedPart(int Number, BlobInfo Info, ulong Sequence, long FileBytes)
{
    public DiskPart File => new(Number, Info.Checksum ?? 0, Info.Length, Sequence, FileBytes);

    public UploadedPart Describe() => new()
    {
        Number = Number, Length = Info.Length, ETag = Info.ETag, Checksum = Info.Checksum ?? 0, Modified = Info.Modified, Metadata = Info.Metadata,
    };
}
