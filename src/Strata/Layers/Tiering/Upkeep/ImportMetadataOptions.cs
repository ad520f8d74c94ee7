namespace Strata;

/// <summary>How an export of metadata is taken in.</summary>
public sealed record ImportMetadataOptions
{
    /// <summary>
    /// True: a blob gets its metadata whatever its bytes are by now. False (the default): only if it is the same write, or length and
    /// CRC-32C are the same or, where one of them is not known, length and ETag.
    /// </summary>
    public bool OverOtherContent { get; init; }

    /// <summary>The longest file that is taken, in bytes: 1 or more; default 16 GiB, about 40 million blobs.</summary>
    public long MaxBytes { get; init; } = 16L << 30;

    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    internal void Check()
    {
        if (MaxBytes < 1) throw new ArgumentException($"MaxBytes must be 1 or more; it is {MaxBytes}.");
    }
}
