namespace Strata;

/// <summary>Which uploads to list.</summary>
public sealed record UploadListRequest
{
    /// <summary>Only uploads of keys that begin with this text (ordinal); empty for all.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>Only uploads behind those of this key; null for all.</summary>
    public string? AfterKey { get; init; }

    /// <summary>With <see cref="AfterKey"/>: also the uploads of that key whose ids sort behind this one; null for none of them.</summary>
    public string? AfterId { get; init; }

    /// <summary>At most this many: 1 to <see cref="ListRequest.MaxLimit"/>. Default 1,000.</summary>
    public int Limit { get; init; } = 1000;

    /// <summary>Checks the request.</summary>
    /// <exception cref="ArgumentException">A field is out of range.</exception>
    public void Validate()
    {
        ArgumentNullException.ThrowIfNull(Prefix);
        if (Limit is < 1 or > ListRequest.MaxLimit) throw new ArgumentException($"Limit must be 1 to {ListRequest.MaxLimit}; it is {Limit}.");
        if (AfterId is not null && AfterKey is null) throw new ArgumentException("AfterId needs AfterKey.");
    }

    /// <summary>Whether an upload belongs to the listing.</summary>
    internal bool Shows(MultipartUpload upload)
    {
        if (!upload.Key.Value.StartsWith(Prefix, StringComparison.Ordinal)) return false;
        if (AfterKey is null) return true;
        int order = BlobKey.CompareText(upload.Key.Value, AfterKey);
        return order > 0 || (order == 0 && AfterId is not null && string.CompareOrdinal(upload.Id, AfterId) > 0);
    }
}
