using System.Text;

namespace Strata;

/// <summary>The limits of a blob's metadata, checked in one place.</summary>
internal static class BlobLimits
{
    private const int MaxField = 255;

    public static void Check(WriteOptions options)
    {
        CheckField(options.ContentType, nameof(options.ContentType));
        CheckField(options.ContentEncoding, nameof(options.ContentEncoding));
        CheckETag(options.ETag);
        CheckMetadata(options.Metadata);
    }

    public static void Check(BlobChanges changes)
    {
        CheckField(changes.ContentType.Or(null), nameof(changes.ContentType));
        CheckField(changes.ContentEncoding.Or(null), nameof(changes.ContentEncoding));
        CheckMetadata(changes.Metadata.Or(null));
        CheckMetadata(changes.MetadataEdits?.ToDictionary(e => e.Key, e => e.Value ?? "", StringComparer.Ordinal));
    }

    public static void Check(CommitOptions? options)
    {
        if (options is null) return;
        CheckETag(options.ETag);
        CheckMetadata(options.Metadata);
    }

    public static void Check(CompleteOptions? options)
    {
        if (options is null) return;
        CheckETag(options.ETag);
        CheckMetadata(options.Metadata);
    }

    /// <summary>The metadata that edits came to, which may be too long though each edit is not.</summary>
    public static void CheckEdited(IReadOnlyDictionary<string, string> metadata) => CheckMetadata(metadata);

    private static void CheckETag(string? etag)
    {
        CheckField(etag, nameof(WriteOptions.ETag));
        if (etag is "" or "*") throw new ArgumentException("ETag may not be empty or '*'.");
    }

    private static void CheckField(string? value, string name)
    {
        if (value is null) return;
        if (value.Length > MaxField) throw new ArgumentException($"{name} may have at most {MaxField} characters; it has {value.Length}.");
        if (value.Any(char.IsControl)) throw new ArgumentException($"{name} may not hold control characters.");
    }

    private static void CheckMetadata(IReadOnlyDictionary<string, string>? metadata)
    {
        if (metadata is null) return;
        int bytes = 0;
        foreach ((string name, string value) in metadata)
        {
            if (name.Length is 0 or > MaxField || name.Any(char.IsControl))
                throw new ArgumentException($"A metadata name must have 1 to {MaxField} characters without controls.");
            if (value is null || value.Contains('\0', StringComparison.Ordinal)) throw new ArgumentException($"The metadata value of '{name}' may not be null or hold NUL.");
            bytes += Encoding.UTF8.GetByteCount(name) + Encoding.UTF8.GetByteCount(value);
        }

        if (bytes > WriteOptions.MaxMetadataBytes)
            throw new ArgumentException($"User metadata may have at most {WriteOptions.MaxMetadataBytes} bytes; it has {bytes}.");
    }
}
