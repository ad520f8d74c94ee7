using System.Net.Http.Headers;

namespace Strata.S3;

/// <summary>An object's headers as they are sent.</summary>
/// <param name="ContentType">As HTTP takes it; null if the blob has none, or one that no header can carry.</param>
/// <param name="ContentEncoding">The same.</param>
/// <param name="Metadata">Names without <c>x-amz-meta-</c>.</param>
/// <param name="Appendix">What the appendix must hold before the object may be seen; null if there is none.</param>
internal sealed record ObjectHeaders(string? ContentType, string? ContentEncoding, Dictionary<string, string> Metadata, byte[]? Appendix)
{
    /// <summary>Headers that say all of a blob, by an appendix where they are too long.</summary>
    /// <param name="info">The blob.</param>
    /// <param name="writeId">Names the write, and the appendix.</param>
    public static ObjectHeaders Of(BlobInfo info, string writeId)
    {
        Dictionary<string, string> headers = ObjectRecord.Headers(info, writeId, null);
        if (ObjectRecord.Fit(headers)) return Of(info, headers, null);
        return Of(info, ObjectRecord.ShortHeaders(info, writeId, writeId), ObjectRecord.Appendix(info, writeId));
    }

    /// <summary>Headers of a blob that is still being written: an appendix will say what it came to.</summary>
    public static ObjectHeaders OfUnfinished(BlobInfo info, string writeId)
    {
        Dictionary<string, string> headers = ObjectRecord.Headers(info, writeId, writeId);
        return Of(info, ObjectRecord.Fit(headers) ? headers : ObjectRecord.ShortHeaders(info, writeId, writeId), null);
    }

    private static ObjectHeaders Of(BlobInfo info, Dictionary<string, string> metadata, byte[]? appendix) => new(
        info.ContentType is { } type && MediaTypeHeaderValue.TryParse(type, out _) ? type : null,
        info.ContentEncoding is { } encoding && !encoding.AsSpan().ContainsAnyExceptInRange('!', '~') ? encoding : null,
        metadata,
        appendix);
}
