namespace Strata;

/// <summary>
/// What an entry knows besides key, payload, version and checksum. Most entries know nothing more and share one object a
/// store; the others have one of their own, of the smallest form that suffices.
/// </summary>
internal class MemoryDetails(string source)
{
    /// <summary>Stands for a blob that never expires.</summary>
    public const long Never = long.MaxValue;

    /// <summary>The store's name.</summary>
    public string Source { get; } = source;

    /// <summary>What this object takes on the heap because of its entry; 0 for the shared one.</summary>
    public virtual long HeapBytes => 0;

    /// <summary>From when on the blob is invisible, in UTC ticks.</summary>
    public virtual long ExpiresTicks => Never;

    /// <summary>The entry's place among those that expire.</summary>
    public virtual int ExpirySlot
    {
        get => -1;
        set => throw new InvalidOperationException("This entry never expires.");
    }

    /// <summary>The details of a blob in the smallest form; <paramref name="plain"/> where nothing differs from the default.</summary>
    public static MemoryDetails Of(BlobInfo info, MemoryDetails plain)
    {
        if (!info.Version.IsETag(info.ETag) || info.ContentType is not null || info.ContentEncoding is not null || info.Expires is not null || info.Metadata.Count > 0)
            return new Full(plain.Source, info);
        return info.Created == info.Modified && info.Modified == info.Version.Time ? plain : new Times(plain.Source, info);
    }

    /// <summary>Completes what the entry knows by itself.</summary>
    public virtual BlobInfo Complete(BlobInfo info) => info;

    /// <summary>Times that the version does not tell: of a blob that was overwritten, or written elsewhere.</summary>
    private class Times(string source, BlobInfo info) : MemoryDetails(source)
    {
        private const int ObjectBytes = 40;
        private readonly long _created = info.Created.UtcTicks;
        private readonly long _modified = info.Modified.UtcTicks;

        public override long HeapBytes => ObjectBytes;

        public override BlobInfo Complete(BlobInfo info) =>
            info with { Created = new DateTimeOffset(_created, TimeSpan.Zero), Modified = new DateTimeOffset(_modified, TimeSpan.Zero) };
    }

    /// <summary>All there is.</summary>
    private sealed class Full(string source, BlobInfo info) : Times(source, info)
    {
        private const int ObjectBytes = 88;
        private readonly string? _etag = info.Version.IsETag(info.ETag) ? null : info.ETag;
        private readonly string? _contentType = info.ContentType;
        private readonly string? _contentEncoding = info.ContentEncoding;
        private readonly MemoryMetadata? _metadata = MemoryMetadata.Of(info.Metadata);
        private readonly long _expires = info.Expires?.UtcTicks ?? Never;

        public override long HeapBytes =>
            ObjectBytes + HeapSize.OfText(_etag) + HeapSize.OfText(_contentType) + HeapSize.OfText(_contentEncoding) + (_metadata?.HeapBytes ?? 0);

        public override long ExpiresTicks => _expires;

        public override int ExpirySlot { get; set; } = -1;

        public override BlobInfo Complete(BlobInfo info) => base.Complete(info) with
        {
            ETag = _etag ?? info.ETag,
            ContentType = _contentType,
            ContentEncoding = _contentEncoding,
            Expires = _expires == Never ? null : new DateTimeOffset(_expires, TimeSpan.Zero),
            Metadata = _metadata ?? BlobInfo.NoMetadata,
        };
    }
}
