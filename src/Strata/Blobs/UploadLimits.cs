namespace Strata;

/// <summary>What every store checks of an upload in parts, before any I/O.</summary>
internal static class UploadLimits
{
    /// <exception cref="ArgumentException">The options hold what belongs to the completion, or are out of range.</exception>
    /// <exception cref="StorageException">Of kind Unsupported.</exception>
    public static void CheckCreate(StoreCapabilities capabilities, BlobKey key, WriteOptions? options)
    {
        capabilities.Check(key, options, "upload");
        if (options is null) return;
        if (options.Condition.Kind != WriteConditionKind.None || options.ETag is not null || options.Checksum is not null || options.AsCopyOf is not null)
            throw new ArgumentException("Condition, ETag, Checksum and AsCopyOf do not belong to the beginning of an upload; the first three are options of its completion.", nameof(options));
    }

    /// <exception cref="ArgumentException">The number is out of its range.</exception>
    public static void CheckNumber(int number)
    {
        if (number is < 1 or > IMultipartUploads.MaxParts) throw new ArgumentException($"A part's number must be 1 to {IMultipartUploads.MaxParts}; it is {number}.", nameof(number));
    }

    /// <exception cref="ArgumentException">A number or the limit is out of its range.</exception>
    public static void CheckPage(int after, int limit)
    {
        if (after < 0) throw new ArgumentException($"The number behind which parts are listed must be 0 or more; it is {after}.", nameof(after));
        if (limit is < 1 or > IMultipartUploads.MaxParts) throw new ArgumentException($"The limit must be 1 to {IMultipartUploads.MaxParts}; it is {limit}.", nameof(limit));
    }

    /// <exception cref="ArgumentException">The parts are none, too many or not in order, or an option is out of its range.</exception>
    /// <exception cref="StorageException">Of kind Unsupported.</exception>
    public static void CheckComplete(StoreCapabilities capabilities, BlobKey key, IReadOnlyList<PartReference> parts, CompleteOptions? options)
    {
        ArgumentNullException.ThrowIfNull(parts);
        capabilities.Check(key, options?.Condition ?? default, "complete");
        BlobLimits.Check(options);
        if (parts.Count is 0 or > IMultipartUploads.MaxParts) throw new ArgumentException($"An upload is completed with 1 to {IMultipartUploads.MaxParts} parts; these are {parts.Count}.", nameof(parts));
        for (int i = 0; i < parts.Count; i++)
        {
            CheckNumber(parts[i].Number);
            if (i > 0 && parts[i].Number <= parts[i - 1].Number)
                throw new ArgumentException($"The numbers of the parts must rise; {parts[i].Number} follows {parts[i - 1].Number}.", nameof(parts));
        }
    }
}
