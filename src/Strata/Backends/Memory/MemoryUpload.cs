namespace Strata;

/// <summary>An upload in parts that is under way in memory. Everything is read and changed under its gate.</summary>
internal sealed class MemoryUpload(BlobKey key, string id, WriteOptions options, DateTimeOffset created)
{
    public Lock Gate { get; } = new();

    public BlobKey Key => key;

    public string Id => id;

    public WriteOptions Options => options;

    public DateTimeOffset Created { get; } = created;

    public SortedDictionary<int, MemoryPart> Parts { get; } = [];

    /// <summary>Bytes that count against the store's capacity.</summary>
    public long Size => Parts.Values.Sum(p => p.Size);

    public DateTimeOffset Touched { get; set; } = created;

    /// <summary>Completed, aborted or expired: nothing more may come in.</summary>
    public bool HasEnded { get; set; }

    public MultipartUpload Describe()
    {
        lock (Gate)
        {
            return new MultipartUpload
            {
                Key = key, Id = id, Created = Created, Touched = Touched, Parts = Parts.Count, Bytes = Parts.Values.Sum(p => p.Info.Length), Options = options,
            };
        }
    }
}

/// <summary>A part that is kept.</summary>
internal sealed record MemoryPart(byte[] Bytes, UploadedPart Info)
{
    private const int Overhead = 300;

    public long Size => Bytes.Length + Overhead + (2 * Info.ETag.Length) + Info.Metadata.Sum(m => 64 + (2 * (m.Key.Length + m.Value.Length)));
}
