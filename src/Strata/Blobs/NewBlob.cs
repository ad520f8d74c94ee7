namespace Strata;

/// <summary>The metadata of a blob at its commit, made in one place for every backend.</summary>
internal static class NewBlob
{
    /// <summary>What a write leaves behind.</summary>
    /// <param name="key">The key written.</param>
    /// <param name="length">Payload bytes, as counted.</param>
    /// <param name="checksum">CRC-32C of the payload, as computed.</param>
    /// <param name="options">The caller's.</param>
    /// <param name="commit">What the caller knew only at the end.</param>
    /// <param name="replaced">The visible blob that was there, or null.</param>
    /// <param name="version">The version issued; ignored for a copy, which keeps its own.</param>
    /// <param name="now">The time of the commit.</param>
    public static BlobInfo Describe(
        BlobKey key, long length, uint checksum, WriteOptions? options, CommitOptions? commit, BlobInfo? replaced, BlobVersion version, DateTimeOffset now)
    {
        if (options?.AsCopyOf is { } copied) return copied with { Key = key, Length = length, Checksum = checksum, Tier = null, AccessCount = null, LastAccess = null };
        DateTimeOffset time = ToMilliseconds(now);
        return new BlobInfo
        {
            Key = key,
            Length = length,
            ETag = commit?.ETag ?? options?.ETag ?? version.ToETag(),
            Version = version,
            Created = replaced?.Created ?? time,
            Modified = time,
            Expires = options?.Expires is { } expires ? ToMilliseconds(expires) : null,
            ContentType = options?.ContentType,
            ContentEncoding = options?.ContentEncoding,
            Checksum = checksum,
            Metadata = Copy(commit?.Metadata ?? options?.Metadata),
        };
    }

    /// <summary>The metadata after an update.</summary>
    public static BlobInfo Update(BlobInfo current, BlobChanges changes, BlobVersion version, DateTimeOffset now)
    {
        BlobInfo changed = changes.ApplyTo(current);
        if (changes.MetadataEdits is not null) BlobLimits.CheckEdited(changed.Metadata);
        return changed with
        {
            Version = version,
            ETag = changes.KeepsETag ? current.ETag : version.ToETag(),
            Modified = ToMilliseconds(now),
            Expires = changed.Expires is { } expires ? ToMilliseconds(expires) : null,
            Metadata = Copy(changed.Metadata),
        };
    }

    /// <summary>The write options that make a copy of <paramref name="source"/>; an ETag that a caller gave goes along with the content.</summary>
    public static WriteOptions CopyOf(BlobInfo source, CopyOptions? options)
    {
        BlobInfo from = options?.Replace is { } changes
            ? changes.ApplyTo(source with { ContentType = null, ContentEncoding = null, Expires = null, Metadata = BlobInfo.NoMetadata })
            : source;
        return new WriteOptions
        {
            Condition = options?.Condition ?? default,
            ContentType = from.ContentType,
            ContentEncoding = from.ContentEncoding,
            Expires = from.Expires,
            Metadata = from.Metadata,
            Checksum = source.Checksum,
            ETag = source.ETag == source.Version.ToETag() ? null : source.ETag,
        };
    }

    /// <summary>Refuses a payload that is not what the caller said it is.</summary>
    /// <exception cref="StorageException">Of kind LengthMismatch or Corrupt; nothing was changed.</exception>
    public static void Verify(BlobKey key, string store, long length, uint checksum, long? declared, WriteOptions? options, CommitOptions? commit)
    {
        BlobLimits.Check(commit);
        if ((declared ?? options?.AsCopyOf?.Length) is { } expected && expected != length)
            throw StorageException.WrongLength("write", key, store, expected, $"{length}");
        if ((commit?.Checksum ?? options?.AsCopyOf?.Checksum ?? options?.Checksum) is { } sum && sum != checksum)
            throw StorageException.Corrupt("write", key, store, $"its bytes have CRC-32C {checksum:x8} and should have {sum:x8}; nothing was written");
    }

    public static DateTimeOffset ToMilliseconds(DateTimeOffset time) => DateTimeOffset.FromUnixTimeMilliseconds(time.ToUnixTimeMilliseconds());

    /// <summary>A copy that its caller cannot change; never null.</summary>
    public static IReadOnlyDictionary<string, string> Copy(IReadOnlyDictionary<string, string>? metadata) =>
        metadata is null || metadata.Count == 0 ? BlobInfo.NoMetadata : new Dictionary<string, string>(metadata, StringComparer.Ordinal).AsReadOnly();
}
