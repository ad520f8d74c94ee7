namespace Strata;

/// <summary>A part of a blob: from an offset, with or without a length, or the last bytes.</summary>
public readonly record struct BlobRange
{
    private BlobRange(long offset, long? length)
    {
        Offset = offset;
        Length = length;
    }

    /// <summary>First byte; negative means 'that many bytes from the end'.</summary>
    public long Offset { get; }

    /// <summary>Number of bytes; null means to the end. A longer one is cut at the blob's end.</summary>
    public long? Length { get; }

    /// <summary>From <paramref name="offset"/> (0 or more) for <paramref name="length"/> bytes (1 or more), or to the end.</summary>
    public static BlobRange From(long offset, long? length = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        if (length is { } given) ArgumentOutOfRangeException.ThrowIfNegativeOrZero(given, nameof(length));
        return new(offset, length);
    }

    /// <summary>The last <paramref name="length"/> bytes (1 or more), or the whole blob if it is shorter.</summary>
    public static BlobRange Last(long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        return new(-length, null);
    }

    /// <summary>Resolves the range against a blob's length, as RFC 9110 section 14.1.2 does.</summary>
    /// <returns>False if no byte of the blob lies in the range.</returns>
    public bool TryResolve(long blobLength, out long offset, out long length)
    {
        offset = Offset < 0 ? Math.Max(0, blobLength + Offset) : Offset;
        length = offset < blobLength ? Math.Min(Length ?? long.MaxValue, blobLength - offset) : 0;
        return length > 0;
    }
}
