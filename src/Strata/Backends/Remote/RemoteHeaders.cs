using System.Net.Http.Headers;

namespace Strata;

/// <summary>An object's headers as they are sent.</summary>
/// <param name="ContentType">As HTTP takes it; null if the blob has none, or one that no header can carry.</param>
/// <param name="ContentEncoding">The same.</param>
/// <param name="Metadata">Names without the server's prefix.</param>
/// <param name="Appendix">What the appendix must hold before the object may be seen; null if there is none.</param>
internal sealed record RemoteHeaders(string? ContentType, string? ContentEncoding, Dictionary<string, string> Metadata, byte[]? Appendix)
{
    /// <summary>Those of an appendix.</summary>
    public static RemoteHeaders Json { get; } = new("application/json", null, [], null);

    /// <summary>Headers that say all of a blob, by an appendix where they are too long.</summary>
    /// <param name="record">How the server takes them.</param>
    /// <param name="info">The blob.</param>
    /// <param name="writeId">Names the write, and the appendix.</param>
    /// <param name="neededUntil">Of a tombstone: until when it keeps older copies out.</param>
    public static RemoteHeaders Of(RemoteRecord record, BlobInfo info, string writeId, DateTimeOffset? neededUntil = null)
    {
        Dictionary<string, string> headers = record.Headers(info, writeId, null, neededUntil);
        return record.Fit(headers)
            ? Of(info, headers, null)
            : Of(info, record.ShortHeaders(info, writeId, writeId), RemoteRecord.Appendix(info, writeId));
    }

    /// <summary>Headers of a blob that is still being written: an appendix will say what it came to.</summary>
    public static RemoteHeaders OfUnfinished(RemoteRecord record, BlobInfo info, string writeId)
    {
        Dictionary<string, string> headers = record.Headers(info, writeId, writeId);
        return Of(info, record.Fit(headers) ? headers : record.ShortHeaders(info, writeId, writeId), null);
    }

    private static RemoteHeaders Of(BlobInfo info, Dictionary<string, string> metadata, byte[]? appendix) => new(
        info.ContentType is { } type && MediaTypeHeaderValue.TryParse(type, out _) ? type : null,
        info.ContentEncoding is { Length: > 0 } encoding && !encoding.AsSpan().ContainsAnyExceptInRange('!', '~') ? encoding : null,
        metadata,
        appendix);
}
